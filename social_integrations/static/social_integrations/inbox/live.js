// Keeps the page as it is on the server: asks what changed, and swaps only what did.
//
// Fragments come from our own server, escaped there. They are parsed in a document of their own, in
// which nothing runs or loads, and moved over element by element.

const live = document.getElementById("si-live");
// Together with the worker and the way there, a message is seen within three seconds.
const POLL = 2500;
const SLOWEST = 30000;
const parser = new DOMParser();

let cursor = live.dataset.cursor;
let timer = 0;
let failures = 0;
let asking = null;
let ended = false;
let stream = null;

const words = live.dataset;
const list = () => document.getElementById("si-list");
const rows = () => document.getElementById("si-rows");
const thread = () => document.getElementById("si-thread");
const messages = () => document.getElementById("si-messages");
const scroller = () => document.getElementById("si-scroll");

// --- asking -----------------------------------------------------------------------------------

function address() {
  const url = new URL(words.updates, location.href);
  url.search = list()?.dataset.filters ?? "";
  url.searchParams.set("after", cursor);
  const open = thread()?.dataset.conversation;
  if (open) {
    url.searchParams.set("conversation", open);
    const oldest = messages()?.querySelector(".si-message");
    if (oldest) url.searchParams.set("since", oldest.id.slice("si-m-".length));
  }
  return url;
}

async function ask() {
  if (ended || asking) return;
  clearTimeout(timer);
  asking = new AbortController();
  const deadline = setTimeout(() => asking?.abort(), 15000);
  const wanted = address();
  try {
    const response = await fetch(wanted, {
      headers: { "X-Inbox-Fragment": "1" }, signal: asking.signal, credentials: "same-origin", cache: "no-store", redirect: "error",
    });
    if (response.status === 401) return end(words.wordSignedOut, words.wordSignIn);
    if (response.status === 403) return end(words.wordNoRights, words.wordReload);
    if (response.status === 200) apply(parser.parseFromString(await response.text(), "text/html"), wanted);
    else if (response.status !== 204) throw new Error(String(response.status));
    recovered();
  } catch (problem) {
    failed(problem);
  } finally {
    clearTimeout(deadline);
    asking = null;
    plan();
  }
}

function plan() {
  clearTimeout(timer);
  if (ended || document.hidden || (stream && !failures)) return;
  timer = setTimeout(ask, failures ? Math.min(POLL * 2 ** failures, SLOWEST) : POLL);
}

function failed(problem) {
  failures = Math.min(failures + 1, 6);
  // One lost request is no lost connection.
  if (failures > 1) say(/^5/.test(problem.message) ? words.wordServer : words.wordLost, "bad");
}

function recovered() {
  if (failures > 1) {
    say(words.wordBack, "good");
    setTimeout(() => { if (!failures && !ended) say(""); }, 4000);
  }
  failures = 0;
}

function end(sentence, link) {
  ended = true;
  stream?.close();
  const bar = say(sentence, "bad");
  const anchor = document.createElement("a");
  anchor.href = location.href;
  anchor.textContent = link;
  bar.append(" ", anchor);
}

function say(sentence, mood = "") {
  const bar = document.getElementById("si-status-bar");
  bar.textContent = sentence;
  bar.dataset.mood = mood;
  bar.hidden = !sentence;
  return bar;
}

// --- putting in place -------------------------------------------------------------------------

function apply(fresh, asked) {
  const root = fresh.querySelector("[data-cursor]");
  if (!root) throw new Error("no fragment");
  cursor = root.dataset.cursor;
  // The filters may have changed while the answer was on its way: these rows are for the old ones.
  const same = (list()?.dataset.filters ?? "") === filtersOf(asked);
  if (root.dataset.reset) reload();
  else if (same) applyRows(root);
  applyMessages(root);
  countUnread();
  document.dispatchEvent(new CustomEvent("si:updated"));
}

