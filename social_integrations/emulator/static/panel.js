// Beside the phone: webhook, Pages, deliveries, and the switches.

import { act, byId, call, element, groups, whenChanged } from "./page.js";

const BADGES = {
  verified: ["verified", "good"],
  failed: ["failed", "bad"],
  unknown: ["not tried", ""],
  delivered: ["delivered", "good"],
  pending: ["waiting", "wait"],
  withheld: ["withheld", "wait"],
  not_sent: ["not sent", "bad"],
  gave_up: ["gave up", "bad"],
};

export function renderPanel(world) {
  whenChanged("handshake", [world.handshake, world.app], () => renderHandshake(world));
  whenChanged("pages", world.pages, () => renderPages(world.pages));
  whenChanged("deliveries", world.deliveries, () => renderDeliveries(world.deliveries));
  whenChanged("switches", world.switches, () => renderSwitches(world.switches));
  const set = world.switches.filter(({ value, default: rest }) => value !== rest).length;
  count("held", world.held, "held");
  count("switched", set, "set");
  const wrong = world.pages.filter(({ message_access: allowed }) => !allowed).length;
  count("broken", wrong + world.faults.length, "broken");
}

function count(id, number, word) {
  byId(id).hidden = !number;
  byId(id).textContent = `${number} ${word}`;
}

function badge(target, status) {
  const [text, tone] = BADGES[status] ?? [status, ""];
  target.textContent = text;
  target.className = `badge ${tone}`;
  return target;
}

function renderHandshake({ handshake, app }) {
  badge(byId("handshake"), handshake.status);
  byId("webhook").textContent = app.webhook_url;
  byId("handshake-detail").textContent = handshake.detail;
}

function renderPages(pages) {
  byId("pages").replaceChildren(
    ...pages.map((page) => {
      const through = [page.subscribed && "Facebook", page.login_subscribed && "Instagram"];
      const logins = through.filter(Boolean).join(" and ");
      const state = element("span", {
        className: `badge ${logins ? "good" : ""}`,
        text: logins ? `subscribed, ${logins}` : "not subscribed",
      });
      const name = page.instagram ? `@${page.instagram.username}` : "no Instagram account";
      const fields = [...new Set([...page.subscribed_fields, ...page.login_fields])].join(", ");
      const detail = fields ? `${name} · ${fields}` : name;
      const heading = element("strong", { text: page.name });
      return element("li", {}, [heading, state, element("small", { text: detail })]);
    }),
  );
}

function renderDeliveries(deliveries) {
  byId("nothing").hidden = deliveries.length > 0;
  byId("deliveries").replaceChildren(
    ...deliveries.slice(0, 20).map((delivery) => {
      const tries = delivery.attempts === 1 ? "1 attempt" : `${delivery.attempts} attempts`;
      const kind = delivery.kind.replaceAll("_", " ");
      return element("li", {}, [
        element("strong", { text: `#${delivery.id} ${kind}` }),
        badge(element("span"), delivery.status),
        element("small", { text: `${tries} · ${delivery.detail}` }),
      ]);
    }),
  );
}

function renderSwitches(switches) {
  byId("switches").replaceChildren(
    ...groups(switches).flatMap(([group, rows]) => [
      element("h3", { text: group }),
      ...rows.map((row) => {
        const className = row.value === row.default ? "" : "set";
        return element("label", { className }, [element("span", { text: row.label }), control(row)]);
      }),
    ]),
  );
}

function control({ name, value, choices }) {
  const turn = (read) => ({ target }) => act(() => call("switches", { [name]: read(target) }));
  if (typeof value === "boolean") {
    const onchange = turn((target) => target.checked);
    return element("input", { type: "checkbox", name, checked: value, onchange });
  }
  if (choices.length) {
    const options = choices.map((text) => element("option", { value: text, text }));
    const onchange = turn((target) => target.value);
    const made = element("select", { name, onchange }, options);
    made.value = value;
    return made;
  }
  const onchange = turn((target) => target.value);
  return element("input", { type: "number", name, min: 0, step: "any", value, onchange });
}

// What a break did, in a few words; the CRM's answer to a callback is the interesting part.
function outcome({ name, facebook, instagram, ...rest }) {
  const callbacks = [facebook, instagram].map((one) => one?.callback).filter(Boolean);
  const said = callbacks.map(({ status, body }) => `The CRM answered ${status ?? JSON.stringify(body)}.`);
  return [`Done: ${name.replaceAll("_", " ")}.`, ...said, killed({ facebook, instagram, ...rest })].join(" ");
}

function killed({ facebook, instagram, killed: number }) {
  const sum = [facebook?.killed, instagram?.killed, number].reduce((all, one) => all + (one ?? 0), 0);
  return sum ? `${sum} tokens stopped.` : "";
}

export async function fillBreaks(parties) {
  const { breaks } = await call("breaks", null, { method: "GET" });
  const buttons = breaks.map(({ name, label, effect }) => {
    const onclick = () => act(async () => {
      byId("break-result").textContent = outcome(await call("break", { name, ...parties() }));
    });
    const words = [element("span", { text: label }), element("small", { text: effect })];
    return element("button", { type: "button", title: name, onclick }, words);
  });
  byId("breaks").replaceChildren(...buttons);
}

byId("verify").addEventListener("click", () => act(() => call("verify-webhook")));
byId("test").addEventListener("click", () => act(() => call("test-event")));
byId("flush").addEventListener("click", () => act(() => call("flush")));
byId("off").addEventListener("click", () => act(() => call("switches", null, { method: "DELETE" })));
byId("expire").addEventListener("click", () => act(() => call("expire-media")));
