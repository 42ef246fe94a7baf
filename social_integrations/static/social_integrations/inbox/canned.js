/* Canned replies: a menu with search, and a list under what is typed after a slash. */

const TYPED = /(^|\s)\/([\p{L}\p{N}_-]*)$/u;

function items(root) {
  return [...root.querySelectorAll("#si-canned-list [role=option]")];
}

function visible(root) {
  return items(root).filter((item) => !item.hidden);
}

function panel(root) {
  return root.querySelector("[data-si-canned]");
}

export function isOpen(root) {
  const found = panel(root);
  return found !== null && !found.hidden;
}

function field(root) {
  return panel(root).dataset.by === "menu" ? root.querySelector("#si-canned-search") : root.querySelector("[data-si-text]");
}

function choose(root, item) {
  for (const other of items(root)) other.setAttribute("aria-selected", String(other === item));
  const input = field(root);
  if (item) {
    input.setAttribute("aria-activedescendant", item.id);
    item.scrollIntoView({ block: "nearest" });
  } else {
    input.removeAttribute("aria-activedescendant");
  }
}

function narrow(root, words) {
  const wanted = words.toLocaleLowerCase();
  for (const item of items(root)) {
    const text = `${item.dataset.shortcut} ${item.textContent}`.toLocaleLowerCase();
    const fits = panel(root).dataset.by === "menu" ? text.includes(wanted) : item.dataset.shortcut.toLocaleLowerCase().startsWith(wanted);
    item.hidden = !fits;
  }
  const left = visible(root);
  choose(root, left[0]);
  root.querySelector("[data-si-canned-none]").hidden = left.length > 0;
  return left.length;
}

function show(root, by) {
  const found = panel(root);
  found.dataset.by = by;
  found.hidden = false;
  found.querySelector(".si-canned-label").hidden = by !== "menu";
  found.querySelector("#si-canned-search").hidden = by !== "menu";
  root.querySelector("[data-si-canned-open]")?.setAttribute("aria-expanded", "true");
}

export function close(root) {
  const found = panel(root);
  if (!found || found.hidden) return;
  choose(root, null);
  found.hidden = true;
  root.querySelector("[data-si-canned-open]")?.setAttribute("aria-expanded", "false");
}

export function openMenu(root) {
  show(root, "menu");
  const search = root.querySelector("#si-canned-search");
  search.value = "";
  narrow(root, "");
  search.focus();
}

/* Called whenever the text changes: the list follows what is typed after a slash. */
export function follow(root, text) {
  const found = panel(root);
  if (!found) return;
  const before = text.value.slice(0, text.selectionStart);
  const typed = TYPED.exec(before);
  if (!typed) {
    if (found.dataset.by === "slash") close(root);
    return;
  }
  show(root, "slash");
  if (narrow(root, typed[2]) === 0) close(root);
}

export function search(root, words) {
  narrow(root, words);
}

function insert(root, item) {
  const text = root.querySelector("[data-si-text]");
  const before = text.value.slice(0, text.selectionStart);
  const typed = panel(root).dataset.by === "slash" ? TYPED.exec(before) : null;
  const from = typed ? typed.index + typed[1].length : text.selectionStart;
  close(root);
  const said = root.querySelector("#si-colleagues");
  said.textContent = item.dataset.gaps ? root.dataset.wordGaps.replace("{names}", item.dataset.gaps) : "";
  text.setRangeText(item.dataset.text, from, text.selectionEnd, "end");
  text.focus();
  text.dispatchEvent(new Event("input", { bubbles: true }));
}

/* Returns whether the key was meant for the list. */
export function press(root, event) {
  if (!isOpen(root)) return false;
  const left = visible(root);
  const at = left.findIndex((item) => item.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown") choose(root, left[(at + 1) % left.length]);
  else if (event.key === "ArrowUp") choose(root, left[(at - 1 + left.length) % left.length]);
  else if ((event.key === "Enter" || event.key === "Tab") && left[at] && !event.shiftKey) insert(root, left[at]);
  else if (event.key === "Escape") {
    const byMenu = panel(root).dataset.by === "menu";
    close(root);
    if (byMenu) root.querySelector("[data-si-text]").focus();
  } else return false;
  event.preventDefault();
  return true;
}

export function pick(root, item) {
  insert(root, item);
}