function filtersOf(url) {
  const query = new URLSearchParams(url.search);
  for (const name of ["after", "conversation", "since"]) query.delete(name);
  return query.toString();
}

function reload() {
  window.htmx?.ajax("GET", `${document.getElementById("si-filters").action}?${list().dataset.filters}`, { target: "#si-list", swap: "outerHTML" });
}

function adopt(node) {
  const own = document.importNode(node, true);
  window.htmx?.process(own);
  return own;
}

function applyRows(root) {
  const holder = rows();
  if (!holder) {
    // The empty list knew no accounts.
    if (root.querySelector("[data-rows] > li")) reload();
    return;
  }
  for (const gone of root.querySelectorAll("[data-gone]")) {
    const row = document.getElementById(`si-row-${gone.dataset.gone}`);
    // The one that is open stays until somebody leaves it: it must not vanish under the hand.
    if (row && !row.querySelector("[aria-current]") && !row.contains(document.activeElement)) row.remove();
  }
  // Oldest first, so that the newest ends up on top.
  for (const fresh of [...root.querySelectorAll("[data-rows] > .si-row")].reverse()) putRow(holder, fresh);
}

function putRow(holder, fresh) {
  const old = document.getElementById(fresh.id);
  const searching = document.getElementById("si-search")?.value;
  if (!old && searching) return;
  const own = old && old.dataset.version === fresh.dataset.version ? old : adopt(fresh);
  if (own !== old) {
    keepMarks(old, own);
    if (old && !isNews(old, own)) return void old.replaceWith(own);
  }
  if (own === old) return;
  const focused = old?.contains(document.activeElement);
  old?.remove();
  place(holder, own);
  if (focused) own.querySelector("a")?.focus({ preventScroll: true });
}

function isNews(old, own) {
  return old.querySelector("time")?.dateTime !== own.querySelector("time")?.dateTime;
}

function place(holder, own) {
  const at = Date.parse(own.querySelector("time")?.dateTime ?? 0);
  const later = [...holder.querySelectorAll(":scope > .si-row")].find((row) => Date.parse(row.querySelector("time")?.dateTime ?? 0) <= at);
  holder.insertBefore(own, later ?? holder.querySelector(":scope > .si-more"));
}

function keepMarks(old, own) {
  const open = thread()?.dataset.conversation;
  own.querySelector(".si-row-link")?.toggleAttribute("aria-current", false);
  if (open && own.dataset.id === open) own.querySelector(".si-row-link")?.setAttribute("aria-current", "true");
  if (old?.contains(document.activeElement)) queueMicrotask(() => own.querySelector("a")?.focus({ preventScroll: true }));
}

function applyMessages(root) {
  const fresh = root.querySelector("[data-messages]");
  const holder = messages();
  if (!fresh || !holder || fresh.dataset.messages !== thread()?.dataset.conversation) return;
  const box = scroller();
  const following = atEnd(box);
  const came = merge(holder, [...fresh.children].filter((item) => item.id && item.id !== "si-older" && item.id !== "si-new"));
  putBanners(root);
  if (following) box.scrollTop = box.scrollHeight;
  else if (came.length) document.getElementById("si-jump").hidden = false;
  for (const item of came) announce(item);
  if (came.length) document.dispatchEvent(new CustomEvent("si:read"));
}

// Brings the stretch of the timeline that came into the order it came in; returns what is new.
function merge(holder, items) {
  const came = [];
  const listed = new Set(items.map((item) => item.id));
  let place = null;
  const first = items.map((item) => document.getElementById(item.id)).find((item) => item && holder.contains(item));
  for (const item of items) {
    let own = document.getElementById(item.id);
    if (!own || !holder.contains(own)) {
      own = adopt(item);
      if (!item.classList.contains("si-day")) came.push(own);
      put(holder, own, place, first);
    } else if (own.dataset.version !== item.dataset.version) {
      const fresh = adopt(item);
      keepOpen(own, fresh);
      own.replaceWith(fresh);
      own = fresh;
    }
    if (place && isBefore(own, place)) place.after(own);
    place = own;
  }
  // What is below the beginning and was not listed is gone, such as an echo that turned out ours.
  // A day's mark is no beginning: it stands above all of the day, of which the end may be listed alone.
  let item = document.getElementById(items.find((one) => one.classList.contains("si-message"))?.id);
  while ((item = item?.nextElementSibling)) {
    const next = item;
    if (next.classList.contains("si-item") && !listed.has(next.id)) { item = next.previousElementSibling; next.remove(); }
  }
  return came;
}

