// The inbox by keyboard: rows, search, answering, help.

const help = document.getElementById("si-keys-help");
const rows = () => [...document.querySelectorAll("#si-rows .si-row-link")];

function isTyping(target) {
  return target.closest?.("input, textarea, select, [contenteditable], dialog[open], [role=listbox]");
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row === document.activeElement);
  const current = at >= 0 ? at : all.findIndex((row) => row.getAttribute("aria-current"));
  const next = all[Math.min(Math.max(current + step, 0), all.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function leave(target) {
  if (isTyping(target)) return void target.blur();
  const current = document.querySelector("#si-rows [aria-current]") ?? rows()[0];
  if (current && current.offsetParent) return void current.focus();
  document.querySelector(".si-back")?.click();
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  "/": () => { const search = document.getElementById("si-search"); search?.focus(); search?.select(); },
  r: () => document.getElementById("si-text")?.focus(),
  "?": () => help.showModal(),
};
const ARROWS = { ArrowDown: 1, ArrowUp: -1 };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || help.open) return;
  if (event.key === "Escape") return void leave(event.target);
  if (isTyping(event.target)) {
    if (event.key === "ArrowDown" && event.target.id === "si-search") { event.preventDefault(); rows()[0]?.focus(); }
    return;
  }
  if (event.key in ARROWS && event.target.closest?.("#si-list")) {
    event.preventDefault();
    move(ARROWS[event.key]);
  } else if (Object.hasOwn(KEYS, event.key)) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

// Leaving the search is no new search; it would draw the rows again under whoever moves on them.
document.addEventListener("change", (event) => {
  if (event.target.id === "si-search") event.stopPropagation();
}, true);

// A list that comes while somebody is on a row already: they stay on it, or begin at the top.
let held = null;
document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id === "si-list") held = document.activeElement?.closest(".si-row")?.id ?? null;
});
document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "si-list" || !held) return;
  const row = document.getElementById(held)?.querySelector(".si-row-link") ?? rows()[0];
  held = null;
  row?.focus({ preventScroll: true });
});
