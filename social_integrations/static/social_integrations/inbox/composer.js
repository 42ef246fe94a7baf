/* The composer. htmx sends the form; this file counts, keeps, attaches, quotes and says what went wrong. */

import { attach, attached, detach, isUploading, restore } from "./attachments.js";
import * as canned from "./canned.js";
import { forget, forgetOthers, keep, kept } from "./drafts.js";

const ENCODER = new TextEncoder();
const PREVIEW_AFTER = 400;
const TYPING_EVERY = 8000;
const SENT_NOTICE = 5000;
const TICK = 20000;
// Below this share of what fits, nobody has to count.
const COUNT_FROM = 0.4;
const OURS = new Set(["si-answering", "si-said", "si-actions", "si-crm", "si-note-form", "si-parts"]);
const TOUCH = matchMedia("(pointer: coarse)");

let previewTimer = 0;
let closing = 0;
let witnessed = "";
let typedAt = 0;

const composer = () => document.querySelector("[data-si-composer]");
const part = (root, name) => root.querySelector(`[data-si-${name}]`);

function fire(target, name) {
  target?.dispatchEvent(new CustomEvent(name, { bubbles: false }));
}

/* --- What is typed ------------------------------------------------------------------------- */

function count(root) {
  const text = part(root, "text");
  const counter = part(root, "counter");
  if (!text || !counter) return;
  const most = Number(text.dataset.most);
  const used = ENCODER.encode(text.value.trim()).length;
  const letters = [...text.value.trim()].length;
  const over = used > most;
  counter.hidden = used < most * COUNT_FROM;
  counter.textContent = root.dataset.wordBytes.replace("{used}", used).replace("{most}", most);
  counter.classList.toggle("si-over", over);
  part(root, "why-bytes").hidden = !(used > letters && used > most / 2);
  const said = part(root, "counter-said");
  if (over !== (said.dataset.over === "true")) {
    said.dataset.over = String(over);
    said.textContent = over ? counter.textContent : "";
  }
  planPreview(root, over || (attached(root).length > 0 && letters > 0) || attached(root).length > 1);
}

function planPreview(root, needed) {
  const parts = part(root, "parts");
  clearTimeout(previewTimer);
  if (needed) previewTimer = setTimeout(() => fire(parts, "si:preview"), PREVIEW_AFTER);
  else parts.replaceChildren();
}

function remember(root) {
  keep(root, {
    text: part(root, "text").value,
    reference: part(root, "reference").value,
    replyTo: part(root, "reply-to").value,
    quote: part(root, "quote-text").textContent,
    files: attached(root),
  });
}

/* For browsers that cannot size a field by its content; `rows` is no style, which the policy forbids. */
function grow(text) {
  if (CSS.supports("field-sizing", "content")) return;
  const lines = text.value.split("\n").reduce((sum, line) => sum + 1 + Math.floor(line.length / 60), 0);
  text.rows = Math.min(Math.max(lines, 2), 8);
}

function changed(root) {
  count(root);
  remember(root);
  grow(part(root, "text"));
}

function recall(root) {
  const text = part(root, "text");
  const draft = kept(root);
  if (!draft || text.value || attached(root).length || text.closest("fieldset").disabled) return;
  text.value = draft.text;
  // A first try may have arrived although its answer did not: the same reference sends it once.
  if (draft.reference) part(root, "reference").value = draft.reference;
  if (draft.replyTo) quote(root, draft.replyTo, draft.quote);
  restore(root, draft.files ?? []);
  const said = root.querySelector("#si-colleagues");
  if (draft.text && !said.textContent.trim()) said.textContent = root.dataset.wordRestored;
}

/* --- Quoting ------------------------------------------------------------------------------- */

function quote(root, message, words) {
  part(root, "reply-to").value = message;
  part(root, "quote-text").textContent = words;
  part(root, "quote").hidden = !message;
}

function wordsOf(button) {
  const bubble = button.closest(".si-message");
  const text = bubble?.querySelector(".si-text-body, .si-tap-button") ?? bubble?.querySelector(".si-bubble");
  return (text?.textContent ?? "").trim().replace(/\s+/g, " ").slice(0, 140);
}

/* --- Saying what went wrong ---------------------------------------------------------------- */

function complain(root, words) {
  const problem = part(root, "problem");
  const line = document.createElement("p");
  line.textContent = words;
  problem.replaceChildren(line);
  problem.hidden = false;
}

function say(words) {
  const said = document.getElementById("si-said");
  if (!said) return;
  const line = document.createElement("p");
  line.className = "si-said-problem";
  line.textContent = words;
  said.replaceChildren(line);
}

