// Small helpers for the page. All scripts are inlined one after the other and share one scope.
// Texts reach the page through textContent only, so that nothing in a caption is ever taken for markup.

const byId = (id) => document.getElementById(id);

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// The data lie in the page as base64 of deflated JSON.
async function unpack(id) {
  const text = atob(byId(id).textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

const percent = (value, digits = 1) => (value === null || value === undefined ? "–" : (100 * value).toFixed(digits));
const points = (value) => (value < 0 ? "−" : "+") + Math.abs(100 * value).toFixed(1);
const count = (value) => value.toLocaleString("en");
const pValue = (p) => (p === null ? "no test" : p < 0.001 ? "p < 0.001" : `p = ${p.toFixed(3)}`);
const readable = (name) => name.replaceAll("_", " ");

// A labelled select; options are [value, text]. Returns the label, with the select as `.input`.
function choice(title, options, chosen, change) {
  const input = el("select", { name: title.toLowerCase().replaceAll(" ", "-"), onchange: () => change(input.value) },
    options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
  const label = el("label", {}, title, input);
  label.input = input;
  return label;
}

// A table whose numeric columns sort. Rows: {head, sub, className, cells}; a cell: {value, node, className}.
// Columns: {title, group, size, flag, narrow}. The first click on a head sorts downwards, the next upwards.
function matrix(corner, columns, rows, sorted = null, footer = []) {
  const body = el("tbody");
  const heads = columns.map((column, index) =>
    el("th", { scope: "col", class: column.narrow ? "narrow" : null },
      column.group ? el("span", { class: "group" }, column.group) : null,
      el("button", { type: "button", class: "sort", onclick: () => sort(index) }, column.title),
      column.size ? el("span", { class: "size" }, column.size) : null,
      column.flag ? el("span", { class: "flag", title: column.flagTitle }, column.flag) : null));
  const cornerHead = el("th", { scope: "col" }, el("button", { type: "button", class: "sort", onclick: () => sort(-1) }, corner));
  const row = (entry) => el("tr", { class: entry.className ?? "" },
    el("th", { scope: "row" }, entry.head, entry.sub ? el("span", { class: "size" }, entry.sub) : null),
    entry.cells.map((cell) => el("td", { class: cell.className ?? "" }, cell.node)));
  const nodes = new Map(rows.map((entry) => [entry, row(entry)]));
  let by = null;
  let down = true;
  const key = (entry) => entry.cells[by].value ?? -Infinity;
  function sort(index, towards = null) {
    down = towards ?? (by === index ? !down : index >= 0);
    by = index;
    const order = [...rows].sort((a, b) => {
      const less = by < 0 ? a.head.localeCompare(b.head) : key(a) - key(b);
      return down ? -less : less;
    });
    body.replaceChildren(...order.map((entry) => nodes.get(entry)));
    [cornerHead, ...heads].forEach((head, place) => {
      if (place - 1 === by) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  }
  if (sorted === null) body.replaceChildren(...nodes.values());
  else sort(sorted, sorted >= 0);
  const foot = el("tbody", {}, footer.map(row));
  return el("table", { class: "matrix", style: `--columns:${columns.filter((column) => !column.narrow).length}` }, el("thead", {}, el("tr", {}, cornerHead, heads)), body, foot);
}
