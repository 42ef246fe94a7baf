"""A conversation laid out for reading: days, bubbles, notes; all of it plain text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2s
from typing import TypeAlias

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from social_integrations.models import Conversation, Message, Note
from social_integrations.services.colleagues import person_name
from social_integrations.showing import Segment, one_line, segments

from .cards import Card, cards_of
from .delivery import Delivery, delivery_of
from .media_parts import MediaPart, media_parts, story_part
from .origin import origin_of
from .words import ONLY_IN_INSTAGRAM, REACTIONS, SNIPPETS, SOURCES, UNREADABLE

QUOTE_LENGTH = 120
NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Quote:
    """The message a bubble answers."""

    pk: int | None
    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class Version:
    """What a message said before it was edited."""

    text: str
    edited_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReactionMark:
    """A reaction, whose, and how far one of ours has come."""

    emoji: str
    by: str
    is_ours: bool
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """One message."""

    pk: int
    mid: str
    side: str
    """in or out."""
    kind: str
    sender: str
    source: str
    sent_at: datetime
    quote: Quote | None
    story: MediaPart | None
    segments: tuple[Segment, ...]
    parts: list[MediaPart]
    tap: str
    """What was tapped, in words: a quick reply or a button."""
    origin: str
    """The ad or link that led here, in words."""
    offered: list[str]
    card: list[Card]
    is_unsent: bool
    edited_at: datetime | None
    versions: list[Version]
    reactions: list[ReactionMark]
    delivery: Delivery | None
    is_bare: bool
    """Whether there is nothing to show of it."""

    @property
    def has_our_reaction(self) -> bool:
        """Whether there is a reaction of the business to take back."""
        return any(mark.is_ours for mark in self.reactions)

    @property
    def version(self) -> str:
        """A fingerprint of everything shown: a bubble is swapped only when it changes."""
        return blake2s(repr(self).encode("utf-8", "replace"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class DayMark:
    """Between two days, in the viewer's time zone."""

    day: date
    kind: str = "day"

    @property
    def name(self) -> str:
        """What the day is called: today and yesterday by their names."""
        days = (timezone.localdate() - self.day).days
        named = {0: _("Today"), 1: _("Yesterday")}.get(days)
        return named or formats.date_format(self.day, "DATE_FORMAT")


@dataclass(frozen=True, slots=True)
class UnreadMark:
    """Before the first message nobody had read when the page was opened."""

    kind: str = "unread"


@dataclass(frozen=True, slots=True)
class BubbleItem:
    """A message in the timeline."""

    bubble: Bubble
    kind: str = "message"


@dataclass(frozen=True, slots=True)
class NoteItem:
    """An internal note in the timeline."""

    note: Note
    kind: str = "note"

    @property
    def version(self) -> str:
        """Changes with the text; a note's author and time do not."""
        return blake2s(self.note.text.encode("utf-8", "replace"), digest_size=8).hexdigest()


Item: TypeAlias = DayMark | UnreadMark | BubbleItem | NoteItem


def timeline(
    conversation: Conversation,
    messages: Sequence[Message],
    notes: Sequence[Note],
    quoted: Mapping[str, Message],
    *,
    marks_unread: bool = False,
) -> list[Item]:
    """Return messages and notes in the order of their time, with marks between them."""
    dated: list[tuple[datetime, BubbleItem | NoteItem]] = [
        (message.sent_at, BubbleItem(bubble(message, conversation, quoted))) for message in messages
    ]
    dated += [(note.created_at, NoteItem(note)) for note in notes]
    dated.sort(key=lambda pair: pair[0])
    unread = _first_unread(conversation, messages) if marks_unread else None
    return list(_with_marks(dated, unread))


def _with_marks(
    dated: Iterable[tuple[datetime, BubbleItem | NoteItem]], unread: int | None
) -> Iterable[Item]:
    day = None
    for at, item in dated:
        local = timezone.localtime(at).date()
        if local != day:
            day = local
            yield DayMark(local)
        if isinstance(item, BubbleItem) and item.bubble.pk == unread:
            yield UnreadMark()
        yield item


def _first_unread(conversation: Conversation, messages: Sequence[Message]) -> int | None:
    read_at = conversation.staff_read_at
    fresh = (
        one.pk
        for one in messages
        if one.direction == Message.Direction.INBOUND and (read_at is None or one.sent_at > read_at)
    )
    first = next(fresh, None)
    # Nothing to tell apart where all of it is new.
    return None if messages and first == messages[0].pk and read_at is None else first