function put(holder, own, place, first) {
  if (place) place.after(own);
  else if (first) first.before(own);
  else holder.append(own);
}

function isBefore(own, place) {
  return Boolean(place.compareDocumentPosition(own) & Node.DOCUMENT_POSITION_PRECEDING);
}

// What somebody has open in a bubble stays open, players go on playing.
function keepOpen(old, fresh) {
  const before = old.querySelectorAll("details");
  fresh.querySelectorAll("details").forEach((one, index) => { if (before[index]?.open) one.open = true; });
  for (const player of old.querySelectorAll("video, audio")) {
    const twin = [...fresh.querySelectorAll("video, audio")].find((one) => one.getAttribute("src") === player.getAttribute("src"));
    twin?.replaceWith(player);
  }
  for (const picture of old.querySelectorAll("img[data-si-media]")) {
    const twin = [...fresh.querySelectorAll("img[data-si-media]")].find((one) => one.getAttribute("src") === picture.getAttribute("src"));
    twin?.replaceWith(picture);
  }
  if (old.contains(document.activeElement)) queueMicrotask(() => fresh.focus({ preventScroll: true }));
}

function putBanners(root) {
  const fresh = root.querySelector("#si-banners");
  const old = document.getElementById("si-banners");
  if (fresh && old && fresh.dataset.version !== old.dataset.version) {
    old.dataset.version = fresh.dataset.version;
    old.replaceChildren(...[...fresh.children].map(adopt));
  }
}

function announce(item) {
  if (!item.classList.contains("si-in")) return;
  const text = item.querySelector(".si-text-body")?.textContent ?? item.querySelector(".si-part-label, .si-tap, .si-gone")?.textContent ?? "";
  const line = document.createElement("span");
  line.textContent = words.wordMessage.replace("{name}", thread().dataset.title).replace("{text}", text.trim().slice(0, 200));
  const log = document.getElementById("si-announce");
  log.append(line);
  while (log.children.length > 5) log.firstChild.remove();
}

function atEnd(box) {
  return box.scrollHeight - box.scrollTop - box.clientHeight < 80;
}

// --- the title and the stream -----------------------------------------------------------------

const plainTitle = () => (thread()?.dataset.title ? `${thread().dataset.title} – ${words.title}` : words.title);

function countUnread() {
  const count = document.querySelectorAll("#si-rows .si-unread").length;
  document.title = count ? `(${count}) ${plainTitle()}` : plainTitle();
}

function listen() {
  if (!words.stream || !window.EventSource || document.hidden || stream) return;
  stream = new EventSource(words.stream);
  stream.addEventListener("change", ask);
  stream.addEventListener("end", () => { stream?.close(); stream = null; ask(); });
  // The browser tries again by itself; meanwhile we ask as without a stream.
  stream.addEventListener("error", () => { stream?.close(); stream = null; plan(); setTimeout(listen, 20000); });
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    clearTimeout(timer);
    stream?.close();
    stream = null;
  } else {
    listen();
    ask();
  }
});
window.addEventListener("online", ask);
document.body.addEventListener("si:changed", () => setTimeout(ask, 150));
document.body.addEventListener("htmx:afterSettle", (event) => { if (["si-thread", "si-list"].includes(event.target.id)) countUnread(); });

countUnread();
listen();
plan();
