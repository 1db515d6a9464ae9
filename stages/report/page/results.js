// The results table: methods down, protocols and metrics across; a number's details on demand.

// The headline number of a metric is what it says, mean class accuracy or accuracy; of one whose answers are sets of
// classes it is macro-F1.
const AGGREGATES = [["mca", "Mean class accuracy"], ["macro_f1", "Macro-F1"], ["macro_precision", "Macro precision"],
  ["macro_recall", "Macro recall"], ["macro_ap", "Mean average precision"], ["accuracy", "Accuracy"], ["violations", "Rules broken"],
  ["invented", "Invented a class"], ["outside", "Outside the list"]];
const LESS_IS_BETTER = new Set(["violations", "invented", "outside"]);

// Above the line the interval of the shipped run, its number a dot. Where `more` has other seeds: below the line the
// interval that holds them, its middle number their mean; they are small dots, those of other base models squares.
function whisker(value, low, high, reference, more = null) {
  const height = more ? 24 : 14;
  const parts = [svg("line", { class: "axis", x1: 0, x2: 160, y1: 7, y2: 7 })];
  const line = (name, x1, x2, y1, y2) => parts.push(svg("line", { class: name, x1: 160 * x1, x2: 160 * x2, y1, y2 }));
  const span = (name, from, to, y) => {
    line(name, from, to, y, y);
    line(name, from, from, y - 3, y + 3);
    line(name, to, to, y - 3, y + 3);
  };
  if (reference !== null) line("ref", reference, reference, 0, height);
  if (typeof low === "number") span("span", low, high, 7);
  if (more && typeof more.low === "number") span("span seeded", more.low, more.high, 18);
  for (const one of more?.own ?? []) parts.push(svg("circle", { class: "seed", cx: 160 * one, cy: 18, r: 1.8 }));
  for (const one of more?.base ?? []) parts.push(svg("rect", { class: "base-seed", x: 160 * one - 1.8, y: 16.2, width: 3.6, height: 3.6 }));
  parts.push(svg("circle", { class: "dot", cx: 160 * value, cy: 7, r: 2.2 }));
  return svg("svg", { class: `whisker${more ? " tall" : ""}`, viewBox: `-3 0 166 ${height}`, "aria-hidden": "true" }, ...parts);
}

