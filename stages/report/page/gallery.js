// The gallery: every clip with its reference and each method's answer, filtered in place.

const PAGE_OF_CLIPS = 24;
const PART_NAMES = ["not in it", "train", "validation", "test"];

function drawGallery(data, columns, pictures) {
  const total = columns.clips.length;
  const metrics = data.metrics.filter((metric) => Object.keys(columns.right[metric.id] ?? {}).length);
  const judged = data.methods.filter((method) => !method.null);
  const pick = { protocol: "", klass: "", method: "", outcome: "", metric: metrics[0]?.id ?? "", disagree: false, pictured: false, words: "" };
  let shown = [];
  let drawn = 0;
  let folded = null;

  const lower = (list) => list.map((text) => text.toLowerCase());
  const fold = () => { folded ??= { texts: lower(columns.texts), clips: lower(columns.clips) }; };

  // Which distinct texts hold the words: each text is looked at once, whatever the number of clips.
  function textsWith(words) {
    fold();
    const holds = new Uint8Array(folded.texts.length);
    for (let i = 0; i < holds.length; i++) if (folded.texts[i].includes(words)) holds[i] = 1;
    return holds;
  }

  function filter() {
    const marks = columns.right[pick.metric] ?? {};
    const disagreeing = judged.map((method) => marks[method.id]).filter(Boolean);
    const parts = pick.protocol ? columns.parts[pick.protocol] : null;
    const klass = pick.klass === "" ? -1 : Number(pick.klass);
    const words = pick.words.trim().toLowerCase();
    const holds = words ? textsWith(words) : null;
    const asked = pick.method ? [pick.method] : data.methods.map((method) => method.id);
    const texts = asked.map((id) => columns.answers[id].text);
    const wanted = pick.outcome === "right" ? "1" : pick.outcome === "wrong" ? "0" : null;
    const outcomes = wanted ? (pick.method ? [pick.method] : judged.map((method) => method.id)).map((id) => marks[id]).filter(Boolean) : [];
    const found = [];
    for (let i = 0; i < total; i++) {
      if (parts && parts[i] !== "3") continue;
      if (klass >= 0 && !columns.labels[i].includes(klass)) continue;
      if (pick.pictured && !pictures[columns.clips[i]]) continue;
      if (wanted && !(outcomes.length && outcomes.every((mark) => mark[i] === wanted))) continue;
      if (pick.disagree && !(disagreeing.some((mark) => mark[i] === "1") && disagreeing.some((mark) => mark[i] === "0"))) continue;
      if (holds) {
        const reference = columns.reference[i];
        const here = (reference >= 0 && holds[reference]) || texts.some((text) => text[i] >= 0 && holds[text[i]]) ||
          folded.clips[i].includes(words);
        if (!here) continue;
      }
      found.push(i);
    }
    return found;
  }

  function update() {
    shown = filter();
    drawn = 0;
    byId("gallery-list").replaceChildren();
    byId("gallery-count").textContent = `${count(shown.length)} of ${count(total)} clips`;
    more();
  }

  function more() {
    const next = shown.slice(drawn, drawn + PAGE_OF_CLIPS);
    byId("gallery-list").append(...next.map(card));
    drawn += next.length;
    const rest = shown.length - drawn;
    byId("gallery-more").hidden = rest <= 0;
    byId("gallery-more").textContent = `Show more (${count(rest)} left)`;
  }

  const className = (index) => readable(data.classes[index]);

  function answer(method, i) {
    const given = columns.answers[method.id];
    const mark = columns.right[pick.metric]?.[method.id]?.[i];
    const verdict = { 1: ["right", "✓ right"], 0: ["wrong", "✗ wrong"], "~": ["", "≈ right in some draws"] }[mark];
    const grade = columns.values[pick.metric]?.[method.id]?.[i];
    const named = columns.named[pick.metric]?.[method.id]?.[i];
    const status = given.status[i];
    const labels = columns.sets[pick.metric]?.[method.id]?.[i] ?? given.labels?.[i];
    const text = given.text[i] >= 0 ? columns.texts[given.text[i]] : null;
    const closed = labels ? labels.map(className).join(", ") || "no class" : null;
    const as = named !== undefined && named >= 0 && className(named) !== closed ? className(named) : null;
    return [
      el("dt", {}, el("span", {}, method.name),
        verdict ? el("span", { class: `verdict ${verdict[0]}` }, verdict[1]) : el("span", {}, "not judged"),
        grade !== undefined && grade !== null ? el("span", {}, (grade / 1000).toFixed(3)) : null,
        as ? el("span", {}, `as ${as}`) : null, closed ? el("span", { class: "closed" }, closed) : null),
      text?.trim() ? longText(text, "") : closed ? "" : longText(text === null ? "no answer" : "an empty text", "none"),
      status ? longText(status, "none") : "",
    ].flat();
  }

  // A long text starts folded; the figures that a metric gives stand beside the verdict, a closed answer too.
  function longText(text, className) {
    const tidy = text.trim().replace(/[ \t]+/g, " ");
    if (tidy.length < 260) return el("dd", { class: className || null }, tidy);
    const body = el("dd", { class: `clamp ${className}` }, tidy);
    const button = el("button", { type: "button", class: "whole", onclick: () => { body.classList.remove("clamp"); button.remove(); } }, "whole text");
    return [body, el("dd", {}, button)];
  }

  function card(i) {
    const clip = columns.clips[i];
    const label = columns.labels[i].map(className).join(", ") || "no label";
    const where = [columns.subject[i] && `subject ${columns.subject[i]}`, columns.camera[i] && `camera ${columns.camera[i]}`,
      ...(pick.protocol ? [`${pick.protocol}: ${PART_NAMES[columns.parts[pick.protocol][i]]}`] : [])].filter(Boolean).join(", ");
    const reference = columns.reference[i];
    const methods = pick.method ? data.methods.filter((method) => method.id === pick.method) : judged;
    return el("article", { class: "card" },
      el("h3", {}, label),
      el("p", { class: "id" }, clip, where ? ` · ${where}` : ""),
      pictures[clip] ? el("div", { class: "frames" }, pictures[clip].map((source, rank) =>
        el("img", { src: source, alt: `Keyframe ${rank + 1} of ${clip}`, decoding: "async" }))) : null,
      el("dl", {},
        reference >= 0 ? el("div", { class: "reference" }, el("dt", {}, "Reference"), longText(columns.texts[reference], "")) : null,
        methods.map((method) => el("div", {}, answer(method, i)))));
  }

  let waiting = 0;
  const change = (key) => (value) => { pick[key] = value; update(); };
  const check = (key, text) => {
    const input = el("input", { type: "checkbox", name: key, onchange: () => { pick[key] = input.checked; update(); } });
    return el("label", { class: "check" }, input, text);
  };
  const search = el("input", { type: "search", name: "words", placeholder: "words in a text or a clip's name", oninput: () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { pick.words = search.value; update(); }, 40);
  } });
  const form = byId("gallery-controls");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.append(
    choice("Class", [["", "all"], ...data.classes.map((name, index) => [String(index), readable(name)])], "", change("klass")),
    choice("Method", [["", "all methods"], ...data.methods.map((method) => [method.id, method.name])], "", change("method")),
    choice("Outcome", [["", "right or wrong"], ["right", "right"], ["wrong", "wrong"]], "", change("outcome")),
    choice("Judged by", metrics.map((metric) => [metric.id, metric.title]), pick.metric, change("metric")),
    choice("Test part of", [["", "any clip"], ...data.protocols.map((name) => [name, name])], "", change("protocol")),
    el("label", {}, "Text", search),
    check("disagree", "methods disagree"),
    Object.keys(pictures).length ? check("pictured", "with keyframes") : "");
  byId("gallery-more").addEventListener("click", more);
  update();
  // The first search need not wait for this.
  setTimeout(fold, 200);
}
