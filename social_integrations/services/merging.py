"""How one more event changes a message or a thread: pure, and the same in whatever order.

Every function here only ever moves a row towards the one state its set of events stands for: the
best witness is shown, the highest edit wins, the latest reaction of each person wins, clocks move
forward, and an unsend wins over everything. Applying an event twice changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from social_integrations.conf import app_settings
from social_integrations.events.messages import REFERRAL_KIND
from social_integrations.events.types import (
    AttachmentPart,
    EditEvent,
    HandoverEvent,
    MessageEvent,
    ReactionEvent,
    SeenEvent,
    UnsendEvent,
)
from social_integrations.models import Conversation, Message, MessageEdit, Reaction

from .arrivals import Arrival

# Later than every origin: the first witness of a new message takes its place.
NO_ORIGIN = "~"
# Meta's own inboxes as senders of echoes; everything else with an app id is another app.
INSTAGRAM_APPS = frozenset({"", "1217981644879628", "263902037430900"})
# How far apart our clock and Meta's may put a message we sent.
ECHO_TOLERANCE = timedelta(minutes=10)
# A message of ours Meta may have without our knowing its id: its call is under way or broke, or it
# failed once and waits for another try.
UNSETTLED = frozenset({Message.Status.SENDING, Message.Status.UNKNOWN, Message.Status.QUEUED})
# What we sent → what Meta may call it in an echo or a copy: sound in a video's container is a
# video there, and what a copy does not show has no name.
ECHO_KINDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "image": frozenset({"image"}),
        "video": frozenset({"video", "file"}),
        "audio": frozenset({"audio", "video", "file"}),
        "file": frozenset({"file"}),
        "template": frozenset({"template", "unsupported", "text"}),
    }
)
# What an unsend leaves of a message: that it was there, who wrote it, and when.
NO_CONTENT: Mapping[str, Any] = MappingProxyType(
    {
        "text": "",
        "original_text": "",
        "story": None,
        "quick_reply_payload": "",
        "postback": None,
        "referral": None,
        "edits": 0,
        "edited_at": None,
        "quick_replies": None,
        "template": None,
    }
)


class News(StrEnum):
    """What is new about a message, for signals."""

    RECEIVED = "received"
    UPDATED = "updated"
    UNSENT = "unsent"
    REACTION = "reaction"
    SENT = "sent"


@dataclass(eq=False, slots=True)
class ThreadState:
    """A conversation, locked, with what this batch changes."""

    conversation: Conversation
    is_new: bool = False
    is_changed: bool = False
    must_recount: bool = False
    """A message was replaced: its clocks have to be read from the messages again."""
    must_wake: bool = False
    """A message of ours was settled that others may wait for."""

    def advance(self, name: str, moment: datetime) -> None:
        """Move one of the thread's clocks forward, never back."""
        known = getattr(self.conversation, name)
        if known is None or moment > known:
            setattr(self.conversation, name, moment)
            self.is_changed = True

    def reopen(self, moment: datetime) -> None:
        """Open a conversation again that was closed before the customer wrote this."""
        conversation = self.conversation
        closed_at = conversation.closed_at
        if conversation.status == Conversation.Status.CLOSED and closed_at and closed_at < moment:
            conversation.status, self.is_changed = Conversation.Status.OPEN, True


@dataclass(eq=False, slots=True)
class MessageState:
    """A message with what this batch changes about it and around it."""

    message: Message
    thread: ThreadState
    is_new: bool = False
    is_changed: bool = False
    attachments: tuple[AttachmentPart, ...] | None = None
    """What replaces the stored attachments; None leaves them."""
    versions: dict[int, MessageEdit] = field(default_factory=dict)
    reactions: dict[str, Reaction] = field(default_factory=dict)
    changed_versions: set[int] = field(default_factory=set)
    changed_reactions: set[str] = field(default_factory=set)
    to_redact: set[str] = field(default_factory=set)
    """Ledger items whose content has to go."""
    news: set[News] = field(default_factory=set)

    def note_content(self, event_key: str) -> None:
        """Remember which ledger item holds content of the message; an unsend takes it out."""
        if self.message.unsent_at:
            self.to_redact.add(event_key)
        elif event_key not in self.message.ledger_keys:
            self.message.ledger_keys = sorted([*self.message.ledger_keys, event_key])
            self.is_changed = True


