// The phone page: shows what /_control/state says and turns taps into control calls.

import { act, byId, call, element, groups, refreshWith, whenChanged } from "./page.js";
import { link } from "./parts.js";
import { fillBreaks, renderPanel } from "./panel.js";
import { listenForComments, listenForTabs, renderPost } from "./post.js";
import { fillAnswers, renderSends } from "./sends.js";
import { byLocale, renderThread } from "./thread.js";

const PERIOD = 1200;
const LIKE_PICTURES = ["image", "video", "audio"];
let world = null;
let mode = null;
let readUpTo = "";

async function refresh() {
  try {
    const response = await fetch("/_control/state");
    world = await response.json();
    byId("offline").hidden = response.ok;
    if (response.ok) render();
  } catch {
    byId("offline").hidden = false;
  }
}

function render() {
  const accounts = world.pages.filter((page) => page.instagram);
  renderOptions("account", accounts.map(({ instagram }) => [instagram.id, `@${instagram.username}`]));
  renderOptions("customer", world.customers.map(({ id, username }) => [id, `@${username}`]));
  const page = accounts.find(({ instagram }) => instagram.id === byId("account").value);
  const customer = world.customers.find(({ id }) => id === byId("customer").value);
  whenChanged("bar", [page, customer], () => renderBar(page, customer));
  const thread = world.threads.find(
    (one) => one.account === page?.instagram.id && one.customer === customer?.id,
  );
  const comments = world.comments.filter(({ account }) => account === page?.instagram.id);
  const shown = {
    messages: thread?.messages ?? [],
    typing: thread?.typing,
    profile: page?.profile,
    // Comments the shop answered in private, by the message that did.
    answered: Object.fromEntries(comments.map(({ replied_mid: mid, text }) => [mid, text])),
  };
  whenChanged("thread", [page?.id, customer?.id, shown], () => renderThread(shown, doings));
  whenChanged("menu", [page?.profile], () => renderMenu(byLocale(page?.profile?.persistent_menu)));
  renderPost(comments, world.customers);
  renderPanel(world);
  renderSends(world, thread);
  read(shown.messages);
}

// Who has the chat open reads what comes, as long as somebody looks at this page.
function read(messages) {
  const unseen = messages.filter(({ from, seen, unsent }) => from === "business" && !seen && !unsent);
  const mid = unseen.at(-1)?.mid;
  const looking = byId("open").checked && !byId("chat").hidden && document.visibilityState === "visible";
  if (!mid || mid === readUpTo || !looking) return;
  readUpTo = mid;
  call("seen", { mid }).catch(() => { readUpTo = ""; });
}

function renderMenu(entries) {
  byId("menu").hidden = !entries.length;
  if (!entries.length) byId("shop-menu").hidden = true;
  byId("shop-menu").replaceChildren(
    element("h3", { text: "The shop's menu" }),
    element("div", {}, entries.map(({ type, title, url, payload }) => {
      if (type === "web_url") return link(url, title);
      return element("button", { type: "button", text: title, onclick: () => doings.tap(title, payload) });
    })),
  );
}

function renderOptions(id, options) {
  whenChanged(`options-${id}`, options, () => {
    const chosen = byId(id).value;
    byId(id).replaceChildren(...options.map(([value, text]) => element("option", { value, text })));
    if (options.some(([value]) => value === chosen)) byId(id).value = chosen;
  });
}

function renderBar(page, customer) {
  byId("title").textContent = page ? page.instagram.name : "No Instagram account";
  byId("subtitle").textContent = page ? `@${page.instagram.username} · Business chat` : "";
  if (page) byId("face").src = page.instagram.profile_picture_url;
  for (const field of byId("composer").elements) field.disabled = !page || !customer;
  byId("hint").hidden = !page || page.subscribed || page.login_subscribed;
  byId("hint").textContent = world.connected
    ? "This account is not connected to the CRM, so its messages are not delivered."
    : "Nothing is connected yet. Open the CRM and connect an account first.";
}

