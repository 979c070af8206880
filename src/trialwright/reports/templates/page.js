"use strict";

// Draw the figures in place of their still pictures. Vega draws on after an error and only logs it: then the pictures stay,
// for a curve with a part missing could be believed.
let hasFailed = false;
const log = console.error;
console.error = (...problem) => {
  hasFailed = true;
  document.body.classList.remove("is-live");
  log(...problem);
};

const drawn = [...document.querySelectorAll("figure.chart")].map((figure) =>
  window.vegaEmbed(figure.querySelector(".live"), JSON.parse(figure.querySelector("script").textContent), {
    actions: false,
    ast: true,
    config: { font: getComputedStyle(document.body).fontFamily },
    defaultStyle: false,
    mode: "vega-lite",
    renderer: "svg",
    tooltip: { disableDefaultStyle: true },
  }),
);
Promise.all(drawn).then(
  () => { if (!hasFailed) document.body.classList.add("is-live"); },
  (problem) => console.error(problem),
);

// Keyboard: one stop for each block of text or table; arrow keys go from number to number inside it.
for (const block of document.querySelectorAll("p, dl, ul, table")) {
  const sources = [...block.querySelectorAll("[data-ref]")];
  if (sources.length === 0) continue;
  sources[0].tabIndex = 0;
  block.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const next = sources[sources.indexOf(document.activeElement) + step];
    if (step === undefined || !sources.includes(document.activeElement) || next === undefined) return;
    document.activeElement.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    event.preventDefault();
  });
}

// Mark the section being read in the contents.
const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    for (const link of links.values()) link.removeAttribute("aria-current");
    links.get(entry.target.id).setAttribute("aria-current", "true");
  }
}, { rootMargin: "-20% 0px -70% 0px" });
for (const section of document.querySelectorAll("main > section")) watcher.observe(section);