def bubble(message: Message, conversation: Conversation, quoted: Mapping[str, Message]) -> Bubble:
    """Lay out one message; what was unsent has no content."""
    inbound = message.direction == Message.Direction.INBOUND
    unsent = message.unsent_at is not None
    parts = [] if unsent else media_parts(message)
    story = None if unsent else story_part(message)
    origin = "" if unsent else origin_of(message)
    return Bubble(
        pk=message.pk,
        mid=message.mid or "",
        side="in" if inbound else "out",
        kind=one_line(message.kind, 32),
        sender=sender_of(message, conversation),
        source="" if inbound else _source(message),
        sent_at=message.sent_at,
        quote=_quote(message, conversation, quoted),
        story=story,
        segments=() if unsent or message.postback else segments(message.text),
        parts=parts,
        tap="" if unsent else _tap(message),
        origin=origin,
        offered=_offered(message),
        card=cards_of(message),
        is_unsent=unsent,
        edited_at=message.edited_at if message.edits and not unsent else None,
        versions=[] if unsent else _versions(message),
        reactions=_reactions(message, conversation),
        delivery=delivery_of(message, conversation),
        is_bare=not (
            unsent
            or message.text
            or parts
            or story
            or origin
            or message.postback
            or message.template
        ),
    )


def _source(message: Message) -> str:
    """Return where a message of the business was written; a colleague's name says it already."""
    is_ours = message.source == Message.Source.CRM
    return "" if is_ours and message.sent_by_id else str(SOURCES.get(message.source, ""))


def sender_of(message: Message, conversation: Conversation) -> str:
    """Return who wrote a message: the customer, a colleague, or the account."""
    if message.direction == Message.Direction.INBOUND:
        return one_line(conversation.contact.display_name, NAME_LENGTH)
    if message.author == Message.Author.AUTOMATION:
        return _("Automatic answer")
    if message.sent_by is not None:
        return one_line(person_name(message.sent_by), NAME_LENGTH)
    return one_line(conversation.contact.account, NAME_LENGTH)


def snippet(message: Message, limit: int = QUOTE_LENGTH) -> str:
    """Return what a message says in a line: its text, or what it is."""
    if message.unsent_at:
        return _("Message unsent")
    if message.text:
        return one_line(message.text, limit)
    if message.story:
        return _("Reply to your story")
    types = [found.type for found in message.attachments.all()] or [message.kind]
    known = SNIPPETS.get(types[0])
    if len(types) > 1 and known:
        return f"{known} +{len(types) - 1}"
    if known:
        return str(known)
    return str(UNREADABLE) if types[0] in ONLY_IN_INSTAGRAM else one_line(types[0], 32)


def _quote(
    message: Message, conversation: Conversation, quoted: Mapping[str, Message]
) -> Quote | None:
    if not message.reply_to_mid or message.unsent_at:
        return None
    found = quoted.get(message.reply_to_mid)
    if found is None:
        return Quote(None, "", _("A message that is not here"))
    sender = sender_of(found, conversation)
    return Quote(found.pk, sender, snippet(found))


def _tap(message: Message) -> str:
    if message.postback:
        title = message.text or str(message.postback.get("title") or "")
        return one_line(title, QUOTE_LENGTH) or _("a button")
    return one_line(message.text, QUOTE_LENGTH) if message.quick_reply_payload else ""


def _offered(message: Message) -> list[str]:
    if message.unsent_at or not isinstance(message.quick_replies, list):
        return []
    return [
        one_line(reply.get("title", ""), 40)
        for reply in message.quick_replies
        if isinstance(reply, dict)
    ]


def _versions(message: Message) -> list[Version]:
    """Return the earlier texts of an edited message, oldest first."""
    if not message.edits:
        return []
    later = [Version(one.text, one.edited_at) for one in message.versions.all()]
    every = [Version(message.original_text, None), *later][:-1]
    return [Version(one_line(one.text, 1000), one.edited_at) for one in every]


def _reactions(message: Message, conversation: Conversation) -> list[ReactionMark]:
    living = [one for one in message.reactions.all() if not one.removed_at]
    contact = conversation.contact
    return [
        ReactionMark(
            emoji=REACTIONS.get(one.reaction, "") if not one.emoji else one_line(one.emoji, 16),
            by=one_line(contact.display_name if one.actor_id == contact.igsid else contact.account),
            is_ours=one.actor_id != contact.igsid,
            trouble=one_line(one.error_text) if one.delivery == one.Delivery.FAILED else "",
        )
        for one in sorted(living, key=lambda one: one.actor_id)
    ]