function drawResults(data) {
  const names = new Map(data.methods.map((method) => [method.id, method.name]));
  const titles = new Map(data.metrics.map((metric) => [metric.id, metric.title]));
  const nulls = new Set(data.methods.filter((method) => method.null).map((method) => method.id));
  const at = new Map(data.results.map((row) => [`${row.method}|${row.protocol}|${row.metric}`, row]));
  const tests = new Map();
  for (const row of data.differences) {
    const number = row.aggregate ?? "mca"; // the column is left out where all are of this one
    tests.set(`${row.protocol}|${row.metric}|${number}|${row.model}|${row.other}`, row);
    tests.set(`${row.protocol}|${row.metric}|${number}|${row.other}|${row.model}`,
      { ...row, model: row.other, other: row.model, difference: -row.difference,
        low: row.high === null ? null : -row.high, high: row.low === null ? null : -row.low,
        low_seeds: typeof row.high_seeds === "number" ? -row.high_seeds : null,
        high_seeds: typeof row.low_seeds === "number" ? -row.low_seeds : null });
  }
  const level = Math.round(100 * data.confidence);
  // Where methods learn, what counts is the difference that holds their seeds too.
  const seeded = data.differences.some((row) => "p_seeds" in row);
  const excludes = (one) => one.low_seeds > 0 || one.high_seeds < 0;
  const sure = (one) => (seeded ? typeof one.low_seeds === "number" && excludes(one) && one.p_seeds < 0.05 : one.p_holm !== null && one.p_holm < 0.05);
  const untold = (one) => seeded && typeof one.low_seeds !== "number"; // a training stands alone
  const drawn = (row, aggregate) => data.seeds[`${row.method}|${row.protocol}|${row.metric}|${aggregate}`] ?? { own: [], base: [] };
  const found = (list, row) => list.filter((one) => one.model === row.method && one.protocol === row.protocol && one.metric === row.metric);
  const some = AGGREGATES.filter(([key]) => data.results.some((row) => typeof row[key] === "number"));
  const first = data.metrics.map((metric) => data.results.find((row) => row.metric === metric.id)).find(Boolean);
  const pick = { protocol: data.protocols[0], metric: "", aggregate: first?.headline ?? "mca" };
  const better = (one, other) => (LESS_IS_BETTER.has(pick.aggregate) ? one < other : one > other);

  // A column: every method's row, the best method and the best null model.
  function column(protocol, metric) {
    const rows = data.methods.map((method) => at.get(`${method.id}|${protocol}|${metric}`)).filter(Boolean);
    const valued = rows.filter((row) => typeof row[pick.aggregate] === "number");
    const top = (list) => list.reduce((best, row) => (!best || better(row[pick.aggregate], best[pick.aggregate]) ? row : best), null);
    const best = top(valued.filter((row) => !nulls.has(row.method)));
    const bestNull = top(valued.filter((row) => nulls.has(row.method)));
    const beaten = best && bestNull && !better(best[pick.aggregate], bestNull[pick.aggregate]);
    return { protocol, metric, rows, valued, best, bestNull, beaten };
  }

  function cell(method, column) {
    const row = column.rows.find((one) => one.method === method.id);
    const value = row?.[pick.aggregate];
    if (typeof value !== "number") return { value: null, node: "–" };
    const isHeadline = pick.aggregate === row.headline;
    const isBest = column.best === row;
    const reference = column.bestNull ? column.bestNull[pick.aggregate] : null;
    const pair = column.best && tests.get(`${column.protocol}|${column.metric}|${pick.aggregate}|${method.id}|${column.best.method}`);
    const test = pair && typeof pair.difference === "number" ? pair : null;
    const below = !method.null && reference !== null && !better(value, reference);
    const note = isBest ? el("span", { class: "best-mark" }, "best")
      : test ? el("span", { class: "delta" }, points(test.difference), sure(test) ? el("b", {}, " *") : untold(test) ? "" : el("i", {}, " n.s."))
      : null;
    const low = row[`${pick.aggregate}_low`] ?? null, high = row[`${pick.aggregate}_high`] ?? null;
    const draws = drawn(row, pick.aggregate);
    const more = draws.own.length + draws.base.length
      ? { ...draws, low: isHeadline ? row.low_seeds : null, high: isHeadline ? row.high_seeds : null } : null;
    return {
      value,
      className: isBest ? "best" : "",
      node: el("button", { type: "button", class: "value", onclick: (event) => details(row, column, test, event.currentTarget) },
        el("span", { class: "figure" }, percent(value)), note,
        whisker(value, low, high, method.null ? null : reference, more),
        el("span", { class: "span" }, typeof low === "number" ? `${percent(low)}–${percent(high)}` : "",
          below ? el("span", { class: "below" }, "▾ null") : null),
        more && typeof more.low === "number" ? el("span", { class: "span" }, `${percent(more.low)}–${percent(more.high)} with ${row.seeds} seeds`) : null),
    };
  }

  function details(row, column, test, source) {
    const panel = byId("number");
    const line = (title, text) => el("p", {}, el("b", {}, `${title}: `), text);
    const close = () => { panel.hidden = true; source.focus(); };
    const stages = [...document.querySelectorAll("details.stage")]
      .filter((stage) => stage.dataset.outs.split(" ").some((path) => path.split("/").some((part) => part.split(".")[0] === row.method)));
    const againstNull = column.bestNull && tests.get(`${row.protocol}|${row.metric}|${pick.aggregate}|${row.method}|${column.bestNull.method}`);
    const say = (one) => `${points(one.difference)} points, ${typeof one.low === "number" ? `${level} % interval ${points(one.low)} to ${points(one.high)}` : "no interval can be told"}, ` +
      `${pValue(one.p_holm)} after Holm's correction, on ${count(one.clips)} clips that both have` +
      (!seeded ? "" : typeof one.low_seeds === "number"
        ? `; with the seeds of what learns ${points(one.low_seeds)} to ${points(one.high_seeds)}, ${pValue(one.p_seeds)}: ${excludes(one) ? "0 is excluded" : "neither is better"}`
        : "; with seeds nothing can be told: a training stands alone, or what others named was not kept");
    panel.replaceChildren(
      el("button", { type: "button", class: "close", onclick: close }, "Close"),
      el("h3", {}, `${names.get(row.method)}, ${titles.get(row.metric)}, ${row.protocol}`),
      ...some.filter(([key]) => typeof row[key] === "number").map(([key, title]) => line(title, `${percent(row[key])} %` +
        (typeof row[`${key}_low`] === "number" ? ` (${level} % interval ${percent(row[`${key}_low`])} to ${percent(row[`${key}_high`])})` : ""))),
      typeof row.seeds_sd === "number" ? line("Seeds", `${row.seeds} trainings on the shipped base model, mean ${percent(row.seeds_mean)} %, standard deviation ` +
        `${percent(row.seeds_sd)} points; ${level} % interval with seeds ${percent(row.low_seeds)} to ${percent(row.high_seeds)}`) : "",
      drawn(row, row.headline).base.length ? line("Other base models", `${drawn(row, row.headline).base.map((one) => percent(one)).join(", ")} %`) : "",
      line("Measured on", `${count(row.clips)} clips of ${row.classes} classes; ${row.subjects} ${data.clusters} are the clusters of the interval`),
      ...found(data.leftOut, row).map((one) => line("Left out", `${count(one.clips)} clips: ${one.reason}`)),
      ...found(data.repeats, row).map((one) => line("Draws", `${one.repeats}, with a standard deviation of ${percent(one.mca_sd ?? one.macro_f1_sd)} points between them`)),
      test ? line(`Against the best, ${names.get(test.other)}`, say(test)) : "",
      againstNull ? line(`Against the best null model, ${names.get(againstNull.other)}`, say(againstNull)) : "",
      stages.length ? line("Made by", "") : "",
      el("ul", {}, stages.map((stage) => el("li", {}, el("a", { href: "#provenance", onclick: () => { stage.open = true; } },
        stage.querySelector("summary b").textContent)))));
    panel.hidden = false;
    panel.querySelector(".close").focus();
  }

  function draw() {
    const protocols = pick.protocol ? [pick.protocol] : data.protocols;
    const metrics = pick.metric ? [pick.metric] : data.metrics.map((metric) => metric.id);
    const columns = metrics.flatMap((metric) => protocols.map((protocol) => column(protocol, metric))).filter((one) => one.valued.length);
    const heads = columns.map((one) => ({
      title: pick.metric && !pick.protocol ? one.protocol : titles.get(one.metric),
      group: !pick.metric && !pick.protocol ? one.protocol : null,
      size: `${count(one.valued[0].clips)} clips, ${one.valued[0].classes} classes, ${one.valued[0].subjects} ${data.clusters === "subjects" ? "subj." : "rec."}`,
      flag: one.beaten ? "⚑ a null model wins" : null,
      flagTitle: one.beaten ? `${names.get(one.bestNull.method)} reaches ${percent(one.bestNull[pick.aggregate])} %` : null,
    }));
    const rows = data.methods.map((method) => ({
      head: method.name, sub: [method.null ? "null model" : null, method.why].filter(Boolean).join(": ") || null, className: method.null ? "null" : "",
      cells: columns.map((one) => cell(method, one)),
    }));
    byId("results-table").replaceChildren(columns.length ? matrix("Method", heads, rows) : el("p", {}, "No such number."));
    const beaten = columns.filter((one) => one.beaten);
    byId("results-flags").replaceChildren(beaten.length ? el("div", { class: "note warning" },
      el("b", {}, "No method does better than a null model here, so the metric does not show that an activity was recognised: "),
      beaten.map((one) => `${titles.get(one.metric)} on ${one.protocol} (${names.get(one.bestNull.method)}, ` +
        `${percent(one.bestNull[pick.aggregate])} %)`).join("; "), ".") : "");
  }
  const change = (key) => (value) => { pick[key] = value; draw(); };
  byId("results-controls").append(
    choice("Protocol", [["", "all"], ...data.protocols.map((name) => [name, name])], pick.protocol, change("protocol")),
    choice("Metric", [["", "all"], ...data.metrics.map((metric) => [metric.id, metric.title])], pick.metric, change("metric")),
    choice("Aggregate", some, pick.aggregate, change("aggregate")));
  draw();
}
