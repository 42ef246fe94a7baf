"""Split a delivery into items: every wrapper form of Meta, nothing dropped, no exception."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from . import kinds
from .cleaning import SUSPICIOUS_ESCAPE, clean_text, storable
from .reading import identifier, items, mapping
from .timestamps import read_timestamp

# Meta batches at most 1,000 updates. Far more in one body is no delivery of Meta's, and would cost
# minutes to take apart.
MAX_ITEMS = 10_000
WRAPPERS = ("messaging", "standby", "changes")
VALUE_WRAPPERS = ("changes", "entry")
# No wrapper of Meta's: an item read from the Conversations API, not delivered.
CONVERSATIONS = "conversations"
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
    """Return the items of a parsed delivery; one item of text where they are too many."""
    # In strict UTF-8 and strict JSON, only an escape can bring in what databases refuse.
    suspicious = SUSPICIOUS_ESCAPE.search(raw) is not None
    try:
        found = list(islice(_items(body, suspicious=suspicious), MAX_ITEMS + 1))
    except RecursionError:
        return [unreadable(raw)]
    return found if len(found) <= MAX_ITEMS else [unreadable(raw)]


def unreadable(raw: bytes) -> Item:
    """Return a signed body nobody could read as one item, so that it is kept."""
    return _item(
        {"raw": raw.decode("ascii", "backslashreplace").replace("\x00", "\\x00")}, "", "body"
    )


def messaging_item(wrapper: str, payload: Any) -> dict[str, Any]:
    """Return the messaging item inside a ledger payload: the payload, or the value of a change."""
    item = mapping(payload)
    return mapping(item.get("value")) if wrapper in VALUE_WRAPPERS else item


def fingerprint(account_id: str, item: Any) -> str:
    """Return what an item is known by whatever the wrapper it came in: 32 hex digits."""
    return _digest(account_id, encode(item))


def kind_of(wrapper: str, payload: Any) -> str:
    """Return the kind of a ledger payload as this version understands it."""
    if wrapper == "body":
        return kinds.UNKNOWN
    kind = kinds.messaging_kind(messaging_item(wrapper, payload))
    if kind == kinds.UNKNOWN and wrapper in VALUE_WRAPPERS:
        return kinds.change_kind(mapping(payload).get("field"))
    return kind


def _items(body: Any, *, suspicious: bool) -> Iterator[Item]:
    envelopes = body if body and isinstance(body, list) else [body]
    for envelope in envelopes:
        entries = items(mapping(envelope).get("entry"))
        if not entries:
            yield _item(envelope, "", "body", suspicious=suspicious)
        messenger = mapping(envelope).get("object") == "page"
        for entry in entries:
            yield from _entry_items(entry, messenger=messenger, suspicious=suspicious)


def _entry_items(entry: Any, *, messenger: bool, suspicious: bool) -> Iterator[Item]:
    fields = mapping(entry)
    account_id = clean_text(identifier(fields.get("id")))
    found = False
    for wrapper in WRAPPERS:
        for payload in items(fields.get(wrapper)):
            found = True
            yield _item(
                payload,
                account_id,
                wrapper,
                fields.get("time"),
                messenger=messenger,
                suspicious=suspicious,
            )
    if not found:
        # Instagram Login's documentation shows field and value directly on the entry.
        yield _item(
            entry,
            account_id,
            "entry",
            fields.get("time"),
            messenger=messenger,
            suspicious=suspicious,
        )


def _item(
    payload: Any,
    account_id: str,
    wrapper: str,
    entry_time: object = None,
    *,
    messenger: bool = False,
    suspicious: bool = False,
) -> Item:
    item = messaging_item(wrapper, payload)
    contact_id = clean_text(kinds.contact_of(item, account_id))
    occurred_at = read_timestamp(item.get("timestamp")) or read_timestamp(entry_time)
    kept = storable(payload, suspicious=suspicious)
    text = encode(kept)
    return Item(
        account_id=account_id,
        contact_id=contact_id,
        wrapper=wrapper,
        kind=kinds.MESSENGER if messenger else kind_of(wrapper, kept),
        key=_digest(account_id, wrapper, text),
        payload_json=text,
        occurred_at=occurred_at,
    )


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
