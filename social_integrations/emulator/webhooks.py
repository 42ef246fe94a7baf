"""What a webhook looks like on the wire: items, envelope, Meta's escaping and signatures."""

import hmac
import json
from collections.abc import Sequence
from typing import Any

Item = dict[str, Any]

FIELD_OF = {
    "message": "messages",
    "echo": "messages",
    "unsend": "messages",
    "reaction": "message_reactions",
    "seen": "messaging_seen",
}
"""Which app-level field lets each kind of event out."""


def php_json(payload: object) -> bytes:
    """Write JSON as Meta does: ASCII only, lowercase escapes, and every slash escaped."""
    return json.dumps(payload, separators=(",", ":")).replace("/", "\\/").encode("ascii")


def signature_headers(body: bytes, secret: str) -> dict[str, str]:
    """Sign the exact bytes, in today's way and in the old one that Meta still sends."""
    digests = {
        name: hmac.new(secret.encode(), body, name).hexdigest() for name in ("sha256", "sha1")
    }
    return {
        "X-Hub-Signature-256": f"sha256={digests['sha256']}",
        "X-Hub-Signature": f"sha1={digests['sha1']}",
    }


def envelope(account_id: str, items: Sequence[Item], now_ms: int) -> dict[str, Any]:
    """Wrap the items of one account."""
    entry = {"time": now_ms, "id": account_id, "messaging": list(items)}
    return {"object": "instagram", "entry": [entry]}


def message_item(
    ends: Item,
    mid: str,
    *,
    text: str | None = None,
    attachments: Sequence[Item] = (),
    reply_to: str | None = None,
    is_echo: bool = False,
) -> Item:
    """Write that the customer wrote, or the business when it is an echo."""
    message: Item = {"mid": mid}
    if text:
        message["text"] = text
    if attachments:
        message["attachments"] = list(attachments)
    if reply_to:
        message["reply_to"] = {"mid": reply_to, "is_self_reply": False}
    if is_echo:
        message["is_echo"] = True
    return {**ends, "message": message}


def unsend_item(ends: Item, mid: str, *, is_echo: bool) -> Item:
    """Write that somebody took a message back."""
    echo = {"is_echo": True} if is_echo else {}
    return {**ends, "message": {"mid": mid, "is_deleted": True, **echo}}


def reaction_item(ends: Item, mid: str, reaction: str, emoji: str) -> Item:
    """Write that the customer reacted; without a reaction, that they took it back."""
    if not reaction:
        return {**ends, "reaction": {"mid": mid, "action": "unreact"}}
    return {
        **ends,
        "reaction": {"mid": mid, "action": "react", "reaction": reaction, "emoji": emoji},
    }


def seen_item(ends: Item, mid: str) -> Item:
    """Write that the customer read up to a message."""
    return {**ends, "read": {"mid": mid}}


def ends(sender: str, recipient: str, timestamp: int) -> Item:
    """Write the base every item shares."""
    return {"sender": {"id": sender}, "recipient": {"id": recipient}, "timestamp": timestamp}


def dashboard_test(now_s: int) -> dict[str, Any]:
    """Build what the dashboard's Test button sends: dummy ids, and a time in seconds, as text."""
    value = {
        "sender": {"id": "12334"},
        "recipient": {"id": "23245"},
        "timestamp": "1527459824",
        "message": {"mid": "random_mid", "text": "random_text"},
    }
    change = {"field": "messages", "value": value}
    return {"object": "instagram", "entry": [{"id": "0", "time": now_s, "changes": [change]}]}
