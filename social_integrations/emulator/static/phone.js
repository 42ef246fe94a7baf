// The phone page: shows what /_control/state says and turns taps into control calls.

const PERIOD = 1200;
const BADGES = {
  verified: ["verified", "good"],
  failed: ["failed", "bad"],
  unknown: ["not tried", ""],
  delivered: ["delivered", "good"],
  pending: ["waiting", "wait"],
  not_sent: ["not sent", "bad"],
  gave_up: ["gave up", "bad"],
};
const KINDS = {
  message: "Message",
  echo: "Echo",
  unsend: "Unsend",
  reaction: "Reaction",
  seen: "Seen",
  test: "Test event",
  raw: "Raw payload",
};

const byId = (id) => document.getElementById(id);
const shown = {};
let world = null;

// Everything that people typed goes through here: text stays text.
function element(tag, { text, ...properties } = {}, children = []) {
  const made = Object.assign(document.createElement(tag), properties);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

async function call(name, body, options = {}) {
  const request = { method: "POST", body: JSON.stringify(body ?? {}), ...options };
  const headers = { "Content-Type": "application/json", ...options.headers };
  const response = await fetch(`/_control/${name}`, { ...request, headers });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
}

async function act(work) {
  byId("notice").hidden = true;
  try {
    await work();
  } catch (error) {
    byId("notice").textContent = error.message;
    byId("notice").hidden = false;
  }
  await refresh();
}

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

// Rebuild a part only when its data changed, so that focus, scrolling and selections survive.
function whenChanged(name, data, draw) {
  const key = JSON.stringify(data);
  if (shown[name] === key) return;
  shown[name] = key;
  draw();
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
  const messages = thread?.messages ?? [];
  whenChanged("thread", [page?.id, customer?.id, messages], () => renderThread(messages));
  whenChanged("handshake", [world.handshake, world.app], renderHandshake);
  whenChanged("pages", world.pages, renderPages);
  whenChanged("deliveries", world.deliveries, renderDeliveries);
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
  byId("hint").hidden = !page || page.subscribed;
  byId("hint").textContent = world.connected
    ? "This account is not connected to the CRM, so its messages are not delivered."
    : "Nothing is connected yet. Open the CRM and connect an account first.";
}

function renderThread(messages) {
  const list = byId("thread");
  const turns = messages.map((message) => turn(message, messages));
  const empty = element("li", { className: "empty", text: "No messages yet. Write the first one." });
  list.replaceChildren(...(turns.length ? turns : [empty]));
  list.scrollTop = list.scrollHeight;
  // Pictures get their height late.
  for (const image of list.querySelectorAll("img")) {
    image.addEventListener("load", () => { list.scrollTop = list.scrollHeight; });
  }
}

function turn(message, messages) {
  const parts = message.unsent
    ? [element("div", { className: "bubble gone", text: "Message unsent" })]
    : [...quote(message, messages), ...message.attachments.map(attachment)];
  if (message.text) parts.push(element("div", { className: "bubble", text: message.text }));
  return element("li", { className: `turn ${message.from}` }, [...parts, meta(message)]);
}

function quote(message, messages) {
  if (!message.reply_to) return [];
  const original = messages.find(({ mid }) => mid === message.reply_to);
  return [element("div", { className: "quote", text: original?.text || "Reply to a message" })];
}

function attachment({ type, payload }) {
  if (type === "image" && payload?.url) {
    return element("img", { src: payload.url, alt: "Picture" });
  }
  return element("div", { className: "bubble", text: `[${type}]` });
}

function meta(message) {
  const hearts = message.reactions.map(({ emoji }) => element("span", { text: emoji }));
  const time = new Date(message.sent_at).toLocaleTimeString([], { timeStyle: "short" });
  const marks = [...hearts, element("span", { text: time })];
  if (message.from === "business" && message.seen) marks.push(element("span", { text: "Seen" }));
  return element("div", { className: "meta" }, message.unsent ? marks : [...marks, ...actions(message)]);
}

function actions(message) {
  const made = [["Unsend", () => call("unsend", { mid: message.mid })]];
  if (message.from === "business") {
    const action = message.reactions.length ? "unreact" : "react";
    const label = action === "react" ? "React ❤️" : "Remove ❤️";
    made.push([label, () => call("reactions", { mid: message.mid, action })]);
    if (!message.seen) made.push(["Mark seen", () => call("seen", { mid: message.mid })]);
  }
  return made.map(([text, work]) =>
    element("button", { type: "button", text, onclick: () => act(work) }),
  );
}

function badge(target, status) {
  const [text, tone] = BADGES[status] ?? [status, ""];
  target.textContent = text;
  target.className = `badge ${tone}`;
  return target;
}

function renderHandshake() {
  badge(byId("handshake"), world.handshake.status);
  byId("webhook").textContent = world.app.webhook_url;
  byId("handshake-detail").textContent = world.handshake.detail;
}

function renderPages() {
  byId("pages").replaceChildren(
    ...world.pages.map((page) => {
      const state = element("span", {
        className: `badge ${page.subscribed ? "good" : ""}`,
        text: page.subscribed ? "subscribed" : "not subscribed",
      });
      const name = page.instagram ? `@${page.instagram.username}` : "no Instagram account";
      const fields = page.subscribed_fields.join(", ");
      const detail = fields ? `${name} · ${fields}` : name;
      return element("li", {}, [
        element("strong", { text: page.name }),
        state,
        element("small", { text: detail }),
      ]);
    }),
  );
}

function renderDeliveries() {
  byId("nothing").hidden = world.deliveries.length > 0;
  byId("deliveries").replaceChildren(
    ...world.deliveries.slice(0, 20).map((delivery) => {
      const tries = delivery.attempts === 1 ? "1 attempt" : `${delivery.attempts} attempts`;
      return element("li", {}, [
        element("strong", { text: `#${delivery.id} ${KINDS[delivery.kind] ?? delivery.kind}` }),
        badge(element("span"), delivery.status),
        element("small", { text: `${tries} · ${delivery.detail}` }),
      ]);
    }),
  );
}

function parties() {
  return { account: byId("account").value, customer: byId("customer").value };
}

function write(content) {
  const who = new FormData(byId("composer")).get("who");
  return call(who, { ...parties(), ...content });
}

byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("text").value;
  if (!text.trim()) return;
  byId("text").value = "";
  act(() => write({ text }));
});

byId("sample").addEventListener("click", () => {
  act(() => write({ attachments: [{ type: "image" }] }));
});

byId("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  act(async () => {
    const headers = { "Content-Type": file.type || "application/octet-stream" };
    const { url } = await call("uploads", null, { body: file, headers });
    await write({ attachments: [{ type: "image", url }] });
  });
});

byId("add").addEventListener("click", () => {
  byId("newcomer").hidden = !byId("newcomer").hidden;
  byId("add").setAttribute("aria-expanded", String(!byId("newcomer").hidden));
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

for (const id of ["account", "customer"]) byId(id).addEventListener("change", render);
byId("verify").addEventListener("click", () => act(() => call("verify-webhook")));
byId("test").addEventListener("click", () => act(() => call("test-event")));

await refresh();
setInterval(refresh, PERIOD);
