// The page around the messages: scrolling, reading, pictures that cannot be had, time left.

const live = document.getElementById("si-live");
const words = live.dataset;
const JUMP_DISTANCE = 80;

// Times are written by the server. It learns the reader's time zone once, from a cookie.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && zone !== words.zone) {
  const cookie = `si_timezone=${zone}`;
  const known = document.cookie.split("; ").includes(cookie);
  document.cookie = `${cookie}; path=/; max-age=31536000; SameSite=Lax${location.protocol === "https:" ? "; Secure" : ""}`;
  // Where it is refused, or names a zone the server does not know, the page stays as it is.
  if (!known && document.cookie.split("; ").includes(cookie)) location.reload();
}

const thread = () => document.getElementById("si-thread");
const scroller = () => document.getElementById("si-scroll");

// --- scrolling --------------------------------------------------------------------------------

function toEnd() {
  const box = scroller();
  if (!box) return;
  box.scrollTop = box.scrollHeight;
  document.getElementById("si-jump").hidden = true;
}

function toStart() {
  const box = scroller();
  const fresh = document.getElementById("si-new");
  if (!box) return;
  if (fresh && box.scrollHeight - fresh.offsetTop > box.clientHeight) box.scrollTop = fresh.offsetTop - 24;
  else toEnd();
}

// How high everything was when last looked at, and how much of it there was room for.
let height = 0;
let room = 0;
function follow() {
  const box = scroller();
  if (!box) return;
  box.addEventListener("scroll", () => {
    if (box.scrollHeight - box.scrollTop - box.clientHeight < JUMP_DISTANCE) document.getElementById("si-jump").hidden = true;
  }, { passive: true });
  // Pictures grow when they arrive, and so does what is being written: whoever was at the end stays there.
  height = box.scrollHeight;
  room = box.clientHeight;
  const watch = new ResizeObserver(() => {
    const covered = box.scrollHeight - height > 0 || box.clientHeight < room;
    if (covered && height - box.scrollTop - room < JUMP_DISTANCE) box.scrollTop = box.scrollHeight;
    height = box.scrollHeight;
    room = box.clientHeight;
  });
  watch.observe(document.getElementById("si-messages"));
  watch.observe(box);
}

let kept = null;
document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id === "si-older") kept = { box: scroller(), height: scroller().scrollHeight, top: scroller().scrollTop };
});
document.body.addEventListener("htmx:afterSwap", () => {
  if (!kept) return;
  kept.box.scrollTop = kept.top + kept.box.scrollHeight - kept.height;
  // What came above is no reason to follow to the end.
  height = kept.box.scrollHeight;
  kept = null;
  joinDays();
});

// A day whose messages came in two stretches has two marks; the upper one says it.
function joinDays() {
  const seen = new Set();
  for (const day of document.querySelectorAll("#si-messages > .si-day")) {
    if (seen.has(day.id)) day.remove();
    seen.add(day.id);
  }
}

document.addEventListener("click", (event) => {
  const quoted = event.target.closest("[data-si-jump]");
  if (quoted) {
    const found = document.getElementById(`si-m-${quoted.dataset.siJump}`);
    if (!found) return;
    event.preventDefault();
    found.scrollIntoView({ block: "center" });
    found.focus({ preventScroll: true });
    found.classList.add("si-flash");
    setTimeout(() => found.classList.remove("si-flash"), 1600);
  } else if (event.target.closest("[data-si-about]")) {
    const shown = thread().classList.toggle("si-show-about");
    event.target.closest("[data-si-about]").setAttribute("aria-expanded", String(shown));
  } else if (event.target.closest("#si-jump")) {
    toEnd();
    scroller().focus({ preventScroll: true });
  }
});

// Whoever has just answered wants to see the answer come.
document.addEventListener("si:sent", toEnd);

// --- reading ----------------------------------------------------------------------------------

