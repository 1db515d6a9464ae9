// The results table: methods down, protocols and metrics across; a number's details on demand.

// The headline number of a metric is its mean class accuracy, of one whose answers are sets of classes its macro-F1.
const AGGREGATES = [["mca", "Mean class accuracy"], ["macro_f1", "Macro-F1"], ["macro_precision", "Macro precision"],
  ["macro_recall", "Macro recall"], ["macro_ap", "Mean average precision"], ["accuracy", "Accuracy"], ["violations", "Rules broken"],
  ["invented", "Invented a class"], ["outside", "Outside the list"]];
const LESS_IS_BETTER = new Set(["violations", "invented", "outside"]);

function whisker(value, low, high, reference) {
  const parts = [svg("line", { class: "axis", x1: 0, x2: 160, y1: 7, y2: 7 })];
  const line = (name, x1, x2, y1, y2) => parts.push(svg("line", { class: name, x1: 160 * x1, x2: 160 * x2, y1, y2 }));
  if (reference !== null) line("ref", reference, reference, 0, 14);
  if (typeof low === "number") {
    line("span", low, high, 7, 7);
    line("span", low, low, 4, 10);
    line("span", high, high, 4, 10);
  }
  parts.push(svg("circle", { class: "dot", cx: 160 * value, cy: 7, r: 2.2 }));
  return svg("svg", { class: "whisker", viewBox: "-3 0 166 14", "aria-hidden": "true" }, ...parts);
}

function drawResults(data) {
  const names = new Map(data.methods.map((method) => [method.id, method.name]));
  const titles = new Map(data.metrics.map((metric) => [metric.id, metric.title]));
  const nulls = new Set(data.methods.filter((method) => method.null).map((method) => method.id));
  const at = new Map(data.results.map((row) => [`${row.method}|${row.protocol}|${row.metric}`, row]));
  const tests = new Map();
  for (const row of data.differences) {
    tests.set(`${row.protocol}|${row.metric}|${row.model}|${row.other}`, row);
    tests.set(`${row.protocol}|${row.metric}|${row.other}|${row.model}`,
      { ...row, model: row.other, other: row.model, difference: -row.difference,
        low: row.high === null ? null : -row.high, high: row.low === null ? null : -row.low });
  }
  const level = Math.round(100 * data.confidence);
  const found = (list, row) => list.filter((one) => one.model === row.method && one.protocol === row.protocol && one.metric === row.metric);
  const some = AGGREGATES.filter(([key]) => data.results.some((row) => typeof row[key] === "number"));
  const pick = { protocol: data.protocols[0], metric: "", aggregate: some[0]?.[0] ?? "mca" };
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
    const pair = column.best && tests.get(`${column.protocol}|${column.metric}|${method.id}|${column.best.method}`);
    const test = isHeadline && pair && typeof pair.difference === "number" ? pair : null;
    const below = !method.null && reference !== null && !better(value, reference);
    const note = isBest ? el("span", { class: "best-mark" }, "best")
      : test ? el("span", { class: "delta" }, points(test.difference), test.p_holm !== null && test.p_holm < 0.05 ? el("b", {}, " *") : el("i", {}, " n.s."))
      : null;
    const low = row[`${pick.aggregate}_low`] ?? null, high = row[`${pick.aggregate}_high`] ?? null;
    return {
      value,
      className: isBest ? "best" : "",
      node: el("button", { type: "button", class: "value", onclick: (event) => details(row, column, test, event.currentTarget) },
        el("span", { class: "figure" }, percent(value)), note,
        whisker(value, low, high, method.null ? null : reference),
        el("span", { class: "span" }, typeof low === "number" ? `${percent(low)}–${percent(high)}` : "",
          below ? el("span", { class: "below" }, "▾ null") : null)),
    };
  }

  function details(row, column, test, source) {
    const panel = byId("number");
    const line = (title, text) => el("p", {}, el("b", {}, `${title}: `), text);
    const close = () => { panel.hidden = true; source.focus(); };
    const stages = [...document.querySelectorAll("details.stage")]
      .filter((stage) => stage.dataset.outs.split(" ").some((path) => path.split("/").some((part) => part.split(".")[0] === row.method)));
    const againstNull = column.bestNull && tests.get(`${row.protocol}|${row.metric}|${row.method}|${column.bestNull.method}`);
    const say = (one) => `${points(one.difference)} points, ${typeof one.low === "number" ? `${level} % interval ${points(one.low)} to ${points(one.high)}` : "no interval can be told"}, ` +
      `${pValue(one.p_holm)} after Holm's correction, on ${count(one.clips)} clips that both have`;
    panel.replaceChildren(
      el("button", { type: "button", class: "close", onclick: close }, "Close"),
      el("h3", {}, `${names.get(row.method)}, ${titles.get(row.metric)}, ${row.protocol}`),
      ...some.filter(([key]) => typeof row[key] === "number").map(([key, title]) => line(title, `${percent(row[key])} %` +
        (typeof row[`${key}_low`] === "number" ? ` (${level} % interval ${percent(row[`${key}_low`])} to ${percent(row[`${key}_high`])})` : ""))),
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
      head: method.name, sub: method.null ? "null model" : null, className: method.null ? "null" : "",
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
