"""Quick replies, generic and button templates, with Meta's limits (section 4.6)."""

from collections.abc import Callable, Mapping
from typing import Any

from social_integrations.emulator.webhooks import Item

from .errors import invalid

MAX_QUICK_REPLIES = 13
QUICK_REPLY_TITLE = 20
MAX_ELEMENTS = 10
MAX_BUTTONS = 3
TITLE = 80
BUTTON_TEXT = 640


def read_quick_replies(given: object) -> list[Item]:
    """Read quick replies; a title over 20 characters is cut, as Meta does."""
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_QUICK_REPLIES:
        raise invalid(f"Param quick_replies must hold 1 to {MAX_QUICK_REPLIES} elements")
    return [_quick_reply(one) for one in given]


def _quick_reply(given: object) -> Item:
    # Meta: user_phone_number and user_email ended on 5 Oct 2026.
    if not isinstance(given, dict) or given.get("content_type") != "text":
        raise invalid("Param content_type of a quick reply must be text")
    title, payload = _text(given, "title"), _text(given, "payload")
    return {"content_type": "text", "title": title[:QUICK_REPLY_TITLE], "payload": payload}


def read_template(payload: Mapping[str, Any]) -> Item:
    """Read a template's payload; return it in the shape echoes have."""
    reader = READERS.get(str(payload.get("template_type")))
    if reader is None:
        raise invalid(f"Param template_type must be one of {', '.join(READERS)}")
    return reader(payload)


def _generic(payload: Mapping[str, Any]) -> Item:
    elements = payload.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= MAX_ELEMENTS:
        raise invalid(f"Param elements must hold 1 to {MAX_ELEMENTS} elements")
    return {"generic": {"elements": [_element(one) for one in elements]}}


def _element(given: object) -> Item:
    if not isinstance(given, dict):
        raise invalid("Param elements must hold objects")
    element: Item = {"title": _text(given, "title", TITLE)}
    if given.get("subtitle"):
        element["subtitle"] = _text(given, "subtitle", TITLE)
    if given.get("image_url"):
        element["image_url"] = _web_address(given["image_url"])
    if given.get("default_action"):
        element["default_action"] = _default_action(given["default_action"])
    if given.get("buttons"):
        element["buttons"] = _buttons(given["buttons"])
    if len(element) == 1:
        raise invalid("An element needs a title and one more property")
    return element


def _default_action(given: object) -> Item:
    if not isinstance(given, dict) or given.get("type") != "web_url" or "title" in given:
        raise invalid("Param default_action must be a web_url without a title")
    return {"type": "web_url", "url": _web_address(given.get("url"))}


def _button_template(payload: Mapping[str, Any]) -> Item:
    # Meta documents no echo of it; ours repeats what was sent.
    return {
        "template_type": "button",
        "text": _text(payload, "text", BUTTON_TEXT),
        "buttons": _buttons(payload.get("buttons")),
    }


def _buttons(given: object) -> list[Item]:
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_BUTTONS:
        raise invalid(f"Param buttons must hold 1 to {MAX_BUTTONS} elements")
    return [read_button(one) for one in given]


def read_button(given: object) -> Item:
    """Read one button: only `web_url` and `postback` work on Instagram."""
    kind = given.get("type") if isinstance(given, dict) else None
    if not isinstance(given, dict) or kind not in {"web_url", "postback"}:
        raise invalid("Param type of a button must be one of web_url, postback")
    title = _text(given, "title")
    if kind == "web_url":
        return {"type": kind, "title": title, "url": _web_address(given.get("url"))}
    return {"type": kind, "title": title, "payload": _text(given, "payload")}


def _web_address(value: object) -> str:
    if not isinstance(value, str) or not value.lower().startswith(("https://", "http://")):
        raise invalid("Param url must be a web address")
    return value


def _text(given: Mapping[str, Any], name: str, most: int = 1000) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value.strip():
        raise invalid(f"Param {name} is required")
    if len(value) > most:
        raise invalid(f"Length of param {name} must be less than or equal to {most}")
    return value


READERS: dict[str, Callable[[Mapping[str, Any]], Item]] = {
    "generic": _generic,
    "button": _button_template,
}
