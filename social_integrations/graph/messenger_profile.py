"""Ice breakers and the persistent menu of an account at Meta (section 10 of the reference)."""

from collections.abc import Iterable, Mapping
from typing import Any

from .client import GraphClient
from .flavours import Flavour
from .reading import read_objects, read_text

NODE = "me/messenger_profile"
ICE_BREAKERS, MENU = "ice_breakers", "persistent_menu"
FIELDS = (ICE_BREAKERS, MENU)
# The only words of Meta's answers that are ours as well: it may add others of its own.
ENTRY_WORDS = ("question", "type", "title", "payload", "url")

Content = Mapping[str, list[dict[str, Any]]]


def write_profile(client: GraphClient, flavour: Flavour, content: Content) -> None:
    """Set what `content` has entries for; Meta leaves the rest as it is."""
    given = {name: content[name] for name in FIELDS if content.get(name)}
    client.post_json(NODE, {**_platform(flavour), **given})


def clear_profile(client: GraphClient, flavour: Flavour, fields: Iterable[str]) -> None:
    """Remove ice breakers, menu or both; removing what is not there changes nothing."""
    client.request("DELETE", NODE, body={**_platform(flavour), "fields": list(fields)})


def read_profile(client: GraphClient, flavour: Flavour) -> dict[str, list[dict[str, Any]]]:
    """Return what Meta has, in the order and form `write_profile` takes.

    Meta: rows hold the two lists under their names, or are the entries of a locale themselves.
    """
    answer = client.get(NODE, {"fields": ",".join(FIELDS), **_platform(flavour)})
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in FIELDS}
    for row in read_objects(answer, "data"):
        named = [(name, one) for name in FIELDS for one in read_objects(row, name)]
        for name, one in named or [(_field_of(row), row)]:
            entry = _locale(one)
            if entry["call_to_actions"]:
                found[name].append(entry)
    return {name: sorted(rows, key=_default_first) for name, rows in found.items()}


def _platform(flavour: Flavour) -> dict[str, str]:
    return {"platform": flavour.messenger_platform} if flavour.messenger_platform else {}


def _field_of(row: Mapping[str, Any]) -> str:
    is_question = any("question" in one for one in read_objects(row, "call_to_actions"))
    return ICE_BREAKERS if is_question else MENU


def _locale(row: Mapping[str, Any]) -> dict[str, Any]:
    entries = [
        {word: read_text(one, word) for word in ENTRY_WORDS if one.get(word)}
        for one in read_objects(row, "call_to_actions")
    ]
    return {
        "locale": read_text(row, "locale") or "default",
        "call_to_actions": [entry for entry in entries if entry],
    }


def _default_first(row: Mapping[str, Any]) -> tuple[bool, str]:
    return row["locale"] != "default", row["locale"]
