// The conversation on the phone: one turn per message, with what can be done to it.

import { act, byId, call, element } from "./page.js";
import { attachments, caption, note, picture } from "./parts.js";

const EMOJI = { love: "❤️", laugh: "😆", wow: "😮", sad: "😢", angry: "😠", like: "👍" };

export function renderThread({ messages, typing, profile, answered }, doings) {
  const list = byId("thread");
  const turns = messages.map((message) => turn(message, messages, answered, doings));
  const rest = turns.length ? quickReplies(messages.at(-1), doings) : opening(profile, doings);
  list.replaceChildren(...turns, ...rest, ...(typing ? [dots()] : []));
  list.scrollTop = list.scrollHeight;
  // Pictures and films get their height late.
  for (const media of list.querySelectorAll("img, video")) {
    const event = media.tagName === "IMG" ? "load" : "loadedmetadata";
    media.addEventListener(event, () => { list.scrollTop = list.scrollHeight; });
  }
}

function turn(message, messages, answered, doings) {
  const parts = message.unsent
    ? [note("Message unsent")]
    : [...above(message, messages, answered), ...attachments(message.attachments, doings), ...words(message)];
  const marks = message.unsent ? [] : reactions(message);
  const strip = message.unsent || message.from === "customer" ? null : choices(message);
  const made = [...parts, ...marks, meta(message, strip, doings), ...(strip ? [strip] : [])];
  return element("li", { className: `turn ${message.from}` }, made);
}

function words(message) {
  if (message.text) return [element("div", { className: "bubble", text: message.text })];
  if (message.extra.is_unsupported) return [note("Unsupported message")];
  return message.attachments.length ? [] : [note("Message without content")];
}

// What stands over a message: the quoted one, the story, where the customer came from.
function above(message, messages, answered) {
  const { story } = message.extra.reply_to ?? {};
  const { ad_id: ad, product, ref } = message.extra.referral ?? message.extra.postback?.referral ?? {};
  const made = [];
  if (message.mid in answered) made.push(caption(`Answers your comment: ${answered[message.mid]}`));
  if (message.reply_to) {
    const original = messages.find(({ mid }) => mid === message.reply_to);
    made.push(element("div", { className: "quote", text: summary(original) }));
  }
  if (story) made.push(caption("Replied to a story"), ...picture(story.url, "Story"));
  if (ad) made.push(caption("Came from an ad"));
  else if (product) made.push(caption(`Asks about product ${product.id}`));
  else if (ref) made.push(caption(`Came by a link (${ref})`));
  if (message.extra.postback) made.push(caption(`Tapped a button (${message.extra.postback.payload})`));
  if (message.extra.quick_reply) made.push(caption(`Quick reply (${message.extra.quick_reply.payload})`));
  return made;
}

function summary(message) {
  if (!message) return "Reply to a message";
  if (message.unsent) return "Message unsent";
  return message.text || `${message.from === "business" ? "The shop's" : "Your"} ${message.kind.replaceAll("_", " ")}`;
}

// Instagram shows quick replies and ice breakers at the end, until somebody writes.
function quickReplies(last, doings) {
  const list = last.from === "business" && !last.unsent ? last.extra.quick_replies ?? [] : [];
  return chips(list.map(({ title, payload }) => [title, () => doings.quick(title, payload)]), "Quick replies");
}

function opening(profile, doings) {
  const empty = element("li", { className: "empty", text: "No messages yet. Write the first one." });
  const questions = byLocale(profile?.ice_breakers);
  const made = questions.map(({ question, payload }) => [question, () => doings.tap(question, payload)]);
  return [empty, ...chips(made, "Ice breakers")];
}

export function byLocale(entries) {
  const found = (entries ?? []).find(({ locale }) => locale === "default");
  return found?.call_to_actions ?? [];
}

function chips(pairs, label) {
  if (!pairs.length) return [];
  const buttons = pairs.map(([text, onclick]) => element("button", { type: "button", text, onclick }));
  return [element("li", { className: "chips", ariaLabel: label }, buttons)];
}

function dots() {
  const parts = [1, 2, 3].map(() => element("span"));
  return element("li", { className: "turn business" }, [
    element("div", { className: "bubble typing", role: "status", ariaLabel: "The shop is typing" }, parts),
  ]);
}

function reactions({ mid, reactions: list }) {
  const made = list.map(({ emoji, by }) => {
    if (by === "business") return element("span", { text: emoji, title: "The shop's reaction" });
    const onclick = () => act(() => call("reactions", { mid, action: "unreact" }));
    return element("button", { type: "button", text: emoji, title: "Take the reaction back", onclick });
  });
  return made.length ? [element("div", { className: "reactions" }, made)] : [];
}

function choices({ mid }) {
  const buttons = Object.entries(EMOJI).map(([reaction, emoji]) => {
    const onclick = () => act(() => call("reactions", { mid, reaction }));
    return element("button", { type: "button", text: emoji, ariaLabel: `React with ${reaction}`, onclick });
  });
  return element("div", { className: "choices", hidden: true }, buttons);
}

function meta(message, strip, doings) {
  const time = new Date(message.sent_at).toLocaleString([], stamp(message.sent_at));
  const marks = [element("span", { text: time })];
  if (message.edits) marks.push(element("span", { text: `Edited ${message.edits}×` }));
  if (message.extra.app_id) marks.push(element("span", { text: "by API", title: `App ${message.extra.app_id}` }));
  if (message.seen) {
    marks.push(element("span", { text: message.from === "business" ? "Seen" : "Seen by the shop" }));
  }
  const buttons = message.unsent ? [] : actions(message, strip, doings);
  return element("div", { className: "meta" }, [...marks, ...buttons]);
}

function stamp(ms) {
  const today = new Date(ms).toDateString() === new Date().toDateString();
  return today ? { timeStyle: "short" } : { dateStyle: "short", timeStyle: "short" };
}

function actions(message, strip, { choose }) {
  const mid = message.mid;
  const made = [
    ["Reply", () => choose("reply", message)],
    ["Edit", () => choose("edit", message)],
    ["Unsend", () => act(() => call("unsend", { mid }))],
  ];
  if (message.from === "business") {
    made.push(["React", () => { strip.hidden = !strip.hidden; }]);
    if (!message.seen) made.push(["Mark seen", () => act(() => call("seen", { mid }))]);
  }
  return made.map(([text, onclick]) => element("button", { type: "button", text, onclick }));
}
