// What every part of the page needs: elements, control calls, and drawing only what changed.

export const byId = (id) => document.getElementById(id);
const shown = {};
let refresh = async () => {};

export function refreshWith(work) {
  refresh = work;
}

// Everything that people typed goes through here: text stays text.
export function element(tag, { text, ...properties } = {}, children = []) {
  const made = Object.assign(document.createElement(tag), properties);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

export async function call(name, body, options = {}) {
  const method = options.method ?? "POST";
  const content = method === "POST" ? { body: JSON.stringify(body ?? {}) } : {};
  const headers = { "Content-Type": "application/json", ...options.headers };
  const response = await fetch(`/_control/${name}`, { method, ...content, ...options, headers });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
}

export async function act(work) {
  byId("notice").hidden = true;
  try {
    await work();
  } catch (error) {
    byId("notice").textContent = error.message;
    byId("notice").hidden = false;
  }
  await refresh();
}

// Rebuild a part only when its data changed, so that focus, scrolling and selections survive.
export function whenChanged(name, data, draw) {
  const key = JSON.stringify(data);
  if (shown[name] === key) return;
  shown[name] = key;
  draw();
}

export function groups(rows) {
  const found = new Map();
  for (const row of rows) found.set(row.group, [...(found.get(row.group) ?? []), row]);
  return [...found];
}