function failed(event, words) {
  const root = composer();
  const from = event.target;
  if (!root || !(from instanceof Element)) return;
  if (from.id === "si-answer") {
    part(root, "text").readOnly = false;
    complain(root, words(root.dataset));
    part(root, "text").focus();
  } else if (from.matches("[data-si-note]")) {
    const problem = from.querySelector(".si-problem");
    problem.textContent = words(root.dataset);
    problem.hidden = false;
  } else if (from.matches("form") && OURS.has(event.detail.target?.id)) {
    say(words(root.dataset));
  }
}

const BY_STATUS = { 401: (words) => words.wordSignedOut, 403: (words) => words.wordReload };

/* --- The window ---------------------------------------------------------------------------- */

function tick() {
  const root = composer();
  const shown = root?.querySelector("#si-window[data-closes-at]");
  if (!shown) return;
  const milliseconds = new Date(shown.dataset.closesAt) - Date.now();
  const minutes = Math.floor(milliseconds / 60000);
  clearTimeout(closing);
  if (milliseconds >= 0 && milliseconds < TICK) closing = setTimeout(tick, milliseconds + 50);
  const left = part(root, "left");
  const hours = Math.floor(Math.max(minutes, 0) / 60);
  const { wordLeft, wordLeftDays, wordLeftMinutes } = root.dataset;
  const inHours = hours ? wordLeft : wordLeftMinutes;
  const words = hours >= 48 ? wordLeftDays : inHours;
  if (minutes < 0) {
    left.textContent = ` ${root.dataset.wordClosed}`;
    shown.removeAttribute("data-closes-at");
    fire(shown, "si:window");
  } else {
    left.textContent = `, ${words.replace("{d}", Math.floor(hours / 24)).replace("{h}", hours >= 48 ? hours % 24 : hours).replace("{m}", minutes % 60)}`;
  }
  shown.classList.toggle("si-soon", minutes < 60);
}

function obeyWindow(root) {
  const shown = root.querySelector("#si-window");
  const fields = root.querySelector(".si-fields");
  if (!shown || !fields) return;
  const wasShut = fields.disabled;
  fields.disabled = shown.dataset.verdict === "refused";
  if (wasShut && !fields.disabled) recall(root);
}

/* A customer's message opens the window again, and what the banners say may have closed it: look. */
function witness() {
  const came = document.querySelectorAll("#si-messages > .si-in");
  return `${came[came.length - 1]?.id} ${document.getElementById("si-banners")?.dataset.version}`;
}

function lookAtWindow() {
  const found = witness();
  if (found !== witnessed) fire(document.getElementById("si-window"), "si:window");
  witnessed = found;
}

/* --- Setting up ---------------------------------------------------------------------------- */

function setUp(root) {
  const answering = part(root, "answering");
  if (!answering) return;
  if (Number(answering.dataset.sent) > 0) forget(root);
  else recall(root);
  part(root, "keys-desk").hidden = TOUCH.matches;
  changed(root);
  obeyWindow(root);
  witnessed = witness();
  tick();
}

function loaded(event) {
  const root = composer();
  const fresh = event.target;
  if (!root || !(fresh instanceof Element)) return;
  if (fresh.contains(root)) {
    forgetOthers(root.dataset.user);
    setUp(root);
    if (location.hash === "#si-text") part(root, "text")?.focus();
  } else if (fresh.id === "si-answering") {
    setUp(root);
    if (Number(fresh.dataset.sent) > 0) fire(document, "si:sent");
    part(root, "text").focus({ preventScroll: true });
    // From here on the answer's own bubble tells how far it is.
    const sent = root.querySelector(".si-sent");
    setTimeout(() => sent?.remove(), SENT_NOTICE);
  } else if (fresh.id === "si-window") {
    obeyWindow(root);
    tick();
  } else if (fresh.id === "si-note-form") {
    if (!fresh.open) fresh.querySelector("summary").focus();
    else fresh.querySelector("textarea").focus();
  }
}

/* --- Events: one listener each, whatever is swapped in --------------------------------------- */

document.addEventListener("input", (event) => {
  const root = composer();
  if (!root?.contains(event.target)) return;
  if (event.target.matches("[data-si-text]")) {
    root.querySelector("#si-colleagues .si-sent")?.remove();
    canned.follow(root, event.target);
    changed(root);
    if (event.target.value && Date.now() - typedAt > TYPING_EVERY) {
      typedAt = Date.now();
      fire(event.target, "si:typing");
    }
  } else if (event.target.id === "si-canned-search") {
    canned.search(root, event.target.value);
  }
});

document.addEventListener("change", (event) => {
  const root = composer();
  if (!event.target.matches("[data-si-file-input]") || !root) return;
  attach(root, [...event.target.files], () => changed(root));
  event.target.value = "";
});

