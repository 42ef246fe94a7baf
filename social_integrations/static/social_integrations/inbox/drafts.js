/* What was typed but not sent, kept for this tab, per person and conversation. */

const PREFIX = "si-draft:";

function key(root) {
  return `${PREFIX}${root.dataset.user}:${root.dataset.conversation}`;
}

/* A browser may refuse storage altogether; then the text lives on the page only. */
function quietly(act) {
  try {
    return act();
  } catch {
    return null;
  }
}

export function keep(root, draft) {
  const empty = !draft.text && !draft.replyTo && draft.files.length === 0;
  quietly(() => (empty ? sessionStorage.removeItem(key(root)) : sessionStorage.setItem(key(root), JSON.stringify(draft))));
}

export function kept(root) {
  return quietly(() => JSON.parse(sessionStorage.getItem(key(root))));
}

export function forget(root) {
  quietly(() => sessionStorage.removeItem(key(root)));
}

/* All of them on signing out; those of other people whenever somebody else is signed in. */
export function forgetOthers(user) {
  quietly(() => {
    for (const name of Object.keys(sessionStorage)) {
      if (name.startsWith(PREFIX) && !(user && name.startsWith(`${PREFIX}${user}:`))) sessionStorage.removeItem(name);
    }
  });
}
