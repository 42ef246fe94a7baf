// The shop's post and the comments under it, which the CRM may answer once in private.

import { act, byId, call, element, whenChanged } from "./page.js";

export function renderPost(comments, customers) {
  whenChanged("comments", [comments, customers], () => {
    const empty = element("li", { className: "empty", text: "No comments yet." });
    const rows = comments.map((comment) => row(comment, customers));
    byId("comments").replaceChildren(...(rows.length ? rows : [empty]));
    byId("comments").scrollTop = byId("comments").scrollHeight;
  });
}

function row({ customer, text, live, sent_at: at, replied_mid: replied }, customers) {
  const who = customers.find(({ id }) => id === customer);
  const time = new Date(at).toLocaleTimeString([], { timeStyle: "short" });
  const marks = [time, live && "in a live video"].filter(Boolean).join(" · ");
  const parts = [
    element("strong", { text: `@${who?.username ?? customer}` }),
    element("span", { text }),
    element("small", { text: marks }),
  ];
  if (replied) parts.push(element("small", { className: "badge good", text: "answered in private" }));
  return element("li", {}, parts);
}

export function listenForComments(parties) {
  byId("comment").addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target;
    const { kind, text } = Object.fromEntries(new FormData(form));
    if (!text.trim()) return;
    form.elements.text.value = "";
    act(() => call("events", { kind, text, ...parties() }));
  });
}

export function listenForTabs() {
  const tabs = { chat: byId("tab-chat"), post: byId("tab-post") };
  for (const [name, tab] of Object.entries(tabs)) {
    tab.addEventListener("click", () => {
      for (const [other, button] of Object.entries(tabs)) {
        button.setAttribute("aria-selected", String(other === name));
        byId(other).hidden = other !== name;
      }
    });
  }
}