document.addEventListener("keydown", (event) => {
  const root = composer();
  if (!root?.contains(event.target) || event.isComposing) return;
  const inText = event.target.matches("[data-si-text]");
  if ((inText || event.target.id === "si-canned-search") && canned.press(root, event)) return;
  if (event.key !== "Enter") return;
  if (event.target.matches("[name^=quick_reply]")) {
    event.preventDefault();
    addQuickReply(root);
  } else if (inText && (event.ctrlKey || event.metaKey || !(event.shiftKey || event.altKey || TOUCH.matches))) {
    event.preventDefault();
    event.target.form.requestSubmit();
  } else if (event.target.id === "si-note-text" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});

function addQuickReply(root) {
  const rows = part(root, "quick-rows");
  const made = part(root, "quick-template").content.firstElementChild.cloneNode(true);
  if (rows.childElementCount >= Number(rows.dataset.most)) return;
  rows.append(made);
  made.querySelector("input").focus();
}

function unfold(root, button) {
  const details = root.querySelector(`#${button.dataset.siOpen}`);
  details.open = !details.open;
  if (details.open) details.querySelector("input:not([type=hidden]), textarea").focus();
}

document.addEventListener("toggle", (event) => {
  const button = composer()?.querySelector(`[data-si-open="${event.target.id}"]`);
  button?.setAttribute("aria-expanded", String(event.target.open));
}, true);

const CLICKS = {
  "[data-si-remove]": (root, button) => {
    detach(button);
    changed(root);
    part(root, "text").focus();
  },
  "[data-si-unquote]": (root) => {
    quote(root, "", "");
    changed(root);
    part(root, "text").focus();
  },
  "[data-si-reply]": (root, button) => {
    quote(root, button.dataset.siReply, wordsOf(button));
    changed(root);
    part(root, "text").focus();
  },
  "[data-si-open]": (root, button) => unfold(root, button),
  "[data-si-quick-add]": (root) => addQuickReply(root),
  "[data-si-canned-open]": (root) => (canned.isOpen(root) ? canned.close(root) : canned.openMenu(root)),
  "[data-si-canned] [role=option]": (root, item) => canned.pick(root, item),
};

document.addEventListener("click", (event) => {
  const root = composer();
  if (!root || !(event.target instanceof Element)) return;
  for (const [selector, act] of Object.entries(CLICKS)) {
    const found = event.target.closest(selector);
    if (found) {
      act(root, found);
      return;
    }
  }
  if (!event.target.closest("[data-si-canned], [data-si-text]")) canned.close(root);
  for (const open of document.querySelectorAll("[data-si-react][open]")) {
    if (!open.contains(event.target) || event.target.closest("button")) open.open = false;
  }
});

document.addEventListener("paste", (event) => {
  const root = composer();
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length || !event.target.matches?.("[data-si-text]")) return;
  event.preventDefault();
  attach(root, files, () => changed(root));
});

function mayDrop(event) {
  const root = composer();
  const over = event.dataTransfer?.types.includes("Files") && root && !root.querySelector(".si-fields")?.disabled;
  return over ? root : null;
}

document.addEventListener("dragover", (event) => {
  const root = mayDrop(event);
  if (!root) return;
  event.preventDefault();
  root.classList.add("si-dropping");
});

document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) composer()?.classList.remove("si-dropping");
});

document.addEventListener("drop", (event) => {
  const root = mayDrop(event);
  if (!root) return;
  event.preventDefault();
  root.classList.remove("si-dropping");
  attach(root, [...event.dataTransfer.files], () => changed(root));
});

document.addEventListener("submit", (event) => {
  if (new URL(event.target.action, location).pathname.endsWith("/logout/")) forgetOthers("");
});

document.addEventListener("htmx:beforeRequest", (event) => {
  const root = composer();
  if (!root || event.target.id !== "si-answer") return;
  if (isUploading(root)) {
    event.preventDefault();
    complain(root, root.dataset.wordWait);
    return;
  }
  clearTimeout(previewTimer);
  canned.close(root);
  part(root, "text").readOnly = true;
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, target } = event.detail;
  if ((xhr.status === 409 || xhr.status === 422) && OURS.has(target.id)) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

document.addEventListener("htmx:responseError", (event) => failed(event, BY_STATUS[event.detail.xhr.status] ?? ((words) => words.wordFailed)));
document.addEventListener("htmx:sendError", (event) => failed(event, (words) => words.wordOffline));
document.addEventListener("htmx:timeout", (event) => failed(event, (words) => words.wordOffline));
document.addEventListener("htmx:load", loaded);
document.addEventListener("si:updated", lookAtWindow);

document.documentElement.classList.add("si-js");
setInterval(tick, TICK);
