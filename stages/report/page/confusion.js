// What is taken for what: a heat map of row shares, and the largest confusions in words.

function drawConfusion(data) {
  const keys = Object.keys(data.confusion);
  if (!keys.length) { // no metric names one class: neither section nor link
    document.querySelector('nav a[href="#confusion"]').parentElement.remove();
    return byId("confusion").remove();
  }
  let chosen = data.methods.find((method) => !method.null && keys.some((key) => data.confusion[key][method.id]))?.id;
  const pickMethod = choice("Method", data.methods.map((method) => [method.id, method.name]), chosen, (value) => { chosen = value; redraw(); });
  const words = (index) => (index < 0 ? "no class" : readable(data.classes[index]));
  const reading = byId("confusion-reading");
  const resting = reading.textContent;

  function draw(key) {
    const triples = data.confusion[key][chosen];
    if (!triples) {
      byId("confusion-table").replaceChildren(el("p", {}, "This method names no class here."));
      byId("confusion-worst").replaceChildren();
      return;
    }
    const counts = new Map();
    const totals = new Map();
    for (let i = 0; i < triples.length; i += 3) {
      const [actual, named, clips] = triples.slice(i, i + 3);
      counts.set(`${actual},${named}`, clips);
      totals.set(actual, (totals.get(actual) ?? 0) + clips);
    }
    const present = data.classes.map((_, index) => index).filter((index) => totals.has(index));
    const named = new Set([...counts.keys()].map((pair) => Number(pair.split(",")[1])));
    const across = [...data.classes.map((_, index) => index).filter((index) => named.has(index) || totals.has(index)), ...(named.has(-1) ? [-1] : [])];
    const cell = (actual, other) => {
      const clips = counts.get(`${actual},${other}`) ?? 0;
      const share = clips / totals.get(actual);
      const shown = Math.round(100 * share);
      return el("td", {
        style: clips ? `--share:${(100 * Math.sqrt(share) * 0.95).toFixed(0)}%` : null,
        class: [share > 0.65 ? "strong" : share > 0.45 ? "middling" : "", actual === other ? "diagonal" : ""].join(" ").trim() || null,
        "data-say": `${words(actual)} → ${words(other)}: ${count(clips)} of ${count(totals.get(actual))} clips (${percent(share)} %)`,
      }, shown ? String(shown) : "");
    };
    const table = el("table", { class: "heat" },
      el("caption", { hidden: true }, `Confusion of ${chosen}`),
      el("thead", {}, el("tr", {}, el("th", {}), across.map((index) => el("th", { scope: "col" }, el("span", {}, words(index)))))),
      el("tbody", {}, present.map((actual) => el("tr", {}, el("th", { scope: "row" }, words(actual)), across.map((other) => cell(actual, other))))));
    table.addEventListener("pointerover", (event) => {
      table.querySelector("td.here")?.classList.remove("here");
      if (event.target.dataset?.say) {
        event.target.classList.add("here");
        reading.textContent = event.target.dataset.say;
      }
    });
    table.addEventListener("pointerleave", () => { reading.textContent = resting; });
    byId("confusion-table").replaceChildren(table);
    worst(counts, totals);
  }

  function worst(counts, totals) {
    const wrong = [...counts].map(([pair, clips]) => [...pair.split(",").map(Number), clips]).filter(([actual, named]) => actual !== named);
    wrong.sort((a, b) => b[2] / totals.get(b[0]) - a[2] / totals.get(a[0]) || b[2] - a[2]);
    byId("confusion-worst").replaceChildren(
      el("h3", {}, "Largest confusions, by share of the true class"),
      el("div", { class: "scroll" }, el("table", { class: "plain" },
        el("thead", {}, el("tr", {}, ["True", "Taken for"].map((text) => el("th", {}, text)), ["Clips", "%"].map((text) => el("th", { class: "n" }, text)))),
        el("tbody", {}, wrong.slice(0, 12).map(([actual, named, clips]) => el("tr", {},
          el("td", {}, words(actual)), el("td", {}, words(named)),
          el("td", { class: "n" }, `${count(clips)} of ${count(totals.get(actual))}`),
          el("td", { class: "n" }, percent(clips / totals.get(actual), 0))))))));
  }
  const redraw = chooser(data, data.confusion, byId("confusion-controls"), draw, [pickMethod]);
}
