"""What people do to a message that is there: edit it, take it back, react to it, read it."""

from typing import Any

from .core import Emulator
from .messaging import tell
from .people import ControlError, NotFoundError, find_message
from .scenes import Params, Scene, set_scene
from .store import Row
from .switches import check_switches, read_switches
from .webhooks import Item

EMOJI = {
    "love": "❤️",  # Meta sends the heart with its variation selector
    "like": "👍",
    "laugh": "😆",
    "wow": "😮",
    "sad": "😢",
    "angry": "😠",
    "other": "✨",
}


def unsend(emulator: Emulator, params: Params, base_url: str) -> dict[str, Any]:
    """Let the author take a message back."""
    message, scene = _about(emulator, params, base_url)
    if message["unsent_at"] is not None:
        raise ControlError("The message was taken back already.")
    emulator.store.run("UPDATE message SET unsent_at = ? WHERE mid = ?", scene.when, message["mid"])
    is_echo = message["author"] == "business"
    content: Item = {"mid": message["mid"], "is_deleted": True}
    if is_echo:
        content["is_echo"] = True
    item = {**scene.ends(is_echo=is_echo), "message": content}
    return tell(scene, message["mid"], item, field="messages", kind="unsend")


def edit(emulator: Emulator, params: Params, base_url: str) -> dict[str, Any]:
    """Let the author change a message's text; Meta counts the edits from 1."""
    message, scene = _about(emulator, params, base_url)
    if message["unsent_at"] is not None:
        raise ControlError("The message was taken back.")
    text = scene.word("text", f"{message['text'] or 'Text'} (edited)")
    emulator.store.run(
        "UPDATE message SET text = ?, num_edit = num_edit + 1 WHERE mid = ?", text, message["mid"]
    )
    count = int(message["num_edit"]) + 1
    switches = read_switches(emulator.store) | check_switches(params.get("switches") or {})
    content: Item = {
        "mid": message["mid"],
        "text": text,
        "num_edit": str(count) if switches["edit_count"] == "text" else count,
    }
    item = {**scene.ends(is_echo=message["author"] == "business"), "message_edit": content}
    return tell(scene, message["mid"], item, field="message_edit", kind="edit")


def react(emulator: Emulator, params: Params, base_url: str) -> dict[str, Any]:
    """Let the customer react to a message, or take the reaction back."""
    message, scene = _about(emulator, params, base_url, author="business")
    reaction, emoji = _reaction(params)
    key = (message["mid"], message["customer_id"])
    with emulator.store.transaction():
        emulator.store.run("DELETE FROM reaction WHERE mid = ? AND customer_id = ?", *key)
        if reaction:
            emulator.store.run("INSERT INTO reaction VALUES (?, ?, ?, ?)", *key, reaction, emoji)
    content: Item = {"mid": message["mid"], "action": "react" if reaction else "unreact"}
    if reaction:
        content |= {"reaction": reaction, "emoji": emoji}
    item = {**scene.ends(is_echo=False), "reaction": content}
    return tell(scene, message["mid"], item, field="message_reactions", kind="reaction")


def _reaction(params: Params) -> tuple[str, str]:
    """Read name and emoji of a reaction; both are empty when it is taken back."""
    if params.get("action") == "unreact":
        return "", ""
    emoji = str(params.get("emoji") or "")
    fallback = "other" if emoji else "love"
    named = next((name for name, sign in EMOJI.items() if sign == emoji), fallback)
    reaction = str(params.get("reaction") or named)
    if reaction not in EMOJI:
        raise ControlError(f"The reaction must be one of {', '.join(EMOJI)}.")
    return reaction, emoji or EMOJI[reaction]


def unreact(emulator: Emulator, params: Params, base_url: str) -> dict[str, Any]:
    """Let the customer take a reaction back."""
    return react(emulator, {**params, "action": "unreact"}, base_url)


def see(emulator: Emulator, params: Params, base_url: str) -> dict[str, Any]:
    """Let the customer read the business's messages up to one, the newest by default."""
    message, scene = _about(emulator, params, base_url, author="business")
    if message["author"] != "business":
        raise ControlError("The customer can only read what the business sent.")
    emulator.store.run(
        "UPDATE message SET seen_at = ? WHERE account_id = ? AND customer_id = ?"
        " AND author = 'business' AND (seen_at IS NULL OR seen_at > ?) AND position <= ?",
        *(scene.when, message["account_id"], message["customer_id"]),
        *(scene.when, message["position"]),
    )
    item = {**scene.ends(is_echo=False), "read": {"mid": message["mid"]}}
    return tell(scene, message["mid"], item, field="messaging_seen", kind="seen")


def _about(
    emulator: Emulator, params: Params, base_url: str, author: str = ""
) -> tuple[Row, Scene]:
    """Find the message meant, the newest of the author by default, and the people of its thread."""
    if params.get("mid"):
        message = find_message(emulator.store, params["mid"])
    else:
        message = _newest(set_scene(emulator, params, base_url), author)
    own = {"account": message["account_id"], "customer": message["customer_id"]}
    scene = set_scene(emulator, {**params, **own}, base_url)
    for name in own:
        if params.get(name):
            _check_same(scene, set_scene(emulator, {**own, name: params[name]}, base_url), name)
    return message, scene


def _newest(scene: Scene, author: str) -> Row:
    message = scene.emulator.store.one(
        "SELECT * FROM message WHERE account_id = ? AND customer_id = ?"
        " AND unsent_at IS NULL AND author IN (?, ?) ORDER BY position DESC",
        scene.account_id,
        scene.customer["id"],
        author or "customer",
        author or "business",
    )
    if message is None:
        raise NotFoundError("There is no message to do that to.")
    return message


def _check_same(found: Scene, named: Scene, name: str) -> None:
    """Insist that a message belongs to the account and customer named with it."""
    if found.igsid != named.igsid:
        raise ControlError(f"The message belongs to another {name}.")