def merge_message(state: MessageState, arrival: Arrival[MessageEvent]) -> None:
    """Show the arrival's content if no better witness of the message is known."""
    state.note_content(arrival.row.event_key)
    if is_own(state.message):
        _settle_own(state, arrival)
    elif arrival.origin < state.message.origin:
        _show(state, arrival)


def is_own(message: Message) -> bool:
    """Return whether the row was written by this CRM before Meta knew of the message."""
    return message.source == Message.Source.CRM and not message.origin


def could_be(own: Message, event: MessageEvent, occurred_at: datetime) -> bool:
    """Return whether an echo is what became of a message of ours without an answer from Meta."""
    called_at = own.send_started_at or own.sent_at
    return _says_the_same(own, event) and abs(called_at - occurred_at) <= ECHO_TOLERANCE


def _says_the_same(own: Message, event: MessageEvent) -> bool:
    if own.kind not in ECHO_KINDS:
        return own.kind == event.kind and own.text.strip() == event.text.strip()
    # Files have no text; of a template Meta may repeat the text above its buttons.
    texts = {"", str((own.template or {}).get("text", "")).strip()}
    return event.kind in ECHO_KINDS[own.kind] and event.text.strip() in texts


def _settle_own(state: MessageState, arrival: Arrival[MessageEvent]) -> None:
    """Take Meta's id and clock from the echo of a message of ours; its content is known."""
    message = state.message
    before = (message.mid, message.sent_at, message.status)
    message.mid = message.mid or arrival.event.mid
    message.sent_at = arrival.occurred_at
    if message.status in UNSETTLED:
        state.thread.must_wake |= message.status != Message.Status.SENDING
        message.status = Message.Status.SENT
        message.error_code = message.error_text = message.error_action = ""
        state.news.add(News.SENT)
    if before != (message.mid, message.sent_at, message.status):
        state.is_changed = True
        state.news.add(News.UPDATED)
        state.thread.must_recount |= before[1] != message.sent_at
    state.thread.advance("last_message_at", message.sent_at)


def _show(state: MessageState, arrival: Arrival[MessageEvent]) -> None:
    message, event, thread = state.message, arrival.event, state.thread
    is_first = message.origin == NO_ORIGIN
    if not is_first:
        thread.must_recount = True
    message.origin = arrival.origin
    message.direction = Message.Direction.OUTBOUND if event.outbound else Message.Direction.INBOUND
    message.source = _source(event)
    message.kind = event.kind
    message.sent_at = arrival.occurred_at
    message.reply_to_mid = event.reply_to_mid
    message.status = Message.Status.SENT if event.outbound else Message.Status.RECEIVED
    if not message.unsent_at:
        _show_content(state, event)
    state.is_changed = True
    state.news.add(News.RECEIVED if is_first else News.UPDATED)
    thread.advance("last_message_at", message.sent_at)
    if not event.outbound and event.kind != REFERRAL_KIND:
        thread.advance("last_inbound_at", message.sent_at)
        thread.reopen(message.sent_at)


def _show_content(state: MessageState, event: MessageEvent) -> None:
    message = state.message
    if message.edits:
        message.original_text = event.text
    else:
        message.text = event.text
    message.story = event.story
    message.quick_reply_payload = event.quick_reply_payload
    message.postback = event.postback
    message.referral = event.referral
    state.attachments = event.attachments


