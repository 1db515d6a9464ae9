// Class by class: a table of bars with intervals, one column a method.

// A number with its bar; with an interval, or with a reference line.
function bar(value, low = null, high = null, reference = null) {
  const parts = [svg("rect", { class: "track", x: 0, y: 2, width: 100, height: 8 }), svg("rect", { class: "fill", x: 0, y: 2, width: 100 * value, height: 8 })];
  if (typeof low === "number") parts.push(svg("line", { class: "span", x1: 100 * low, x2: 100 * high, y1: 6, y2: 6 }));
  if (reference !== null) parts.push(svg("line", { class: "ref", x1: 100 * reference, x2: 100 * reference, y1: 0, y2: 12 }));
  return el("span", { class: "barred" }, percent(value), svg("svg", { class: "bar", viewBox: "0 0 100 12", preserveAspectRatio: "none", "aria-hidden": "true" }, ...parts));
}

// Selects for protocol and metric over the keys "protocol|metric" (or "protocol|metric|more") of `tables`; calls `draw`
// with "protocol|metric", protocol, metric.
function chooser(data, tables, place, draw, extra = []) {
  const keys = Object.keys(tables);
  const protocols = data.protocols.filter((name) => keys.some((key) => key.startsWith(`${name}|`)));
  const metricsOf = (protocol) => data.metrics.filter((metric) => keys.some((key) => `${key}|`.startsWith(`${protocol}|${metric.id}|`)));
  const pick = { protocol: protocols[0], metric: metricsOf(protocols[0])[0].id };
  const redraw = () => draw(`${pick.protocol}|${pick.metric}`, pick.protocol, pick.metric);
  const fill = () => {
    const offered = metricsOf(pick.protocol);
    if (!offered.some((metric) => metric.id === pick.metric)) pick.metric = offered[0].id;
    place.replaceChildren(
      choice("Protocol", protocols.map((name) => [name, name]), pick.protocol, (value) => { pick.protocol = value; refill("protocol"); redraw(); }),
      choice("Metric", offered.map((metric) => [metric.id, metric.title]), pick.metric, (value) => { pick.metric = value; redraw(); }),
      ...extra);
  };
  // Filling again replaces the select that has the focus: give it back.
  const refill = (name) => { fill(); place.querySelector(`[name="${name}"]`).focus(); };
  fill();
  redraw();
  return redraw;
}

function drawClasses(data) {
  if (!Object.keys(data.perClass).length) return byId("classes").remove();
  // Of sets several numbers are told of each class, and their means have intervals of their own.
  let number = data.setNumbers[0]?.id;
  const numbers = data.setNumbers.length ? [choice("Number", data.setNumbers.map((one) => [one.id, one.title]), number, (value) => { number = value; redraw(); })] : [];
  const draw = (key, protocol, metric) => {
    const ofSets = !data.perClass[key];
    const table = data.perClass[ofSets ? `${key}|${number}` : key];
    const column = ofSets ? data.setNumbers.find((one) => one.id === number).mean : null;
    const macro = (method) => data.results.find((row) => row.method === method.id && row.protocol === protocol && row.metric === metric);
    const methods = data.methods.filter((method) => table[method.id]);
    const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const cell = (entry, method) => {
      const [value, low, high] = entry;
      if (value === null) return { value: null, node: "–" };
      return { value, className: method.null ? "nullcol" : "", node: bar(value, low, high) };
    };
    const clips = (index) => {
      const value = Math.max(...methods.map((method) => table[method.id][index][3] ?? 0));
      return { value, node: count(value) };
    };
    const rows = data.classes.map((name, index) => ({
      head: readable(name),
      cells: [clips(index), ...methods.map((method) => cell(table[method.id][index], method))],
    })).filter((row) => row.cells[0].value);
    const footer = { head: ofSets ? "macro" : "mean of classes", className: "total", cells: [{ node: "" }, ...methods.map((method) => {
      if (ofSets) return cell([column, `${column}_low`, `${column}_high`].map((name) => macro(method)[name] ?? null), method);
      const value = mean(table[method.id].map((entry) => entry[0]).filter((entry) => entry !== null));
      return { value, node: percent(value) };
    })] };
    byId("classes-table").replaceChildren(matrix("Class", [{ title: "Clips", narrow: true }, ...methods.map((method) => ({ title: method.name }))], rows, 1, [footer]));
  };
  const redraw = chooser(data, data.perClass, byId("classes-controls"), draw, numbers);
  return redraw;
}
