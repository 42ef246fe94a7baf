"""Split a delivery into items: every wrapper form of Meta, nothing dropped, no exception."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from social_integrations.exceptions import PayloadError

from . import kinds
from .cleaning import storable
from .reading import identifier, items, mapping
from .timestamps import read_timestamp

WRAPPERS = ("messaging", "standby", "changes")
encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a delivery, ready for the ledger."""

    account_id: str
    """`entry.id`; empty where the item names none."""
    contact_id: str
    """The customer's Instagram-scoped id, where the item names one."""
    wrapper: str
    """Where it stood: messaging, standby, changes, entry or body."""
    kind: str
    key: str
    """Fingerprint of account, wrapper and content, the same for every repetition."""
    payload_json: str
    """The item as Meta sent it, as JSON text."""
    occurred_at: datetime | None


def split(body: Any, raw: bytes) -> list[Item]:
    """Return the items of a parsed delivery; one unreadable item where it is nested too deep."""
    try:
        return list(_items(storable(body, raw)))
    except (PayloadError, RecursionError):
        return [unreadable(raw)]


def unreadable(raw: bytes) -> Item:
    """Return a signed body nobody could read as one item, so that it is kept."""
    return _item(
        {"raw": raw.decode("ascii", "backslashreplace").replace("\x00", "\\x00")}, "", "body"
    )


def messaging_item(wrapper: str, payload: Any) -> dict[str, Any]:
    """Return the messaging item inside a ledger payload: the payload, or the value of a change."""
    item = mapping(payload)
    return mapping(item.get("value")) if wrapper in ("changes", "entry") else item


def kind_of(wrapper: str, payload: Any) -> str:
    """Return the kind of a ledger payload as this version understands it."""
    if wrapper == "body":
        return kinds.UNKNOWN
    kind = kinds.messaging_kind(messaging_item(wrapper, payload))
    if kind == kinds.UNKNOWN and wrapper in ("changes", "entry"):
        return kinds.change_kind(mapping(payload).get("field"))
    return kind


def _items(body: Any) -> Iterator[Item]:
    envelopes = body if body and isinstance(body, list) else [body]
    for envelope in envelopes:
        entries = items(mapping(envelope).get("entry"))
        if not entries:
            yield _item(envelope, "", "body")
        messenger = mapping(envelope).get("object") == "page"
        for entry in entries:
            yield from _entry_items(entry, messenger=messenger)


def _entry_items(entry: Any, *, messenger: bool) -> Iterator[Item]:
    fields = mapping(entry)
    account_id = identifier(fields.get("id"))
    entry_time = fields.get("time")
    found = False
    for wrapper in WRAPPERS:
        for payload in items(fields.get(wrapper)):
            found = True
            yield _item(payload, account_id, wrapper, entry_time, messenger=messenger)
    if not found:
        # Instagram Login's documentation shows field and value directly on the entry.
        yield _item(entry, account_id, "entry", entry_time, messenger=messenger)


def _item(
    payload: Any,
    account_id: str,
    wrapper: str,
    entry_time: object = None,
    *,
    messenger: bool = False,
) -> Item:
    item = messaging_item(wrapper, payload)
    kind = kinds.MESSENGER if messenger else kind_of(wrapper, payload)
    text = encode(payload)
    return Item(
        account_id=account_id,
        contact_id=kinds.contact_of(item, account_id),
        wrapper=wrapper,
        kind=kind,
        key=_fingerprint(account_id, wrapper, text),
        payload_json=text,
        occurred_at=read_timestamp(item.get("timestamp")) or read_timestamp(entry_time),
    )


def _fingerprint(account_id: str, wrapper: str, text: str) -> str:
    content = f"{account_id}\n{wrapper}\n{text}".encode()
    return hashlib.blake2b(content, digest_size=16).hexdigest()
