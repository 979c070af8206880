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

// Where a number comes from: a panel for the number that is tapped, clicked or come to with the keyboard. Escape closes it.
const told = document.getElementById("_origins");
const origins = told ? JSON.parse(told.textContent) : { analyses: {}, conventions: [], results: {}, places: {} };
const panel = document.createElement("aside");
panel.id = "_origin";
panel.hidden = true;
panel.setAttribute("role", "region");
panel.setAttribute("aria-label", "Where this comes from");
panel.setAttribute("aria-live", "polite");
document.body.append(panel);
document.body.classList.add("has-panel");
let shown = null;

function make(tag, text, name) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  if (name) element.className = name;
  return element;
}

function button(text, act) {
  const made = make("button", text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

function quoted(word) {
  return /^[\w.\/=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

// Names and what they mean, from the table of results or, of anything else, from the reference alone.
function itemsOf(kind, key, value) {
  if (kind !== "result" || !origins.results[key]) {
    return [[kind === "protocol" ? "in the protocol" : kind, key], ["line", kind === "protocol" && origins.places[key]]];
  }
  const [what, unit, n, analysis, conventions] = origins.results[key];
  const [title, method, source, path] = origins.analyses[analysis];
  const options = Object.entries(JSON.parse(origins.conventions[conventions]))
    .map(([name, one]) => `${name}: ${typeof one === "object" ? JSON.stringify(one) : one}`);
  return [
    ["result", key],
    ["what", what],
    ["value", value && `${value} ${unit}`],
    ["of", n !== null && `${n} subjects`],
    ["analysis", title],
    ["method", method],
    ["conventions", options.join("; ")],
    ["source", source],
    ["in the protocol", path && `${path}, ${origins.places[path]}`],
  ];
}

function commandOf(key) {
  const protocol = origins.protocol ? ` --protocol ${quoted(origins.protocol)}` : "";
  const line = make("code", `trialwright explain ${quoted(key)} --report .${protocol}`);
  const copy = button("Copy", async () => {
    getSelection().selectAllChildren(line);
    try {
      await navigator.clipboard.writeText(line.textContent);
      copy.textContent = "Copied";
    } catch {
      copy.textContent = "Selected";
    }
  });
  const whole = make("p", "In the folder of this report:");
  whole.append(line, copy);
  return whole;
}

function showOrigin(element) {
  if (shown) shown.classList.remove("shown");
  shown = element;
  shown.classList.add("shown");
  const reference = element.dataset.ref;
  const kind = reference.slice(0, reference.indexOf(":"));
  const key = reference.slice(kind.length + 1);
  const list = make("dl");
  for (const [name, meaning] of itemsOf(kind, key, element.getAttribute("value"))) {
    if (!meaning) continue;
    const pair = make("div");
    pair.append(make("dt", name), make("dd", meaning));
    list.append(pair);
  }
  const top = make("header");
  top.append(make("strong", element.textContent), button("Close", closeOrigin));
  panel.replaceChildren(top, list);
  if (origins.results[key] && kind === "result") panel.append(commandOf(key));
  panel.hidden = false;
  panel.scrollTop = 0;
  element.scrollIntoView({ block: "nearest" });
  panel.classList.remove("aside");
  const [here, there] = [element.getBoundingClientRect(), panel.getBoundingClientRect()];
  panel.classList.toggle("aside", here.right > there.left && here.bottom > there.top);
}

function closeOrigin() {
  panel.hidden = true;
  if (!shown) return;
  shown.classList.remove("shown");
  if (panel.contains(document.activeElement)) shown.focus({ preventScroll: true });
  shown = null;
}

document.addEventListener("focusin", (event) => {
  const source = event.target.closest("[data-ref]");
  if (source && source !== shown) showOrigin(source);
});
document.addEventListener("click", (event) => {
  const source = event.target.closest("main [data-ref], header [data-ref]");
  if (source) showOrigin(source);
  else if (!panel.contains(event.target)) closeOrigin();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeOrigin();
});

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
