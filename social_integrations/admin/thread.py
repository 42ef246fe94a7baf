"""A conversation laid out for reading: days, bubbles and links, as plain text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from django.utils import timezone

from social_integrations.models import Attachment, Conversation, Message
from social_integrations.selectors import THREAD_LENGTH, thread

from .media import media_link
from .rendering import one_line, visible

QUOTE_LENGTH = 80


@dataclass(frozen=True)
class AttachmentLine:
    """An attachment as a line: what it is, our door to it, and the host where it lies."""

    label: str
    href: str
    host: str
    note: str


@dataclass(frozen=True)
class Bubble:
    """One message."""

    side: str
    failed: bool
    sender: str
    source: str
    sent_at: datetime
    quote: str
    text: str
    attachments: list[AttachmentLine]
    notes: list[str]
    reactions: str


@dataclass(frozen=True)
class Thread:
    """The days of a conversation, newest last."""

    days: list[tuple[date, list[Bubble]]]
    shown: int
    has_older: bool


def read_thread(conversation: Conversation) -> Thread:
    """Lay out the newest messages of a conversation."""
    messages, has_older = thread(conversation, THREAD_LENGTH)
    contact = one_line(conversation.contact.display_name)
    known = {message.mid: message for message in messages if message.mid}
    bubbles = [_bubble(message, contact, known.get(message.reply_to_mid)) for message in messages]
    days = groupby(bubbles, key=lambda bubble: timezone.localtime(bubble.sent_at).date())
    return Thread([(day, list(found)) for day, found in days], len(messages), has_older)


def _bubble(message: Message, contact: str, answered: Message | None) -> Bubble:
    inbound = message.direction == Message.Direction.INBOUND
    return Bubble(
        side="in" if inbound else "out",
        failed=message.status == Message.Status.FAILED,
        sender=contact if inbound else str(message.sent_by or "") or "Us",
        source="" if inbound else message.get_source_display(),
        sent_at=message.sent_at,
        quote=one_line(answered.text or answered.kind, QUOTE_LENGTH) if answered else "",
        text=visible(message.text),
        attachments=[_attachment(found) for found in message.attachments.all()],
        notes=[note for rule in NOTES if (note := rule(message))],
        reactions=_reactions(message),
    )


def _attachment(attachment: Attachment) -> AttachmentLine:
    link = media_link(attachment)
    title = f" “{one_line(attachment.title, QUOTE_LENGTH)}”" if attachment.title else ""
    label = one_line(attachment.type, 32) + title
    if not link.href:
        return AttachmentLine(label, "", "", "no usable link")
    note = "expired at Instagram" if attachment.expired_at and not attachment.file else ""
    return AttachmentLine(label, link.href, link.host, note)


def _reactions(message: Message) -> str:
    living = [found for found in message.reactions.all() if not found.removed_at]
    return " ".join(one_line(found.emoji or found.reaction, 32) for found in living)


def _unsent(message: Message) -> str:
    return "Unsent by its sender" if message.unsent_at else ""


def _empty(message: Message) -> str:
    if message.text or message.unsent_at or message.attachments.all():
        return ""
    return f"No text ({one_line(message.kind, 32)}); look at it in Instagram"


def _edited(message: Message) -> str:
    return f"Edited (versions: {message.edits + 1})" if message.edits else ""


def _answer(message: Message) -> str:
    if message.postback:
        return "Tapped a button"
    return "Tapped a quick reply" if message.quick_reply_payload else ""


def _story(message: Message) -> str:
    return "Reply to a story" if message.story else ""


def _referral(message: Message) -> str:
    return "Came through an ad or link" if message.referral else ""


def _delivery(message: Message) -> str:
    if message.direction == Message.Direction.INBOUND:
        return ""
    error = f": {one_line(message.error_text)}" if message.error_text else ""
    return message.get_status_display() + error


NOTES: Sequence[Callable[[Message], str]] = (
    _unsent,
    _empty,
    _story,
    _answer,
    _referral,
    _edited,
    _delivery,
)
