// What a message is made of, as the customer sees it: pictures, players, cards, buttons.

import { element } from "./page.js";

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
const FILMS = ["video", "ig_reel", "reel"];

export const note = (text) => element("div", { className: "bubble odd", text });
export const caption = (text) => element("div", { className: "above", text });

export function attachments(list, act) {
  const made = list.flatMap((one) => attachment(one, act));
  const pictures = made.filter(({ tagName }) => tagName === "IMG");
  if (pictures.length < 2) return made;
  const rest = made.filter((one) => !pictures.includes(one));
  return [element("div", { className: "album" }, pictures), ...rest];
}

function attachment({ type, payload }, act) {
  const url = payload?.url ?? payload?.story_media_url;
  const title = [NAMES[type], payload?.title].filter(Boolean).join(": ");
  const over = title ? [caption(title)] : [];
  if (type === "like_heart") return [element("div", { className: "bubble heart", text: "❤️" })];
  if (type === "template") return template(payload, act);
  if (!url) return [note(NAMES[type] ?? `[${type}]`)];
  const src = local(url);
  if (!src) return [...over, bubble([link(url, title || url)])];
  if (type === "audio") return [element("audio", { src, controls: true })];
  if (FILMS.includes(type)) return [...over, element("video", { src, controls: true, muted: true })];
  if (type === "file") return [bubble([link(location.origin + src, "PDF")])];
  return [...over, ...picture(url, title || "Picture")];
}

const bubble = (children) => element("div", { className: "bubble" }, children);

// Only web addresses become links; whatever else somebody sent stays text.
export function link(url, text, className = "") {
  if (!URL.canParse(url) || !["http:", "https:"].includes(new URL(url).protocol)) return element("span", { text });
  return element("a", { href: url, target: "_blank", rel: "noreferrer noopener", text, className });
}

export function picture(url, alt) {
  const src = url && local(url);
  if (!src) return url ? [bubble([link(url, alt)])] : [];
  const image = element("img", { src, alt });
  image.addEventListener("error", () => image.replaceWith(note("The link has expired")));
  return [image];
}

// The page may be open under another name of this machine than the link was made for. Pictures of
// other sites are never loaded: the page asks nobody but the emulator.
function local(url) {
  try {
    const { pathname, search } = new URL(url, location.href);
    return pathname.startsWith("/media/") ? pathname + search : "";
  } catch {
    return "";
  }
}

function template(payload, act) {
  const elements = payload?.generic?.elements;
  if (elements) return [element("div", { className: "cards" }, elements.map((one) => card(one, act)))];
  if (!payload?.buttons) return [note("[template]")];
  const text = element("p", { text: payload.text ?? "" });
  return [element("div", { className: "card" }, [text, ...buttons(payload.buttons, act)])];
}

function card({ title, subtitle, image_url: image, default_action: action, buttons: taps }, act) {
  const heading = action?.url ? link(action.url, title) : element("strong", { text: title });
  const small = subtitle ? [element("small", { text: subtitle })] : [];
  const shown = image && local(image) ? picture(image, "") : [];
  return element("div", { className: "card" }, [...shown, heading, ...small, ...buttons(taps, act)]);
}

function buttons(list, act) {
  return (list ?? []).map(({ type, title, url, payload }) => {
    if (type === "web_url") return link(url, title, "tap");
    const onclick = () => act.tap(title, payload);
    return element("button", { type: "button", className: "tap", text: title, onclick });
  });
}
