"""What a batch changed, written back set by set, in one fixed order."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Max, Q
from django.utils import timezone

from social_integrations.events.messages import REFERRAL_KIND
from social_integrations.models import Attachment, Conversation, Message, MessageEdit, Reaction

from .archiving import enqueue_archiving, purge_copies
from .merging import MessageState, News, ThreadState

CLOCKS = ("last_message_at", "last_inbound_at", "customer_seen_at")
THREAD_FIELDS = (
    *CLOCKS,
    "thread_owner",
    "thread_owner_at",
    "last_standby_at",
    "status",
    "changed_at",
)
MESSAGE_FIELDS = tuple(
    field.attname
    for field in Message._meta.concrete_fields
    if field.name not in ("id", "account", "event_key", "received_at", "client_reference")
)
INBOUND = Q(direction=Message.Direction.INBOUND) & ~Q(kind=REFERRAL_KIND)


def save_messages(states: Sequence[MessageState]) -> None:
    """Write messages, and what hangs on them, where the batch changed something."""
    _save_rows([state for state in states if state.is_changed])
    _save_attachments([state for state in states if state.attachments is not None])
    _save_details(states)


def save_threads(threads: Sequence[ThreadState], states: Iterable[MessageState]) -> None:
    """Write conversations in which anything shown changed; after their messages."""
    _recount([thread for thread in threads if thread.must_recount])
    touched = {state.thread for state in states if _is_shown_anew(state)}
    changed = [thread.conversation for thread in threads if thread.is_changed or thread in touched]
    now = timezone.now()
    for conversation in changed:
        conversation.changed_at = now
    _upsert(Conversation, changed, THREAD_FIELDS)


def _is_shown_anew(state: MessageState) -> bool:
    return bool(
        state.is_changed
        or state.attachments is not None
        or state.changed_versions
        or state.changed_reactions
    )


def _save_rows(states: Sequence[MessageState]) -> None:
    Message.objects.bulk_create([state.message for state in states if state.is_new])
    known = [state.message for state in states if not state.is_new]
    _upsert(Message, known, MESSAGE_FIELDS)


def _save_attachments(states: Sequence[MessageState]) -> None:
    replaced = [state.message for state in states if not state.is_new]
    if replaced:
        purge_copies(replaced)
        Attachment.objects.filter(message__in=replaced).delete()
    created = Attachment.objects.bulk_create(
        Attachment(
            message=state.message,
            position=position,
            type=part.type,
            url=part.url,
            title=part.title,
            media_id=part.media_id,
        )
        for state in states
        for position, part in enumerate(state.attachments or ())
    )
    enqueue_archiving(created)


def _save_details(states: Sequence[MessageState]) -> None:
    unsent = [s.message.pk for s in states if News.UNSENT in s.news and not s.is_new]
    if unsent:
        MessageEdit.objects.filter(message__in=unsent).delete()
        Reaction.objects.filter(message__in=unsent).delete()
    versions, reactions = [], []
    for state in states:
        for number in sorted(state.changed_versions):
            state.versions[number].message = state.message
            versions.append(state.versions[number])
        for actor in sorted(state.changed_reactions):
            state.reactions[actor].message = state.message
            reactions.append(state.reactions[actor])
    MessageEdit.objects.bulk_create(
        versions,
        update_conflicts=True,
        unique_fields=["message", "number"],
        update_fields=["text", "edited_at"],
    )
    Reaction.objects.bulk_create(
        reactions,
        update_conflicts=True,
        unique_fields=["message", "actor_id"],
        update_fields=["emoji", "reaction", "reacted_at", "removed_at"],
    )


def _recount(threads: Sequence[ThreadState]) -> None:
    """Read the clocks of threads in which a message was replaced from their messages."""
    by_id = {thread.conversation.pk: thread for thread in threads}
    if not by_id:
        return
    rows = (
        Message.objects.filter(conversation__in=by_id)
        .order_by()
        .values("conversation")
        .annotate(
            last_message_at=Max("sent_at"),
            last_inbound_at=Max("sent_at", filter=INBOUND),
            customer_seen_at=Max("sent_at", filter=Q(seen_at__isnull=False)),
        )
    )
    counted: dict[int, dict[str, Any]] = {row["conversation"]: dict(row) for row in rows}
    for pk, thread in by_id.items():
        clocks = counted.get(pk, {})
        for name in CLOCKS:
            setattr(thread.conversation, name, clocks.get(name))
        thread.is_changed = True


def _upsert(model: Any, rows: Sequence[Any], fields: Sequence[str]) -> None:
    """Update rows that all exist: one plain statement; bulk_update builds a CASE for each row."""
    names = [model._meta.get_field(name).name for name in fields]
    if rows:
        model.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["id"], update_fields=names
        )
