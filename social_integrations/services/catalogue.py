"""The catalogue: each kind of item that becomes part of a conversation, how it is read and merged.

`docs/adding-an-event.md` shows how to add one. Kinds without a row are in `kinds.NOT_SHOWN`
(understood, kept, no part of a conversation) or are not understood.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from social_integrations.events import kinds
from social_integrations.events.messages import read_message, read_postback, read_referral
from social_integrations.events.types import (
    EditEvent,
    Event,
    HandoverEvent,
    MessageEvent,
    ReactionEvent,
    SeenEvent,
    UnsendEvent,
)
from social_integrations.events.updates import (
    read_edit,
    read_handover,
    read_reaction,
    read_seen,
    read_unsend,
)

from .merging import (
    merge_edit,
    merge_handover,
    merge_message,
    merge_reaction,
    merge_seen,
    merge_unsend,
)

Read: TypeAlias = Callable[[str, Any, str], Event]
"""Wrapper, payload and account id → what the item says; raises PayloadError."""
Merge: TypeAlias = Callable[[Any, Any], None]
"""State of a message (or of a thread, for handovers) and arrival → the state changed."""


@dataclass(frozen=True, slots=True)
class Handling:
    """How one kind is handled: its reader, what the reader returns, and how that is merged."""

    read: Read
    event: type[Event]
    merge: Merge


CATALOGUE: dict[str, Handling] = {
    kinds.MESSAGE: Handling(read_message, MessageEvent, merge_message),
    kinds.MESSAGE_ECHO: Handling(read_message, MessageEvent, merge_message),
    kinds.POSTBACK: Handling(read_postback, MessageEvent, merge_message),
    kinds.REFERRAL: Handling(read_referral, MessageEvent, merge_message),
    kinds.MESSAGE_EDIT: Handling(read_edit, EditEvent, merge_edit),
    kinds.MESSAGE_DELETED: Handling(read_unsend, UnsendEvent, merge_unsend),
    kinds.REACTION: Handling(read_reaction, ReactionEvent, merge_reaction),
    kinds.READ: Handling(read_seen, SeenEvent, merge_seen),
    kinds.HANDOVER: Handling(read_handover, HandoverEvent, merge_handover),
}
MERGES: dict[type[Event], Merge] = {row.event: row.merge for row in CATALOGUE.values()}
