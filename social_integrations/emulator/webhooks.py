"""What a webhook looks like on the wire: wrappers, Meta's escaping and signatures."""

import hmac
import json
from collections.abc import Callable, Iterable
from typing import Any

Item = dict[str, Any]
Switches = dict[str, Any]

# Fields whose events Meta always writes as changes; the others are items of a conversation.
UNKNOWN_FIELD = "shop_mood"
CHANGE_FIELDS = frozenset(
    {"comments", "live_comments", "mentions", "story_insights", UNKNOWN_FIELD}
)
TIMES = frozenset({"timestamp", "time"})
TIME_FORMS: dict[str, Callable[[int], int | str]] = {
    "ms": lambda ms: ms,
    "seconds": lambda ms: ms // 1000,
    "text_ms": str,
    "text_seconds": lambda ms: str(ms // 1000),
}


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


def ends(sender: str, recipient: str, timestamp: int) -> Item:
    """Write the base every item shares."""
    return {"sender": {"id": sender}, "recipient": {"id": recipient}, "timestamp": timestamp}


def wrap(account_id: str, field: str, item: Item, *, switches: Switches, now_ms: int) -> Item:
    """Write one event as an entry, in the wrapper and with the ids and times switched on."""
    wrapper = str(switches["wrapper"])
    if field in CHANGE_FIELDS and wrapper != "entry":
        wrapper = "changes"
    # Meta: the time of an entry is in ms for conversations, in seconds for changes.
    time = now_ms // 1000 if field in CHANGE_FIELDS else now_ms
    change = {"field": field, "value": item}
    contents: dict[str, Item] = {
        "messaging": {"messaging": [item]},
        "standby": {"standby": [item]},
        "changes": {"changes": [change]},
        "entry": change,
    }
    entry: Item = _timed(
        {"id": account_id, "time": time, **contents[wrapper]}, str(switches["timestamps"])
    )
    return _numbered(entry) if switches["ids"] == "number" else entry


def _timed(value: Any, form: str) -> Any:
    """Rewrite every time in ms; one in seconds, as changes have it, is only turned into text."""
    if isinstance(value, list):
        return [_timed(one, form) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _time(part, form) if name in TIMES else _timed(part, form)
        for name, part in value.items()
    }


def _time(value: Any, form: str) -> Any:
    if not isinstance(value, int):
        return value
    if value > 10**11:
        return TIME_FORMS[form](value)
    return str(value) if form.startswith("text") else value


def _numbered(value: Any) -> Any:
    """Turn every id of digits into a number."""
    if isinstance(value, list):
        return [_numbered(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: int(part)
        if name.endswith("id") and isinstance(part, str) and part.isdecimal()
        else _numbered(part)
        for name, part in value.items()
    }


def merge_entries(entries: Iterable[Item]) -> list[Item]:
    """Put the events of one account into one entry, as far as their wrapper takes several."""
    merged: dict[tuple[str, str], Item] = {}
    for index, entry in enumerate(entries):
        wrapper = next((name for name in ("messaging", "standby", "changes") if name in entry), "")
        # Where field and value stand on the entry itself, there is room for one event only.
        key = (str(entry["id"]), wrapper or str(index))
        if key not in merged:
            merged[key] = {**entry, wrapper: list(entry[wrapper])} if wrapper else entry
        else:
            merged[key][wrapper] += entry[wrapper]
    return list(merged.values())


def body_of(entries: list[Item], *, in_list: bool) -> bytes:
    """Write the POST that carries these entries."""
    payload = {"object": "instagram", "entry": entries}
    return php_json([payload] if in_list else payload)


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
