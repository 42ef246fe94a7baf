// The conversation on the phone: one turn per message, with what can be done to it.

import { act, byId, call, element } from "./page.js";

const NAMES = {
  share: "Shared post",
  ig_post: "Shared post",
  ig_reel: "Shared reel",
  reel: "Shared reel",
  ig_story: "Shared story",
  story_mention: "Mentioned the shop in a story",
  ephemeral: "Photo that can be viewed once",
  unsupported_type: "Something Instagram cannot show",
};

export function renderThread(messages, choose) {
  const list = byId("thread");
  const turns = messages.map((message) => turn(message, messages, choose));
  const empty = element("li", { className: "empty", text: "No messages yet. Write the first one." });
  list.replaceChildren(...(turns.length ? turns : [empty]));
  list.scrollTop = list.scrollHeight;
  // Pictures get their height late.
  for (const image of list.querySelectorAll("img")) {
    image.addEventListener("load", () => { list.scrollTop = list.scrollHeight; });
  }
}

function turn(message, messages, choose) {
  const parts = message.unsent
    ? [note("Message unsent")]
    : [...above(message, messages), ...message.attachments.flatMap(attachment), ...words(message)];
  return element("li", { className: `turn ${message.from}` }, [...parts, meta(message, choose)]);
}

const note = (text) => element("div", { className: "bubble odd", text });
const caption = (text) => element("div", { className: "above", text });

function words(message) {
  if (message.text) return [element("div", { className: "bubble", text: message.text })];
  if (message.extra.is_unsupported) return [note("Unsupported message")];
  return message.attachments.length ? [] : [note("Message without content")];
}

// What stands over a message: the quoted one, the story, where the customer came from.
function above(message, messages) {
  const { story } = message.extra.reply_to ?? {};
  const { ad_id: ad, product, ref } = message.extra.referral ?? message.extra.postback?.referral ?? {};
  const made = [];
  if (message.reply_to) {
    const original = messages.find(({ mid }) => mid === message.reply_to);
    made.push(element("div", { className: "quote", text: original?.text || "Reply to a message" }));
  }
  if (story) made.push(caption("Replied to a story"), ...picture(story.url, "Story"));
  if (ad) made.push(caption("Came from an ad"));
  else if (product) made.push(caption(`Asks about product ${product.id}`));
  else if (ref) made.push(caption(`Came by a link (${ref})`));
  if (message.extra.postback) made.push(caption(`Tapped a button (${message.extra.postback.payload})`));
  if (message.extra.quick_reply) made.push(caption(`Quick reply (${message.extra.quick_reply.payload})`));
  return made;
}

function attachment({ type, payload }) {
  const url = payload?.url ?? payload?.story_media_url;
  const title = [NAMES[type], payload?.title].filter(Boolean).join(": ");
  const over = title ? [caption(title)] : [];
  if (type === "like_heart") return [element("div", { className: "bubble heart", text: "❤️" })];
  if (type === "template") return [...over, ...cards(payload)];
  if (type === "audio" && url) return [element("audio", { src: local(url), controls: true })];
  if (["video", "ig_reel", "reel"].includes(type) && url) {
    return [...over, element("video", { src: local(url), controls: true, muted: true })];
  }
  if (type === "file" && url) {
    const link = element("a", { href: local(url), target: "_blank", rel: "noreferrer", text: "PDF" });
    return [element("div", { className: "bubble" }, [link])];
  }
  if (url) return [...over, ...picture(url, title || "Picture")];
  return [note(NAMES[type] ?? `[${type}]`)];
}

function cards(payload) {
  return (payload?.generic?.elements ?? []).map(({ title, buttons = [] }) => {
    const names = buttons.map((button) => `[${button.title}]`).join(" ");
    return element("div", { className: "bubble", text: `${title} ${names}` });
  });
}

function picture(url, alt) {
  if (!url) return [];
  const image = element("img", { src: local(url), alt });
  image.addEventListener("error", () => image.replaceWith(note("The link has expired")));
  return [image];
}

// The page may be open under another name of this machine than the link was made for.
function local(url) {
  const { pathname, search } = new URL(url, location.href);
  return pathname.startsWith("/media/") ? pathname + search : url;
}

function meta(message, choose) {
  const hearts = message.reactions.map(({ emoji }) => element("span", { text: emoji }));
  const time = new Date(message.sent_at).toLocaleTimeString([], { timeStyle: "short" });
  const marks = [...hearts, element("span", { text: time })];
  if (message.edits) marks.push(element("span", { text: `Edited ${message.edits}×` }));
  if (message.extra.app_id) marks.push(element("span", { text: `by app ${message.extra.app_id}` }));
  if (message.from === "business" && message.seen) marks.push(element("span", { text: "Seen" }));
  const buttons = message.unsent ? [] : actions(message, choose);
  return element("div", { className: "meta" }, [...marks, ...buttons]);
}

function actions(message, choose) {
  const mid = message.mid;
  const made = [
    ["Reply", () => choose("reply", message)],
    ["Edit", () => choose("edit", message)],
    ["Unsend", () => act(() => call("unsend", { mid }))],
  ];
  if (message.from === "business") {
    const action = message.reactions.length ? "unreact" : "react";
    const label = action === "react" ? "React ❤️" : "Remove ❤️";
    made.push([label, () => act(() => call("reactions", { mid, action }))]);
    if (!message.seen) made.push(["Mark seen", () => act(() => call("seen", { mid }))]);
  }
  return made.map(([text, onclick]) => element("button", { type: "button", text, onclick }));
}
