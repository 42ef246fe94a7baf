"""Messages people write on their phones, kept in their threads, and the webhooks that follow."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .contents import CONTENTS, ad_referral, link_referral
from .core import Emulator
from .ids import new_mid
from .media import freshen, host_media
from .outgoing import send_event
from .people import ControlError, find_message
from .samples import SAMPLES
from .scenes import Params, Scene, set_scene
from .seed import OTHER_APP
from .sending.threads import is_held_elsewhere
from .signals import WRAPPERS
from .switches import check_switches
from .webhooks import Item

COLUMNS = frozenset({"text", "attachments"})
VIA = ("phone", "api", "other_app")
REFERRALS = {"postback_referral": link_referral, "postback_ad": ad_referral}


def customer_writes(emulator: Emulator, params: Params, base_url: str) -> dict[str, Any]:
    """Let a customer send a text or attachments."""
    scene = set_scene(emulator, params, base_url)
    return write(scene, _content(scene), kind="", author="customer")


def owner_writes(emulator: Emulator, params: Params, base_url: str) -> dict[str, Any]:
    """Let the owner answer, in Instagram's own app unless `via` says; the CRM hears an echo."""
    scene = set_scene(emulator, params, base_url)
    return write(scene, _content(scene), kind="", author="business")


def send_kind(scene: Scene, kind: str) -> dict[str, Any]:
    """Send a message of one kind of the catalogue; `text` and `reply_to` may be added to any."""
    row = CONTENTS[kind]
    scene = replace(scene, params={**row.preset, **scene.params})
    content = {**row.build(scene), **_text(scene), **_reply(scene)}
    return write(scene, content, kind=kind, author=_author(scene, row.author))


def _author(scene: Scene, default: str) -> str:
    author = scene.params.get("from", default)
    if author not in {"customer", "business"}:
        raise ControlError("The field from is customer or business.")
    return str(author)


def _content(scene: Scene) -> Item:
    text = _text(scene)
    attachments = _attachments(scene, scene.params.get("attachments") or [])
    if not text and not attachments:
        raise ControlError("A message needs a text or an attachment.")
    files = {"attachments": attachments} if attachments else {}
    return {**text, **files, **_reply(scene)}


def _text(scene: Scene) -> Item:
    text = scene.params.get("text")
    if text is not None and not isinstance(text, str):
        raise ControlError("The text must be a string.")
    return {"text": text} if text else {}


def _reply(scene: Scene) -> Item:
    if not scene.params.get("reply_to"):
        return {}
    mid = find_message(scene.emulator.store, scene.params["reply_to"])["mid"]
    return {"reply_to": {"mid": mid, "is_self_reply": False}}


def _attachments(scene: Scene, given: object) -> list[Item]:
    if not isinstance(given, Sequence) or not all(
        isinstance(one, dict) and isinstance(one.get("type"), str) for one in given
    ):
        raise ControlError('Attachments must be a list like [{"type": "image"}].')
    return [_attachment(scene, one) for one in given]


def _attachment(scene: Scene, given: Item) -> Item:
    kind, url = given["type"], given.get("url")
    if "payload" in given:
        return {"type": kind, "payload": given["payload"]}
    if not url and kind in SAMPLES:
        url = host_media(scene.emulator.store, SAMPLES[kind]())
    if not url:
        return {"type": kind}
    absolute = scene.base_url + str(url) if str(url).startswith("/") else str(url)
    return {"type": kind, "payload": {"url": freshen(scene.emulator, absolute, scene.base_url)}}


def write(scene: Scene, content: Item, *, kind: str, author: str) -> dict[str, Any]:
    """Put a message into its thread and tell the CRM; `mid: false` leaves the id out."""
    is_echo = author == "business"
    if is_echo:
        content = {**content, "is_echo": True, **_app(scene)}
    mid = keep(scene, content, kind=kind or guess_kind(content), author=author)
    message = content if scene.params.get("mid") is False else {"mid": mid, **content}
    item = {**scene.ends(is_echo=is_echo), "message": message}
    return tell(scene, mid, item, field="messages", kind="echo" if is_echo else "message")


