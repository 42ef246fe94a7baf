"""Read a message or an echo out of a ledger payload."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from . import kinds
from .envelope import messaging_item
from .reading import MID_LENGTH, identifier, items, mapping, party, required_identifier, text
from .timestamps import read_timestamp

TYPE_LENGTH = 32
TITLE_LENGTH = 1000
# Ten is the most Instagram sends; whatever is beyond this stays in the ledger.
MAX_ATTACHMENTS = 100
TEXT_KIND = "text"
MIXED_KIND = "mixed"
UNSUPPORTED_KIND = "unsupported"
# Attachment types Meta names; others become kinds as well when they appear.
ATTACHMENT_TYPES = (
    "image",
    "video",
    "audio",
    "file",
    "share",
    "ig_post",
    "ig_reel",
    "reel",
    "story_mention",
    "ig_story",
    "story",
    "template",
    "ephemeral",
    "unsupported_type",
    "media",
)
MESSAGE_KINDS = (TEXT_KIND, *ATTACHMENT_TYPES, MIXED_KIND, UNSUPPORTED_KIND)
# Where each attachment type keeps its link and id; `ig_story` has keys of its own.
URL_KEYS = ("url", "story_media_url")
MEDIA_ID_KEYS = ("ig_post_media_id", "reel_video_id", "story_media_id", "id")


@dataclass(frozen=True, slots=True)
class AttachmentPart:
    """Something attached to a message; `type` is Meta's word, an open set."""

    type: str
    url: str
    title: str
    media_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEvent:
    """A message that arrived at, or left, a business account."""

    account_id: str
    contact_id: str
    mid: str | None
    outbound: bool
    app_id: str
    """The app that sent an echo, where Meta names it."""
    text: str
    kind: str
    sent_at: datetime | None
    """Meta's clock; None where the timestamp is missing or makes no sense."""
    attachments: tuple[AttachmentPart, ...] = ()
    reply_to_mid: str = ""
    story: dict[str, Any] | None = None
    quick_reply_payload: str = ""
    referral: dict[str, Any] | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


def read_message(wrapper: str, payload: Any, account_id: str) -> MessageEvent:
    """Return the message of a ledger item.

    Raises PayloadError where the item names no customer, or an id too long to keep.
    """
    item = messaging_item(wrapper, payload)
    message = mapping(item.get("message"))
    outbound = message.get("is_echo") is True or party(item, "sender") == account_id
    role = "recipient" if outbound else "sender"
    attachments = _attachments(message)
    reply_to = mapping(message.get("reply_to"))
    return MessageEvent(
        account_id=account_id,
        contact_id=required_identifier(mapping(item.get(role)).get("id"), f"{role}.id"),
        mid=_mid(message),
        outbound=outbound,
        app_id=identifier(message.get("app_id")),
        text=text(message.get("text")),
        kind=_kind(message, attachments),
        sent_at=read_timestamp(item.get("timestamp")),
        attachments=attachments,
        reply_to_mid=identifier(reply_to.get("mid"), limit=MID_LENGTH),
        story=mapping(reply_to.get("story")) or None,
        quick_reply_payload=text(mapping(message.get("quick_reply")).get("payload")),
        referral=mapping(message.get("referral")) or None,
        raw=item,
    )


def other_account(wrapper: str, payload: Any, account_id: str) -> str:
    """Return the business id an item names beside `entry.id`, where the two differ."""
    item = messaging_item(wrapper, payload)
    contact = kinds.contact_of(item, account_id)
    parties = {party(item, "sender"), party(item, "recipient")} - {"", contact, account_id}
    return next(iter(parties), "")


def _mid(message: dict[str, Any]) -> str | None:
    if message.get("mid") in (None, ""):
        return None
    return required_identifier(message["mid"], "message.mid", limit=MID_LENGTH)


def _attachments(message: dict[str, Any]) -> tuple[AttachmentPart, ...]:
    found = message.get("attachments")
    # One page of Meta shows a single object instead of a list.
    listed = [found] if isinstance(found, dict) else items(found)
    return tuple(_attachment(mapping(part)) for part in listed[:MAX_ATTACHMENTS])


def _attachment(part: dict[str, Any]) -> AttachmentPart:
    payload = mapping(part.get("payload"))
    return AttachmentPart(
        type=text(part.get("type"))[:TYPE_LENGTH] or UNSUPPORTED_KIND,
        url=_first(payload, URL_KEYS),
        title=text(payload.get("title"))[:TITLE_LENGTH],
        media_id=_first(payload, MEDIA_ID_KEYS)[:255],
    )


def _first(payload: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((found for key in keys if (found := text(payload.get(key)))), "")


def _kind(message: dict[str, Any], attachments: tuple[AttachmentPart, ...]) -> str:
    types = {part.type for part in attachments}
    if len(types) > 1:
        return MIXED_KIND
    if types:
        return types.pop()
    if message.get("is_unsupported") is True or not text(message.get("text")):
        return UNSUPPORTED_KIND
    return TEXT_KIND
