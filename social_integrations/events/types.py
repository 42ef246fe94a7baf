"""What an item says, as frozen values: the words between reading and applying."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Common to all: whose account, which person, when by Meta's clock.

    `contact_id` is empty and `occurred_at` None where the item does not say, or says nonsense.
    """

    account_id: str
    contact_id: str = ""
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentPart:
    """Something attached to a message; `type` is Meta's word, an open set."""

    type: str
    url: str = ""
    title: str = ""
    media_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEvent(Event):
    """A message that arrived at, or left, a business account; a tapped button or link as well."""

    mid: str | None
    content_key: str = ""
    """Without `mid` only: the item's fingerprint, whatever its wrapper."""
    outbound: bool = False
    app_id: str = ""
    """The app that sent an echo, where Meta names it."""
    kind: str
    text: str = ""
    attachments: tuple[AttachmentPart, ...] = ()
    reply_to_mid: str = ""
    story: dict[str, Any] | None = None
    quick_reply_payload: str = ""
    postback: dict[str, Any] | None = None
    referral: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditEvent(Event):
    """A new text for a message; `number` counts from 1, 0 is Meta's trap (it tells nothing)."""

    mid: str
    number: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsendEvent(Event):
    """A message was taken back by its sender."""

    mid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionEvent(Event):
    """Somebody reacted to a message, or took the reaction back (`removed`)."""

    mid: str
    actor_id: str
    removed: bool = False
    emoji: str = ""
    reaction: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenEvent(Event):
    """The customer has read everything up to this message."""

    mid: str
    by_customer: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverEvent(Event):
    """Control over a thread passed to another app; `owner_app_id` is empty for mere requests."""

    owner_app_id: str