function parties() {
  return { account: byId("account").value, customer: byId("customer").value };
}

const author = () => new FormData(byId("composer")).get("who");

// Only the customer writes as if some time ago: that is what opens and closes windows.
const ago = () => (author() === "messages" ? { ago: Number(byId("when").value) } : {});

function write(content) {
  return call(author(), { ...parties(), ...ago(), ...content });
}

// A kind of the catalogue is from the customer, unless the shop writes a message.
function happen(kind) {
  const from = author() === "echoes" ? { from: "business" } : {};
  return call("events", { kind, ...from, ...parties(), ...ago() });
}

// What the customer does by tapping, whoever is chosen to write below.
const doings = {
  choose: (action, message) => choose(action, message),
  tap: (title, payload) => act(() => call("events", { kind: "postback", title, payload, ...parties() })),
  quick: (text, payload) => act(() => call("events", { kind: "quick_reply", text, payload, ...parties() })),
};

// Replying and editing borrow the line one writes in.
function choose(action, message) {
  mode = message && { action, mid: message.mid };
  byId("mode").hidden = !mode;
  byId("text").value = action === "edit" ? (message?.text ?? "") : "";
  if (!mode) return;
  byId("mode-text").textContent = `${action === "edit" ? "Edit" : "Reply to"}: ${message.text ?? "…"}`;
  byId("text").focus();
}

function submit(text) {
  const current = mode;
  choose("", null);
  if (current?.action === "edit") return call("edits", { mid: current.mid, text });
  return write(current ? { text, reply_to: current.mid } : { text });
}

byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("text").value;
  if (!text.trim()) return;
  byId("text").value = "";
  act(() => submit(text));
});

byId("mode-end").addEventListener("click", () => choose("", null));
byId("sample").addEventListener("click", () => act(() => write({ attachments: [{ type: "image" }] })));
byId("heart").addEventListener("click", () => act(() => happen("like_heart")));

byId("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  act(async () => {
    const headers = { "Content-Type": file.type || "application/octet-stream" };
    const { url } = await call("uploads", null, { body: file, headers });
    const [kind] = file.type.split("/");
    await write({ attachments: [{ type: LIKE_PICTURES.includes(kind) ? kind : "file", url }] });
  });
});

function toggle(button, target) {
  requestAnimationFrame(() => { byId("thread").scrollTop = byId("thread").scrollHeight; });
  byId(target).hidden = !byId(target).hidden;
  byId(button).setAttribute("aria-expanded", String(!byId(target).hidden));
}

byId("add").addEventListener("click", () => toggle("add", "newcomer"));
byId("more").addEventListener("click", () => toggle("more", "more-menu"));
byId("menu").addEventListener("click", () => toggle("menu", "shop-menu"));
byId("when").addEventListener("change", ({ target }) => {
  target.parentElement.classList.toggle("set", target.value !== "0");
});

byId("newcomer").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  act(async () => {
    const { id } = await call("customers", Object.fromEntries(new FormData(form)));
    await refresh();
    byId("customer").value = id;
    form.reset();
    form.hidden = true;
  });
});

async function fillMenu() {
  const { kinds } = await call("kinds", null, { method: "GET" });
  byId("more-menu").replaceChildren(
    ...groups(kinds).flatMap(([group, rows]) => [
      element("h3", { text: group }),
      element("div", {}, rows.map(({ kind, label }) => {
        const onclick = () => act(() => happen(kind));
        return element("button", { type: "button", text: label, title: kind, onclick });
      })),
    ]),
  );
}

for (const id of ["account", "customer"]) byId(id).addEventListener("change", render);
refreshWith(refresh);
listenForComments(parties);
listenForTabs();
await fillMenu();
await fillAnswers();
await fillBreaks(parties);
await refresh();
setInterval(refresh, PERIOD);
