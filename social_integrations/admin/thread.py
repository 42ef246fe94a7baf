"""A conversation laid out for reading: days, bubbles and links, as plain text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from django.utils import timezone

from social_integrations.events.messages import REFERRAL_KIND
from social_integrations.media.links import safe_link
from social_integrations.models import Attachment, Conversation, Message
from social_integrations.selectors import THREAD_LENGTH, thread

from .media import media_link
from .rendering import one_line, visible

QUOTE_LENGTH = 80
ERROR_LENGTH = 400
# Meta's types of attachments in words; a type that is not listed is shown as Meta writes it.
LABELS = {
    "image": "Image",
    "video": "Video",
    "audio": "Audio",
    "file": "File",
    "sticker": "Sticker",
    "like_heart": "❤️",
    "share": "Shared post",
    "ig_post": "Shared post",
    "ig_reel": "Shared reel",
    "reel": "Shared reel",
    "ig_story": "Shared story",
    "story_mention": "Mention in a story",
    "template": "Card with buttons",
    "ephemeral": "Picture or video that disappears",
    "unsupported_type": "Something Instagram does not pass on",
}
# What to say where there is no link; these never have one.
NO_LINK = dict.fromkeys(("ephemeral", "unsupported_type"), "open it in Instagram")
NO_LINK |= {"like_heart": "", "template": ""}
# Kinds whose note says all there is to say.
TOLD_OTHERWISE = frozenset({REFERRAL_KIND})


@dataclass(frozen=True)
class AttachmentLine:
    """An attachment as a line: what it is, our door to it, and the host where it lies."""

    label: str
    href: str
    host: str
    note: str


@dataclass(frozen=True)
class Version:
    """What a message said before it was edited."""

    text: str
    edited_at: datetime | None


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
    is_unsent: bool
    attachments: list[AttachmentLine]
    notes: list[str]
    versions: list[Version]
    reactions: str


@dataclass(frozen=True)
class Thread:
    """The days of a conversation, newest last."""

    days: list[tuple[date, list[Bubble]]]
    shown: int
    has_older: bool
    routing: str
    """Who else answers here, in words; empty if nobody does."""


def read_thread(conversation: Conversation) -> Thread:
    """Lay out the newest messages of a conversation."""
    messages, has_older = thread(conversation, THREAD_LENGTH)
    contact = one_line(conversation.contact.display_name)
    known = {message.mid: message for message in messages if message.mid}
    bubbles = [_bubble(message, contact, known.get(message.reply_to_mid)) for message in messages]
    days = groupby(bubbles, key=lambda bubble: timezone.localtime(bubble.sent_at).date())
    return Thread(
        [(day, list(found)) for day, found in days],
        len(messages),
        has_older,
        _routing(conversation),
    )


def _routing(conversation: Conversation) -> str:
    owner = one_line(conversation.thread_owner, 64)
    if conversation.in_standby:
        named = f" ({owner})" if owner else ""
        return f"Another app{named} holds this conversation; we only read along."
    return f"Control was last given to the Meta app {owner}." if owner else ""


def _bubble(message: Message, contact: str, answered: Message | None) -> Bubble:
    inbound = message.direction == Message.Direction.INBOUND
    return Bubble(
        side="in" if inbound else "out",
        failed=message.status == Message.Status.FAILED,
        sender=contact if inbound else str(message.sent_by or "") or "Us",
        source=_source(message),
        sent_at=message.sent_at,
        quote=one_line(answered.text or answered.kind, QUOTE_LENGTH) if answered else "",
        text=visible(message.text),
        is_unsent=message.unsent_at is not None,
        attachments=[
            *_story_line(message),
            *(_attachment(found) for found in message.attachments.all()),
        ],
        notes=[note for rule in NOTES if (note := rule(message))],
        versions=_versions(message),
        reactions=_reactions(message),
    )


def _source(message: Message) -> str:
    if message.direction == Message.Direction.INBOUND:
        return ""
    automatic = message.author == Message.Author.AUTOMATION
    return message.get_author_display() if automatic else message.get_source_display()


def _attachment(attachment: Attachment) -> AttachmentLine:
    link = media_link(attachment)
    title = f" “{one_line(attachment.title, QUOTE_LENGTH)}”" if attachment.title else ""
    label = LABELS.get(attachment.type) or one_line(attachment.type, 32)
    if not link.href:
        missing = "open it in Instagram" if attachment.type not in LABELS else "no usable link"
        note = NO_LINK.get(attachment.type, missing)
        return AttachmentLine(label + title, "", "", note)
    note = "expired at Instagram" if attachment.expired_at and not attachment.file else ""
    return AttachmentLine(label + title, link.href, link.host, note)


def _story_line(message: Message) -> list[AttachmentLine]:
    """Return the story a message answers as a link; Meta's link dies with the story."""
    if not message.story:
        return []
    link = safe_link(str(message.story.get("url") or ""))
    note = "" if link.href else "no longer shown by Instagram"
    return [AttachmentLine("The story", link.href, link.host, note)]


def _reactions(message: Message) -> str:
    living = [found for found in message.reactions.all() if not found.removed_at]
    return " ".join(one_line(found.emoji or found.reaction, 32) for found in living)


def _versions(message: Message) -> list[Version]:
    """Return the earlier texts of an edited message, oldest first."""
    if not message.edits:
        return []
    later = [Version(visible(found.text), found.edited_at) for found in message.versions.all()]
    return [Version(visible(message.original_text), None), *later][:-1]


def _empty(message: Message) -> str:
    has_something = message.text or message.attachments.all() or message.kind in TOLD_OTHERWISE
    if message.unsent_at or has_something:
        return ""
    return f"Nothing to show here ({one_line(message.kind, 32)}); open it in Instagram"


def _edited(message: Message) -> str:
    if not message.edits or message.edited_at is None:
        return ""
    moment = timezone.localtime(message.edited_at)
    return f"Edited {moment:%H:%M}"


def _answer(message: Message) -> str:
    if message.postback:
        return "Tapped this button"
    return "Tapped a quick reply" if message.quick_reply_payload else ""


def _story(message: Message) -> str:
    return "Reply to a story" if message.story else ""


def _referral(message: Message) -> str:
    if not message.referral:
        return ""
    came = "Came back" if message.kind == REFERRAL_KIND else "Came"
    context = message.referral.get("ads_context_data")
    title = context.get("ad_title") if isinstance(context, dict) else None
    named = title or message.referral.get("ref")
    through = "an ad" if message.referral.get("ad_id") else "a link"
    return f"{came} through {through}" + (f" “{one_line(named, QUOTE_LENGTH)}”" if named else "")


def _delivery(message: Message) -> str:
    if message.direction == Message.Direction.INBOUND:
        return ""
    words = f"{message.error_text} {message.error_action}".strip()
    error = f": {one_line(words, ERROR_LENGTH)}" if words else ""
    return Message.Status(message.delivery_status).label + error


NOTES: Sequence[Callable[[Message], str]] = (
    _empty,
    _story,
    _answer,
    _referral,
    _edited,
    _delivery,
)
