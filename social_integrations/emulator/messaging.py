"""What people do on their phones, and the webhooks that follow from it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .callback import current_callback
from .core import Emulator
from .ids import new_mid
from .media import host_picture, sample_picture
from .people import ControlError, find_account, find_customer, find_message, igsid_for
from .store import Row
from .webhooks import (
    FIELD_OF,
    Item,
    ends,
    envelope,
    message_item,
    php_json,
    reaction_item,
    seen_item,
    unsend_item,
)

Params = Mapping[str, Any]

EMOJI = {
    "love": "❤️",  # Meta sends the heart with its variation selector
    "like": "👍",
    "laugh": "😆",
    "wow": "😮",
    "sad": "😢",
    "angry": "😠",
    "other": "✨",
}
NEEDS_URL = frozenset({"video", "audio", "file"})


def send_event(emulator: Emulator, account_id: str, kind: str, item: Item) -> dict[str, Any]:
    """Queue one event's webhook, or write down why none goes out."""
    body = php_json(envelope(account_id, [item], emulator.now_ms()))
    refusal = _refusal(emulator, account_id, FIELD_OF[kind])
    delivery_id = emulator.courier.enqueue(queue=account_id, kind=kind, body=body, refusal=refusal)
    return {
        "delivery_id": delivery_id,
        "delivery_status": "not_sent" if refusal else "pending",
        "detail": refusal,
    }


def _refusal(emulator: Emulator, account_id: str, field: str) -> str:
    page = find_account(emulator.store, account_id)
    if page["subscribed_fields"] is None:
        return "Not sent: Page not subscribed."
    if field not in current_callback(emulator.store, emulator.config).fields:
        return f"Not sent: the app is not subscribed to the field {field}."
    return ""


def customer_writes(emulator: Emulator, params: Params, base_url: str) -> dict[str, Any]:
    """Let a customer send a message."""
    return _write(emulator, params, base_url, author="customer")


def owner_writes(emulator: Emulator, params: Params, base_url: str) -> dict[str, Any]:
    """Let the owner answer in Instagram's own app; the CRM learns of it by an echo."""
    return _write(emulator, params, base_url, author="business")


def _write(emulator: Emulator, params: Params, base_url: str, *, author: str) -> dict[str, Any]:
    store, is_echo = emulator.store, author == "business"
    page = find_account(store, params.get("account"))
    customer = find_customer(store, params.get("customer"))
    text = params.get("text")
    if text is not None and not isinstance(text, str):
        raise ControlError("The text must be a string.")
    attachments = _attachments(emulator, params.get("attachments") or [], base_url)
    if not text and not attachments:
        raise ControlError("A message needs a text or an attachment.")
    reply_to = find_message(store, params["reply_to"])["mid"] if params.get("reply_to") else None
    mid = new_mid(page["account_id"], customer["id"])
    when = emulator.now_ms()
    igsid = igsid_for(store, page["account_id"], customer["id"])
    store.run(
        "INSERT INTO message"
        " (mid, account_id, customer_id, author, text, attachments, reply_to, sent_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        *(mid, page["account_id"], customer["id"], author),
        *(text, json.dumps(attachments), reply_to, when),
    )
    item = message_item(
        _ends(page["account_id"], igsid, when, is_echo=is_echo),
        mid,
        text=text,
        attachments=attachments,
        reply_to=reply_to,
        is_echo=is_echo,
    )
    sent = send_event(emulator, page["account_id"], "echo" if is_echo else "message", item)
    return {"mid": mid, "igsid": igsid, **sent}


def _ends(account_id: str, igsid: str, when: int, *, is_echo: bool) -> Item:
    return ends(account_id, igsid, when) if is_echo else ends(igsid, account_id, when)


def _attachments(emulator: Emulator, given: object, base_url: str) -> list[Item]:
    if not isinstance(given, Sequence) or not all(
        isinstance(one, dict) and isinstance(one.get("type"), str) for one in given
    ):
        raise ControlError('Attachments must be a list like [{"type": "image"}].')
    return [_attachment(emulator, one, base_url) for one in given]