def _app(scene: Scene) -> Item:
    """Name the app that sent an echo; the phone app has no id."""
    via = str(scene.params.get("via") or "phone")
    if via not in VIA:
        raise ControlError(f"The field via is one of {', '.join(VIA)}.")
    own = {"api": scene.emulator.config.app_id, "other_app": OTHER_APP}.get(via)
    app_id = scene.params.get("app_id") or own
    return {"app_id": str(app_id)} if app_id else {}


def guess_kind(content: Item) -> str:
    """Name a message by its first attachment, else by what it is."""
    attachments = content.get("attachments") or []
    return str(attachments[0]["type"]) if attachments else "text"


def keep(scene: Scene, content: Item, *, kind: str, author: str) -> str:
    """Write a message into its thread; return its mid."""
    mid = new_mid(scene.account_id, scene.customer["id"])
    extra = {name: value for name, value in content.items() if name not in COLUMNS}
    scene.emulator.store.run(
        "INSERT INTO message (mid, account_id, customer_id, author, text, attachments,"
        " reply_to, sent_at, kind, extra, clock_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(mid, scene.account_id, scene.customer["id"], author),
        *(content.get("text"), json.dumps(content.get("attachments", []))),
        *(content.get("reply_to", {}).get("mid"), scene.when, kind, json.dumps(extra)),
        scene.emulator.moved_ms(scene.when),
    )
    return mid


def tell(scene: Scene, mid: str, item: Item, *, field: str, kind: str) -> dict[str, Any]:
    """Send an item and answer with what it is about and how it goes."""
    wrapper = WRAPPERS.get(str(scene.params.get("kind"))) or _wrapper(scene, field)
    switches = check_switches(scene.params.get("switches") or {})
    params = {**scene.params, "switches": {"wrapper": wrapper, **switches} if wrapper else switches}
    sent = send_event(scene.emulator, scene.account_id, item, field=field, kind=kind, params=params)
    return {"mid": mid, "igsid": scene.igsid, **sent}


def _wrapper(scene: Scene, field: str) -> str | None:
    """Meta: only the app that controls a thread gets `messaging`, all others `standby`."""
    routed = field in {"messages", "messaging_postbacks"}
    held = routed and is_held_elsewhere(scene.emulator, scene.account_id, scene.customer["id"])
    return "standby" if held else None


def tap(scene: Scene, kind: str) -> dict[str, Any]:
    """Let the customer tap a button, a menu entry or an ice breaker."""
    postback: Item = {
        "title": scene.word("title", "Opening hours"),
        "payload": scene.word("payload", "HOURS"),
    }
    if kind in REFERRALS:
        postback["referral"] = REFERRALS[kind](scene)
    content = {"text": postback["title"], "postback": postback}
    mid = keep(scene, content, kind="postback", author="customer")
    if kind != "postback_without_mid" and scene.params.get("mid") is not False:
        postback = {"mid": mid, **postback}
    item = {**scene.ends(is_echo=False), "postback": postback}
    return tell(scene, mid, item, field="messaging_postbacks", kind="postback")


def edit_trap(scene: Scene, kind: str) -> dict[str, Any]:
    """Report a new message as an edit number 0 without text, sender or recipient (section 3.9).

    Beside the message itself, or alone: then only reading the message by mid tells what it says.
    """
    content = {"text": scene.word("text", "Is the blue one still there?")}
    if kind == "edit_zero_beside":
        mid = str(write(scene, content, kind="text", author="customer")["mid"])
    else:
        mid = keep(scene, content, kind="text", author="customer")
    item = {"timestamp": scene.when, "message_edit": {"mid": mid, "num_edit": 0}}
    return tell(scene, mid, item, field="message_edit", kind="edit")
