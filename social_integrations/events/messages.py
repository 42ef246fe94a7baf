"""Read what becomes a message of a thread: messages, echoes, tapped buttons and links."""

from typing import Any

from . import kinds
from .attachments import ATTACHMENT_TYPES, read_attachments
from .envelope import fingerprint, messaging_item
from .reading import MID_LENGTH, identifier, mapping, party, required_identifier, text
from .timestamps import read_timestamp
from .types import AttachmentPart, MessageEvent

TEXT_KIND = "text"
MIXED_KIND = "mixed"
UNSUPPORTED_KIND = "unsupported"
POSTBACK_KIND = "postback"
REFERRAL_KIND = "referral"
MESSAGE_KINDS = (
    TEXT_KIND,
    *ATTACHMENT_TYPES,
    MIXED_KIND,
    POSTBACK_KIND,
    REFERRAL_KIND,
    UNSUPPORTED_KIND,
)


def read_message(wrapper: str, payload: Any, account_id: str) -> MessageEvent:
    """Return the message or echo of a ledger item.

    Raises PayloadError where the item names no customer, or an id too long to keep.
    """
    item = messaging_item(wrapper, payload)
    message = mapping(item.get("message"))
    outbound = message.get("is_echo") is True or party(item, "sender") == account_id
    attachments = read_attachments(message)
    reply_to = mapping(message.get("reply_to"))
    return MessageEvent(
        **_common(item, account_id, role="recipient" if outbound else "sender"),
        **_identity(item, account_id, key="message"),
        outbound=outbound,
        app_id=identifier(message.get("app_id")),
        kind=_kind(message, attachments),
        text=text(message.get("text")),
        attachments=attachments,
        reply_to_mid=identifier(reply_to.get("mid"), limit=MID_LENGTH),
        story=mapping(reply_to.get("story")) or None,
        quick_reply_payload=text(mapping(message.get("quick_reply")).get("payload")),
        referral=mapping(message.get("referral")) or None,
    )


def read_postback(wrapper: str, payload: Any, account_id: str) -> MessageEvent:
    """Return a tap on an ice breaker, a menu entry or a template's button.

    Meta counts it as a message of the customer; its `mid` may be missing, and its payload is when
    another app holds the thread. Raises PayloadError where the item names no customer.
    """
    item = messaging_item(wrapper, payload)
    postback = mapping(item.get("postback"))
    return MessageEvent(
        **_common(item, account_id),
        **_identity(item, account_id, key="postback"),
        kind=POSTBACK_KIND,
        text=text(postback.get("title")),
        postback={name: text(postback.get(name)) for name in ("title", "payload")},
        referral=mapping(postback.get("referral")) or mapping(item.get("referral")) or None,
    )


def read_referral(wrapper: str, payload: Any, account_id: str) -> MessageEvent:
    """Return a link or ad that brought the customer back into an existing thread.

    Raises PayloadError where the item names no customer.
    """
    item = messaging_item(wrapper, payload)
    return MessageEvent(
        **_common(item, account_id),
        mid=None,
        content_key=fingerprint(account_id, item),
        kind=REFERRAL_KIND,
        referral=mapping(item.get("referral")) or None,
    )


def other_account(wrapper: str, payload: Any, account_id: str) -> str:
    """Return the business id an item names beside `entry.id`, where the two differ."""
    item = messaging_item(wrapper, payload)
    contact = kinds.contact_of(item, account_id)
    parties = {party(item, "sender"), party(item, "recipient")} - {"", contact, account_id}
    return next(iter(parties), "")


def _common(item: dict[str, Any], account_id: str, *, role: str = "sender") -> dict[str, Any]:
    return {
        "account_id": account_id,
        "contact_id": required_identifier(mapping(item.get(role)).get("id"), f"{role}.id"),
        "occurred_at": read_timestamp(item.get("timestamp")),
    }


def _identity(item: dict[str, Any], account_id: str, *, key: str) -> dict[str, Any]:
    """Return Meta's id of the message, or the item's fingerprint where Meta gave none."""
    mid = mapping(item.get(key)).get("mid")
    if mid in (None, ""):
        return {"mid": None, "content_key": fingerprint(account_id, item)}
    return {"mid": required_identifier(mid, f"{key}.mid", limit=MID_LENGTH)}


def _kind(message: dict[str, Any], attachments: tuple[AttachmentPart, ...]) -> str:
    types = {part.type for part in attachments}
    if len(types) > 1:
        return MIXED_KIND
    if types:
        return types.pop()
    if message.get("is_unsupported") is True or not text(message.get("text")):
        return UNSUPPORTED_KIND
    return TEXT_KIND
