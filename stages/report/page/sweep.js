// Mean class accuracy against the threshold, and how well each metric separates.

const DASHES = ["", "7 3", "2 3"];

// Colour and dash of a method: eight colours, then the same with dashes; null models are grey and dotted.
function stroke(methods, method) {
  const rank = methods.filter((one) => one.null === method.null).indexOf(method);
  if (method.null) return { stroke: "var(--soft)", "stroke-dasharray": ["1.5 3", "6 2 1.5 2", "10 4"][rank % 3] };
  return { stroke: `var(--c${rank % 8})`, "stroke-dasharray": DASHES[Math.floor(rank / 8) % 3] };
}

function drawSweep(data) {
  if (!Object.keys(data.sweep).length) return byId("sweep-chart").replaceChildren("No metric here has a threshold.");
  const H = 380, left = 44, right = 16, top = 12, bottom = 44;
  const draw = (key, protocol, metric) => {
    const { thresholds, lines } = data.sweep[key];
    // Drawn at the width that there is, so that its text keeps its size on a phone.
    const W = Math.min(900, Math.max(320, byId("sweep-chart").clientWidth));
    const ticks = W < 600 ? 5 : 10;
    const low = thresholds[0], high = thresholds.at(-1);
    const x = (value) => left + ((value - low) / (high - low)) * (W - left - right);
    const y = (value) => top + (1 - value) * (H - top - bottom);
    const methods = data.methods.filter((method) => lines[method.id]);
    const chart = svg("svg", { class: "sweep", viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `Mean class accuracy against the threshold of ${metric} on ${protocol}` });
    for (let value = 0; value <= 1.001; value += 0.2) {
      chart.append(svg("line", { class: "grid", x1: left, x2: W - right, y1: y(value), y2: y(value) }), svg("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, percent(value, 0)));
    }
    for (let tick = 0; tick <= ticks; tick++) {
      const value = low + ((high - low) * tick) / ticks;
      chart.append(svg("text", { x: x(value), y: H - bottom + 18, "text-anchor": "middle" }, String(Number(value.toFixed(2)))));
    }
    chart.append(svg("line", { class: "axis", x1: left, x2: W - right, y1: y(0), y2: y(0) }), svg("text", { x: (left + W - right) / 2, y: H - 6, "text-anchor": "middle" }, "threshold"));
    const set = data.thresholds[metric];
    if (set !== undefined) chart.append(svg("line", { class: "chosen", x1: x(set), x2: x(set), y1: top, y2: y(0) }), svg("text", { x: x(set) + 5, y: top + 10 }, `in use: ${set}`));
    for (const method of methods) {
      const path = lines[method.id].map((value, index) => (value === null ? "" : `${x(thresholds[index]).toFixed(1)},${y(value).toFixed(1)}`)).filter(Boolean).join(" ");
      chart.append(svg("polyline", { class: `line${method.null ? " null" : ""}`, points: path, ...stroke(data.methods, method) }));
    }
    const cursor = svg("line", { class: "cursor", y1: top, y2: y(0) });
    chart.append(cursor);
    const legend = el("ul", { class: "legend" });
    const slider = el("input", { type: "range", min: 0, max: thresholds.length - 1, step: 1, "aria-label": "Read the lines at this threshold", oninput: () => read(Number(slider.value)) });
    const at = el("output");
    function read(index) {
      cursor.setAttribute("x1", x(thresholds[index]));
      cursor.setAttribute("x2", x(thresholds[index]));
      at.textContent = thresholds[index].toFixed(2);
      slider.setAttribute("aria-valuetext", `threshold ${thresholds[index]}`);
      legend.replaceChildren(...methods.map((method) => el("li", {},
        svg("svg", { viewBox: "0 0 26 8", "aria-hidden": "true" }, svg("line", { x1: 0, x2: 26, y1: 4, y2: 4, "stroke-width": 2, ...stroke(data.methods, method) })),
        method.name, el("b", {}, percent(lines[method.id][index])))));
    }
    const nearest = (value) => thresholds.reduce((best, one, index) => (Math.abs(one - value) < Math.abs(thresholds[best] - value) ? index : best), 0);
    const move = (event) => {
      const box = chart.getBoundingClientRect();
      slider.value = nearest(low + (((event.clientX - box.left) / box.width) * W - left) / (W - left - right) * (high - low));
      read(Number(slider.value));
    };
    chart.addEventListener("pointermove", move);
    chart.addEventListener("pointerdown", move);
    slider.value = nearest(set ?? (low + high) / 2);
    read(Number(slider.value));
    byId("sweep-chart").replaceChildren(chart, el("label", { class: "range" }, "Read at", slider, at), legend);
  };
  const redraw = chooser(data, data.sweep, byId("sweep-controls"), draw);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) redraw();
    width = innerWidth;
  });
}

function drawValidity(data) {
  if (!data.validity.length) return;
  byId("validity-block").hidden = false;
  const draw = (protocol) => {
    const at = new Map(data.validity.filter((row) => row.protocol === protocol).map((row) => [`${row.method}|${row.metric}`, row.auc]));
    const metrics = data.metrics.filter((metric) => [...at.keys()].some((key) => key.endsWith(`|${metric.id}`)));
    const methods = data.methods.filter((method) => metrics.some((metric) => at.has(`${method.id}|${metric.id}`)));
    const cell = (value) => (value === undefined || value === null ? { value: null, node: "–" } : { value, node: bar(value, null, null, 0.5) });
    byId("validity-table").replaceChildren(matrix("Method", metrics.map((metric) => ({ title: metric.title })), methods.map((method) => ({
      head: method.name, className: method.null ? "null" : "", cells: metrics.map((metric) => cell(at.get(`${method.id}|${metric.id}`))),
    }))));
  };
  const protocols = data.protocols.filter((name) => data.validity.some((row) => row.protocol === name));
  byId("validity-controls").append(choice("Protocol", protocols.map((name) => [name, name]), protocols[0], draw));
  draw(protocols[0]);
}
