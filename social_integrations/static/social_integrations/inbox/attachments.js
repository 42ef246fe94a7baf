/* Files for an answer: chosen, pasted or dropped; each shows how far it is and can be taken out. */

const SIDE = 48;

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function size(bytes) {
  return bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/* Drawn, not linked: the page's policy lets no picture in from anywhere but the server. */
async function draw(file, icon) {
  if (!file.type.startsWith("image/")) return;
  try {
    const bitmap = await createImageBitmap(file, { resizeHeight: SIDE, resizeQuality: "medium" });
    const canvas = element("canvas", "si-file-picture");
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    icon.replaceChildren(canvas);
  } catch {
    /* Not a picture this browser can show; the server says whether Instagram takes it. */
  }
}

function row(root, name) {
  const words = root.dataset;
  const made = element("li", "si-file");
  made.dataset.siFile = "";
  const icon = element("span", "si-file-icon");
  icon.setAttribute("aria-hidden", "true");
  const label = element("span", "si-file-name", name);
  label.dir = "auto";
  const state = element("span", "si-file-state si-muted");
  const remove = element("button", "si-tool", "×");
  remove.type = "button";
  remove.dataset.siRemove = "";
  remove.setAttribute("aria-label", `${words.wordRemove} ${name}`);
  made.append(icon, label, state, remove);
  return { made, icon, state };
}

function ready(made, state, root, file) {
  const input = document.createElement("input");
  input.type = "hidden";
  input.name = "upload";
  input.value = file.id;
  made.append(input);
  made.dataset.type = file.type;
  made.dataset.name = file.name;
  made.dataset.size = file.size;
  state.textContent = `${root.dataset.wordUploaded} · ${size(file.size)}`;
}

function refuse(made, state, words) {
  made.classList.add("si-file-bad");
  state.classList.remove("si-muted");
  state.setAttribute("role", "alert");
  state.textContent = words;
}

function read(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return {};
  }
}

function send(root, file, { made, state }, changed) {
  const words = root.dataset;
  const request = new XMLHttpRequest();
  const body = new FormData();
  body.append("file", file);
  body.append("csrfmiddlewaretoken", root.querySelector("[name=csrfmiddlewaretoken]").value);
  made.dataset.uploading = "";
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) state.textContent = words.wordUploading.replace("{percent}", Math.round((event.loaded / event.total) * 100));
  });
  request.addEventListener("loadend", () => {
    delete made.dataset.uploading;
    const answer = read(request);
    if (request.status === 200 && answer.id) ready(made, state, root, answer);
    else if (answer.error) refuse(made, state, answer.error);
    else refuse(made, state, request.status === 401 ? words.wordSignedOut : words.wordUploadFailed);
    changed();
  });
  made.addEventListener("si:removed", () => request.abort());
  request.open("POST", words.uploadUrl);
  request.setRequestHeader("HX-Request", "true");
  state.textContent = words.wordUploading.replace("{percent}", "0");
  request.send(body);
}

export function attach(root, files, changed) {
  const list = root.querySelector("[data-si-files]");
  for (const file of files) {
    const shown = row(root, file.name);
    list.append(shown.made);
    draw(file, shown.icon);
    // Larger than anything Instagram takes: a server in between might cut it off without a word.
    if (file.size > Number(root.dataset.mostBytes)) refuse(shown.made, shown.state, root.dataset.wordTooLarge);
    else send(root, file, shown, changed);
  }
}

export function restore(root, files) {
  const list = root.querySelector("[data-si-files]");
  for (const file of files) {
    const shown = row(root, file.name);
    ready(shown.made, shown.state, root, file);
    list.append(shown.made);
  }
}

export function detach(button) {
  const made = button.closest("[data-si-file]");
  made.dispatchEvent(new Event("si:removed"));
  made.remove();
}

export function attached(root) {
  return [...root.querySelectorAll("[data-si-file]")].flatMap((made) => {
    const input = made.querySelector("[name=upload]");
    const { type = "file", name = "", size: bytes = 0 } = made.dataset;
    return input ? [{ id: input.value, type, name: name || made.querySelector(".si-file-name").textContent, size: Number(bytes) }] : [];
  });
}

export function isUploading(root) {
  return root.querySelector("[data-uploading]") !== null;
}
