// Theme, then the figures, then (when the browser is idle) the gallery, whose data are the largest.

const THEMES = ["auto", "light", "dark"];

function setUpTheme() {
  const button = byId("theme");
  let theme = "auto";
  try { theme = localStorage.getItem("theme") ?? "auto"; } catch { /* a page from disk may have no storage */ }
  const apply = () => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
    button.setAttribute("aria-label", `Colour theme: ${theme}`);
    try { localStorage.setItem("theme", theme); } catch { /* as above */ }
  };
  button.addEventListener("click", () => { theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]; apply(); });
  apply();
}

// For tests and the benchmark: what has been drawn, and when.
function ready(what) {
  document.documentElement.dataset.ready = what;
  performance.mark(what);
}

async function start() {
  setUpTheme();
  const data = await unpack("data-overview");
  drawResults(data);
  drawClasses(data);
  drawConfusion(data);
  drawSweep(data);
  drawValidity(data);
  ready("figures");
  const [columns, pictures] = await Promise.all([unpack("data-gallery"), unpack("data-pictures")]);
  drawGallery(data, columns, pictures);
  ready("all");
}

start();
