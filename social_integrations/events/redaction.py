"""Take the content out of a ledger payload whose message was unsent; who and when stay."""

from typing import Any

from .envelope import CONVERSATIONS, VALUE_WRAPPERS, messaging_item
from .kinds import KEYS
from .reading import items, mapping, party

# What applying the item again needs; none of it is content.
KEPT = ("mid", "is_echo", "is_self", "is_deleted", "app_id", "num_edit")


def redact(wrapper: str, payload: Any) -> dict[str, Any]:
    """Return the payload reduced to ids, times and the shape of the item."""
    if wrapper == CONVERSATIONS:
        return _redact_imported(mapping(payload))
    item = messaging_item(wrapper, payload)
    kept: dict[str, Any] = {"redacted": True}
    kept |= {role: {"id": party(item, role)} for role in ("sender", "recipient") if role in item}
    kept |= {"timestamp": item["timestamp"]} if "timestamp" in item else {}
    kept |= {
        key: {name: value for name, value in mapping(item[key]).items() if name in KEPT}
        for key in KEYS
        if key in item
    }
    if wrapper not in VALUE_WRAPPERS:
        return kept
    return {"field": mapping(payload).get("field"), "value": kept}


def _redact_imported(message: dict[str, Any]) -> dict[str, Any]:
    receivers = items(mapping(message.get("to")).get("data"))
    return {
        "redacted": True,
        "id": message.get("id"),
        "created_time": message.get("created_time"),
        "from": {"id": mapping(message.get("from")).get("id")},
        "to": {"data": [{"id": mapping(receiver).get("id")} for receiver in receivers]},
    }