// Opening is a GET and changes nothing; that somebody looks at it is told by a POST.
let telling = false;
async function tellRead() {
  const url = thread()?.dataset.read;
  const row = document.getElementById(`si-row-${thread()?.dataset.conversation}`);
  if (!url || document.hidden || telling || (row && !row.classList.contains("si-unread"))) return;
  telling = true;
  try {
    const response = await fetch(url, {
      method: "POST", credentials: "same-origin",
      headers: { "X-CSRFToken": JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"], "HX-Request": "true" },
    });
    if (response.ok) document.body.dispatchEvent(new CustomEvent("si:changed"));
  } catch {
    // Without a connection it is told with the next message.
  } finally {
    telling = false;
  }
}

document.addEventListener("si:read", tellRead);
document.addEventListener("visibilitychange", () => { if (!document.hidden) tellRead(); });

// --- a conversation was opened ----------------------------------------------------------------

function markOpen() {
  const open = thread()?.dataset.conversation;
  for (const link of document.querySelectorAll(".si-row-link")) {
    if (open && link.closest(".si-row").dataset.id === open) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  return open;
}

function opened() {
  if (!markOpen()) return;
  follow();
  toStart();
  tellRead();
}

document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "si-thread") return;
  opened();
  document.getElementById("si-thread-title")?.focus({ preventScroll: true });
});

// Filters belong into the address, so that a reload or a link shows the same.
document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "si-more" || event.target.closest?.("#si-list")) markOpen();
  if (event.target.id !== "si-list") return;
  const url = new URL(location.href);
  url.search = event.target.dataset.filters ?? "";
  history.replaceState(history.state, "", url);
});

for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.body.addEventListener(name, (event) => {
    const status = event.detail.xhr?.status;
    if (status === 401) return void location.assign(location.href);
    if (event.target.closest?.("[data-si-composer]")) return; // the composer speaks for itself
    const said = document.getElementById("si-said");
    said.replaceChildren();
    const line = document.createElement("p");
    line.className = "si-said-problem";
    line.textContent = words.wordFailed;
    said.append(line);
    setTimeout(() => line.remove(), 8000);
  });
}

// --- media that cannot be had -----------------------------------------------------------------

document.addEventListener("error", (event) => {
  const media = event.target;
  if (!(media instanceof Element)) return;
  if (media.matches("[data-si-face]")) media.remove();
  else if (media.matches("[data-si-media]")) {
    const figure = media.closest(".si-media");
    media.closest("[data-si-zoom]")?.remove();
    media.remove();
    figure?.querySelector("[data-si-lost]")?.removeAttribute("hidden");
  }
}, true);
for (const media of document.querySelectorAll("img[data-si-face], img[data-si-media]")) {
  if (media.complete && !media.naturalWidth && media.currentSrc) media.dispatchEvent(new Event("error"));
}

// --- time left to answer ----------------------------------------------------------------------

function left(until) {
  const minutes = Math.max(0, Math.floor((until - Date.now()) / 60000));
  if (minutes >= 2880) return words.wordDays.replace("{n}", Math.floor(minutes / 1440));
  if (minutes >= 60) return words.wordHours.replace("{n}", Math.floor(minutes / 60));
  return words.wordMinutes.replace("{n}", minutes);
}

function countDown() {
  for (const mark of document.querySelectorAll(".si-win")) {
    const closes = Date.parse(mark.dataset.siCloses ?? "");
    const human = Date.parse(mark.dataset.siHuman ?? "");
    if (!closes && !human) continue;
    const [state, word, until] = closes > Date.now()
      ? (closes - Date.now() < 7200000 ? ["closing", words.wordClosing, closes] : ["open", words.wordOpen, closes])
      : human > Date.now() ? ["human", words.wordHuman, human] : ["closed", words.wordClosed, 0];
    const text = word.replace("{left}", left(until));
    if (mark.textContent !== text) mark.textContent = text;
    mark.classList.remove("si-win-open", "si-win-closing", "si-win-human", "si-win-closed");
    mark.classList.add(`si-win-${state}`);
  }
}

document.addEventListener("si:updated", countDown);
document.body.addEventListener("htmx:afterSettle", countDown);
setInterval(countDown, 20000);

countDown();
opened();