def _attachment(emulator: Emulator, given: Item, base_url: str) -> Item:
    kind, url = given["type"], given.get("url")
    if "payload" in given:
        return {"type": kind, "payload": given["payload"]}
    if not url and kind == "image":
        url = host_picture(emulator.store, sample_picture())
    if not url and kind in NEEDS_URL:
        raise ControlError(f"An attachment of type {kind} needs a url.")
    if not url:
        return {"type": kind}
    absolute = base_url + str(url) if str(url).startswith("/") else str(url)
    return {"type": kind, "payload": {"url": absolute}}


def unsend(emulator: Emulator, params: Params) -> dict[str, Any]:
    """Let the author take a message back."""
    store = emulator.store
    message = find_message(store, params.get("mid"))
    if message["unsent_at"] is not None:
        raise ControlError("The message was taken back already.")
    when = emulator.now_ms()
    store.run("UPDATE message SET unsent_at = ? WHERE mid = ?", when, message["mid"])
    is_echo = message["author"] == "business"
    base = _message_ends(emulator, message, when, is_echo=is_echo)
    item = unsend_item(base, message["mid"], is_echo=is_echo)
    sent = send_event(emulator, message["account_id"], "unsend", item)
    return {"mid": message["mid"], **sent}


def react(emulator: Emulator, params: Params) -> dict[str, Any]:
    """Let the customer react to a message, or take the reaction back."""
    store = emulator.store
    message = _own_message(emulator, params)
    gone = params.get("action") == "unreact"
    emoji = str(params.get("emoji") or "")
    fallback = "other" if emoji else "love"
    named = next((name for name, sign in EMOJI.items() if sign == emoji), fallback)
    reaction = "" if gone else str(params.get("reaction") or named)
    if reaction and reaction not in EMOJI:
        raise ControlError(f"The reaction must be one of {', '.join(EMOJI)}.")
    emoji = emoji or EMOJI.get(reaction, "")
    key = (message["mid"], message["customer_id"])
    with store.transaction():
        store.run("DELETE FROM reaction WHERE mid = ? AND customer_id = ?", *key)
        if reaction:
            store.run("INSERT INTO reaction VALUES (?, ?, ?, ?)", *key, reaction, emoji)
    base = _message_ends(emulator, message, emulator.now_ms(), is_echo=False)
    item = reaction_item(base, message["mid"], reaction, emoji)
    sent = send_event(emulator, message["account_id"], "reaction", item)
    return {"mid": message["mid"], **sent}


def see(emulator: Emulator, params: Params) -> dict[str, Any]:
    """Let the customer read the business's messages up to one, the newest by default."""
    store = emulator.store
    if params.get("mid"):
        message = _own_message(emulator, params)
    else:
        page = find_account(store, params.get("account"))
        customer = find_customer(store, params.get("customer"))
        message = store.one(
            "SELECT * FROM message WHERE account_id = ? AND customer_id = ?"
            " AND author = 'business' ORDER BY position DESC",
            page["account_id"],
            customer["id"],
        ) or find_message(store, None)
    if message["author"] != "business":
        raise ControlError("The customer can only read what the business sent.")
    when = emulator.now_ms()
    store.run(
        "UPDATE message SET seen_at = ? WHERE account_id = ? AND customer_id = ?"
        " AND author = 'business' AND seen_at IS NULL AND position <= ?",
        when,
        message["account_id"],
        message["customer_id"],
        message["position"],
    )
    item = seen_item(_message_ends(emulator, message, when, is_echo=False), message["mid"])
    sent = send_event(emulator, message["account_id"], "seen", item)
    return {"mid": message["mid"], **sent}


def _own_message(emulator: Emulator, params: Params) -> Row:
    """Find a message, and insist that it belongs to the account and customer when named."""
    message = find_message(emulator.store, params.get("mid"))
    account, customer = params.get("account"), params.get("customer")
    if account and find_account(emulator.store, account)["account_id"] != message["account_id"]:
        raise ControlError("The message belongs to another account.")
    if customer and find_customer(emulator.store, customer)["id"] != message["customer_id"]:
        raise ControlError("The message belongs to another customer.")
    return message


def _message_ends(emulator: Emulator, message: Row, when: int, *, is_echo: bool) -> Item:
    igsid = igsid_for(emulator.store, message["account_id"], message["customer_id"])
    return _ends(message["account_id"], igsid, when, is_echo=is_echo)
