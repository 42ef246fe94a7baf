"""What the inbox reads; the number of statements does not depend on the number of rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from social_integrations.access import access_policy
from social_integrations.models import ConnectedAccount, Conversation, Message, Note
from social_integrations.selectors import without_tokens

from .filters import Filters

ROWS = 30
BUBBLES = 40
MOST_BUBBLES = 200


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation of the list with what its row says."""

    conversation: Conversation
    last: Message | None
    answer: Message | None
    """The newest message that went out, or should have."""
    has_unknown: bool
    unread: int
    note: str
    """The newest internal note, where it is newer than the newest message."""


def conversations_for(user: PermissionsMixin | AnonymousUser) -> QuerySet[Conversation]:
    """Return the conversations of the accounts the user may see, with contact and account."""
    return (
        Conversation.objects.filter(contact__account__in=access_policy().accounts_for(user))
        .select_related("contact__account", "assigned_to")
        .defer("contact__account__access_token")
    )


def accounts_of(user: PermissionsMixin | AnonymousUser) -> list[ConnectedAccount]:
    """Return the accounts the user may see."""
    return list(without_tokens(access_policy().accounts_for(user)))


def page_of(
    found: QuerySet[Conversation], before: tuple[datetime, int] | None
) -> tuple[list[Conversation], bool]:
    """Return the next conversations, newest first, and whether there are more."""
    if before:
        at, pk = before
        found = found.filter(
            Q(last_message_at__lt=at) | Q(last_message_at=at, pk__lt=pk), last_message_at__lte=at
        )
    written = found.filter(last_message_at__isnull=False)
    rows = list(_with_pointers(written).order_by("-last_message_at", "-id")[: ROWS + 1])
    return rows[:ROWS], len(rows) > ROWS


def narrowed(user: PermissionsMixin | AnonymousUser, filters: Filters) -> QuerySet[Conversation]:
    """Return the user's conversations that fit the filters."""
    return filters.apply(conversations_for(user), user)


def with_pointers(found: QuerySet[Conversation]) -> list[Conversation]:
    """Return conversations with the ids of the messages their rows speak of."""
    return list(_with_pointers(found))


def _with_pointers(found: QuerySet[Conversation]) -> QuerySet[Any]:
    messages = Message.objects.filter(conversation=OuterRef("pk")).order_by("-sent_at", "-id")
    answers = messages.filter(direction=Message.Direction.OUTBOUND)
    unknown = Message.objects.filter(conversation=OuterRef("pk"), status=Message.Status.UNKNOWN)
    notes = Note.objects.filter(conversation=OuterRef("pk")).order_by("-created_at")
    return found.annotate(
        last_id=Subquery(messages.values("pk")[:1]),
        answer_id=Subquery(answers.values("pk")[:1]),
        has_unknown=Exists(unknown),
        note_at=Subquery(notes.values("created_at")[:1]),
        note_text=Subquery(notes.values("text")[:1]),
    )


def fill(conversations: Sequence[Any]) -> list[Found]:
    """Read what the rows of these conversations say: three statements for any number."""
    wanted = {pk for one in conversations for pk in (one.last_id, one.answer_id) if pk}
    messages = {
        message.pk: message
        for message in Message.objects.filter(pk__in=wanted).prefetch_related("attachments")
    }
    unread = count_unread(conversations)
    return [
        Found(
            conversation=one,
            last=messages.get(one.last_id),
            answer=messages.get(one.answer_id),
            has_unknown=one.has_unknown,
            unread=unread.get(one.pk, 0),
            note=_newer_note(one),
        )
        for one in conversations
    ]


def _newer_note(one: Any) -> str:
    at = one.last_message_at
    return one.note_text if one.note_at and (at is None or one.note_at > at) else ""


def is_unread(conversation: Conversation) -> bool:
    """Return whether the customer wrote since somebody last looked."""
    inbound, read = conversation.last_inbound_at, conversation.staff_read_at
    return inbound is not None and (read is None or inbound > read)


def count_unread(conversations: Iterable[Conversation]) -> dict[int, int]:
    """Return how many messages of the customer nobody has looked at yet, by conversation."""
    ids = [one.pk for one in conversations if is_unread(one)]
    if not ids:
        return {}
    fresh = Q(conversation__staff_read_at=None) | Q(sent_at__gt=F("conversation__staff_read_at"))
    rows = (
        Message.objects.filter(fresh, conversation__in=ids, direction=Message.Direction.INBOUND)
        .order_by()
        .values_list("conversation")
        .annotate(Count("id"))
    )
    return dict(rows)


def bubbles_of(
    conversation: Conversation,
    *,
    before: Message | None = None,
    since: Message | None = None,
    limit: int = BUBBLES,
) -> tuple[list[Message], bool]:
    """Return messages with what hangs on them, oldest first, and whether there are older ones.

    The newest, or those before a message; `since` asks for all from that message on, up to a bound.
    """
    found = Message.objects.filter(conversation=conversation)
    if before is not None:
        found = found.filter(_earlier(before), sent_at__lte=before.sent_at)
    if since is not None:
        limit = MOST_BUBBLES
        found = found.filter(sent_at__gte=since.sent_at)
    newest = list(
        found.select_related("sent_by")
        .prefetch_related("attachments__upload", "reactions", "versions")
        .order_by("-sent_at", "-id")[: limit + 1]
    )
    for message in newest:
        # The same object: bubbles ask it when the customer last looked.
        message.conversation = conversation
    shown = sorted(newest[:limit], key=lambda one: (one.sent_at, one.pk))
    return shown, len(newest) > limit


def _earlier(message: Message) -> Q:
    return Q(sent_at__lt=message.sent_at) | Q(sent_at=message.sent_at, pk__lt=message.pk)


def quoted_by(conversation: Conversation, messages: Iterable[Message]) -> dict[str, Message]:
    """Return the messages these answer to, by their ids at Meta."""
    known = {message.mid: message for message in messages if message.mid}
    wanted = {one.reply_to_mid for one in messages if one.reply_to_mid} - known.keys()
    if wanted:
        elsewhere = Message.objects.filter(
            account=conversation.contact.account_id, conversation=conversation, mid__in=wanted
        )
        known |= {found.mid: found for found in elsewhere.prefetch_related("attachments")}
    return {mid: found for mid, found in known.items() if mid}


def notes_of(
    conversation: Conversation, *, since: datetime | None, until: datetime | None
) -> list[Note]:
    """Return the internal notes written between two moments, oldest first."""
    found = Note.objects.filter(conversation=conversation).select_related("author")
    if since:
        found = found.filter(created_at__gte=since)
    if until:
        found = found.filter(created_at__lt=until)
    return list(found.order_by("created_at", "id")[:MOST_BUBBLES])
