"""What a message to be sent may hold (sections 4.3 to 4.6), in the shape its echo will have."""

from collections.abc import Callable, Mapping
from typing import Any

from social_integrations.emulator.caller import Caller
from social_integrations.emulator.errors import MetaError
from social_integrations.emulator.store import Row
from social_integrations.emulator.webhooks import Item

from .errors import invalid
from .fetching import CARD_PATIENCE, RULES, find_upload, host_file, host_from, link, uploaded
from .templates import read_quick_replies, read_template

MAX_BYTES = 1000
MAX_IMAGES = 10
Payload = Mapping[str, Any]


def read_message(caller: Caller, page: Row, message: Payload, file: bytes | None = None) -> Item:
    """Check a message and fetch its media, or take the file sent along; return its content."""
    given = [name for name in ("text", "attachment", "attachments") if message.get(name)]
    if len(given) != 1:
        # Whether Meta takes text and media together is not known; all samples send them apart.
        raise invalid("Param message must have exactly one of text, attachment, attachments")
    if given[0] == "text":
        content = _text(message["text"])
    elif file is not None and given[0] == "attachment":
        content = {"attachments": [_sent_along(caller, message["attachment"], file)]}
    else:
        content = {"attachments": _attachments(caller, page, message[given[0]], given[0])}
    if message.get("quick_replies"):
        content["quick_replies"] = read_quick_replies(message["quick_replies"])
    return content


def _text(text: object) -> Item:
    if not isinstance(text, str) or not text.strip():
        raise invalid("Param message[text] must be a non-empty UTF-8 string")
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        # Meta: bytes, not characters.
        raise invalid(f"Length of param message[text] must be less than or equal to {MAX_BYTES}")
    return {"text": text}


def _attachments(caller: Caller, page: Row, given: object, name: str) -> list[Item]:
    # Meta's page for Instagram Login shows the plural with an object.
    listed = given if isinstance(given, list) else [given]
    if name == "attachment" and len(listed) != 1:
        raise invalid("Param attachment must be an object")
    found: list[Payload] = [one for one in listed if isinstance(one, dict)]
    if len(found) < len(listed):
        raise invalid(f"Param {name} must hold objects")
    if len(found) > MAX_IMAGES:
        raise invalid(f"Param attachments must hold at most {MAX_IMAGES} images")
    if len(found) > 1 and any(one.get("type") != "image" for one in found):
        raise invalid("Param attachments must hold images only; other types go alone")
    return [_attachment(caller, page, one) for one in found]


def _attachment(caller: Caller, page: Row, given: Payload) -> Item:
    kind = str(given.get("type") or "")
    payload = given.get("payload") or {}
    if kind not in BUILDERS:
        raise invalid(f"Param type must be one of {', '.join(BUILDERS)}")
    if not isinstance(payload, dict):
        raise invalid("Param payload must be an object")
    return BUILDERS[kind](caller, page, kind, payload)


def _media(caller: Caller, page: Row, kind: str, payload: Payload) -> Item:
    if payload.get("attachment_id"):
        path = uploaded(caller, page["id"], kind, payload["attachment_id"])
    else:
        path = host_from(caller, kind, payload.get("url"))
    return _hosted(caller, kind, path)


def _sent_along(caller: Caller, given: object, file: bytes) -> Item:
    kind = given.get("type") if isinstance(given, dict) else None
    if kind not in RULES:
        raise invalid(f"Param type must be one of {', '.join(RULES)}")
    return _hosted(caller, str(kind), host_file(caller, str(kind), file))


def _hosted(caller: Caller, kind: str, path: str) -> Item:
    return {"type": kind, "payload": {"url": link(caller, path)}}


def _heart(_caller: Caller, _page: Row, kind: str, _payload: Payload) -> Item:
    return {"type": kind}


def _post(caller: Caller, page: Row, _kind: str, payload: Payload) -> Item:
    media_id = str(payload.get("id") or "")
    upload = find_upload(caller, page["id"], media_id)
    if upload is not None:
        # Meta: the page about uploads sends them this way.
        return _hosted(caller, upload["type"], upload["path"])
    # Meta: shared posts must belong to the account. Ids of ours are not kept, so any that looks
    # like one will do.
    if not (media_id.isdecimal() and media_id.startswith("179")):
        raise invalid("Param id must be a post of this account")
    return {
        "type": "ig_post",
        "payload": {
            "ig_post_media_id": media_id,
            "title": f"A post of {page['account_name']}",
            "url": f"https://www.instagram.com/p/{media_id}/",
        },
    }


def _template(caller: Caller, _page: Row, kind: str, payload: Payload) -> Item:
    read = read_template(payload)
    for element in read.get("generic", {}).get("elements", []):
        if "image_url" in element:
            element["image_url"] = _card_picture(caller, element["image_url"])
    return {"type": kind, "payload": read}


def _card_picture(caller: Caller, url: str) -> str:
    """Keep a card's picture; Meta sends the card without it when it cannot be fetched."""
    try:
        return link(caller, host_from(caller, "image", url, patience=CARD_PATIENCE))
    except MetaError:
        return url


BUILDERS: dict[str, Callable[[Caller, Row, str, Payload], Item]] = {
    **dict.fromkeys(RULES, _media),
    "like_heart": _heart,
    "MEDIA_SHARE": _post,
    "template": _template,
}