def _source(event: MessageEvent) -> Message.Source:
    if not event.outbound:
        return Message.Source.CUSTOMER
    if event.app_id and event.app_id in (app_settings.APP_ID, app_settings.LOGIN_APP_ID):
        return Message.Source.CRM
    is_instagram = event.app_id in INSTAGRAM_APPS
    return Message.Source.INSTAGRAM_APP if is_instagram else Message.Source.OTHER_APP


def merge_edit(state: MessageState, arrival: Arrival[EditEvent]) -> None:
    """Keep a version of the text, and show it if it is the highest."""
    message, event = state.message, arrival.event
    state.note_content(arrival.row.event_key)
    # Number 0 says nothing about a message that is known.
    if message.unsent_at or event.number == 0:
        return
    known = state.versions.get(event.number)
    if known and (known.edited_at, known.text) >= (arrival.occurred_at, event.text):
        return
    version = known or MessageEdit(number=event.number)
    version.text, version.edited_at = event.text, arrival.occurred_at
    state.versions[event.number] = version
    state.changed_versions.add(event.number)
    if event.number < message.edits:
        return
    if not message.edits:
        message.original_text = message.text
    message.text, message.edits, message.edited_at = event.text, event.number, version.edited_at
    state.is_changed = True
    state.news.add(News.UPDATED)


def merge_unsend(state: MessageState, arrival: Arrival[UnsendEvent]) -> None:
    """Take every content out of the message, and ask for the same in the ledger."""
    message = state.message
    if message.unsent_at:
        if arrival.occurred_at < message.unsent_at:
            message.unsent_at, state.is_changed = arrival.occurred_at, True
        return
    message.unsent_at = arrival.occurred_at
    for name, nothing in NO_CONTENT.items():
        setattr(message, name, nothing)
    state.to_redact.update(message.ledger_keys)
    message.ledger_keys = []
    state.attachments = ()
    for kept in (state.versions, state.reactions, state.changed_versions, state.changed_reactions):
        kept.clear()
    state.is_changed = True
    state.news.add(News.UNSENT)


def merge_reaction(state: MessageState, arrival: Arrival[ReactionEvent]) -> None:
    """Keep the latest reaction of each person, a removal included."""
    event = arrival.event
    if state.message.unsent_at:
        return
    known = state.reactions.get(event.actor_id)
    said = (arrival.occurred_at, event.removed, event.emoji, event.reaction)
    if known and _said(known) >= said:
        return
    reaction = known or Reaction(actor_id=event.actor_id)
    reaction.emoji, reaction.reaction = event.emoji, event.reaction
    reaction.reacted_at = arrival.occurred_at
    reaction.removed_at = arrival.occurred_at if event.removed else None
    state.reactions[event.actor_id] = reaction
    state.changed_reactions.add(event.actor_id)
    state.news.add(News.REACTION)


def _said(reaction: Reaction) -> tuple[Any, ...]:
    removed = reaction.removed_at is not None
    return (reaction.reacted_at, removed, reaction.emoji, reaction.reaction)


def merge_seen(state: MessageState, arrival: Arrival[SeenEvent]) -> None:
    """Note that the customer has read this message; with it, everything before it."""
    message = state.message
    if not arrival.event.by_customer:
        return
    if message.seen_at is None or arrival.occurred_at < message.seen_at:
        message.seen_at, state.is_changed = arrival.occurred_at, True
    state.thread.advance("customer_seen_at", message.sent_at)


def merge_handover(thread: ThreadState, arrival: Arrival[HandoverEvent]) -> None:
    """Note which app controls the thread; the latest word counts."""
    conversation, owner = thread.conversation, arrival.event.owner_app_id
    known_at = conversation.thread_owner_at
    known = (known_at, conversation.thread_owner)
    if not owner or (known_at and known >= (arrival.occurred_at, owner)):
        return
    conversation.thread_owner, conversation.thread_owner_at = owner, arrival.occurred_at
    thread.is_changed = True
