"""What the inbox reads besides the selectors; as many statements for many rows as for one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, prefetch_related_objects

from social_integrations.access import access_policy
from social_integrations.models import ConnectedAccount, Conversation, Message, Note
from social_integrations.selectors import quoted_messages, without_tokens
from social_integrations.selectors.threads import complete

BUBBLES = 30
MOST_BUBBLES = 120
NOTES = 100
NOTE_BEGINNING = 200


@dataclass(frozen=True, slots=True)
class Marks:
    """What a row of the list says besides the newest message."""

    has_unknown: bool = False
    """Whether there is a message of ours of which nobody knows whether it arrived."""
    has_failed: bool = False
    """Whether the newest message of ours was not sent."""
    note: str = ""
    """The newest internal note, where it is newer than the newest message."""


def seen_conversations(user: PermissionsMixin | AnonymousUser) -> QuerySet[Conversation]:
    """Return the conversations the user may see, with contact, account and assignee."""
    return (
        access_policy()
        .conversations_for(user)
        .select_related("contact__account", "assigned_to")
        .defer("contact__account__access_token")
    )


def accounts_of(user: PermissionsMixin | AnonymousUser) -> list[ConnectedAccount]:
    """Return the accounts the user may see."""
    return list(without_tokens(access_policy().accounts_for(user)))


def marks_of(conversations: Iterable[Conversation]) -> dict[int, Marks]:
    """Return what rows say besides the newest message, by conversation: one statement."""
    own = Message.objects.filter(conversation=OuterRef("pk"))
    answers = own.filter(direction=Message.Direction.OUTBOUND).order_by("-sent_at", "-id")
    newer = Note.objects.filter(
        conversation=OuterRef("pk"), created_at__gt=OuterRef("last_message_at")
    ).order_by("-created_at", "-id")
    rows = (
        Conversation.objects.filter(pk__in=[one.pk for one in conversations])
        .annotate(
            has_unknown=Exists(own.filter(status=Message.Status.UNKNOWN)),
            answer=Subquery(answers.values("status")[:1]),
            note=Subquery(newer.values("text")[:1]),
        )
        .values_list("pk", "has_unknown", "answer", "note")
    )
    return {
        pk: Marks(bool(unknown), answer == Message.Status.FAILED, (note or "")[:NOTE_BEGINNING])
        for pk, unknown, answer, note in rows
    }


def messages_of(
    conversation: Conversation,
    *,
    before: Message | None = None,
    since: Message | None = None,
) -> tuple[list[Message], bool]:
    """Return messages with what hangs on them, oldest first, and whether there are older ones.

    The newest, or those before a message; `since` asks for all from that message on, up to a bound.
    """
    found, limit = conversation.messages.order_by("-sent_at", "-id"), BUBBLES
    if before is not None:
        earlier = Q(sent_at__lt=before.sent_at) | Q(sent_at=before.sent_at, pk__lt=before.pk)
        found = found.filter(earlier, sent_at__lte=before.sent_at)
    if since is not None:
        found, limit = found.filter(sent_at__gte=since.sent_at), MOST_BUBBLES
    newest = list(complete(found)[: limit + 1])
    for message in newest:
        # The same object: bubbles ask it when the customer last looked.
        message.conversation = conversation
    return newest[:limit][::-1], len(newest) > limit


def quoted_by(messages: Sequence[Message]) -> dict[str, Message]:
    """Return the messages these answer, by their ids at Meta."""
    by_id = {message.pk: message for message in messages}
    # Those on the page have everything loaded already.
    found = {mid: by_id.get(one.pk, one) for mid, one in quoted_messages(messages).items()}
    prefetch_related_objects([one for one in found.values() if one.pk not in by_id], "sent_by")
    return found


def notes_of(
    conversation: Conversation, *, since: datetime | None, until: datetime | None
) -> list[Note]:
    """Return the internal notes written between two moments, oldest first."""
    found = conversation.notes.select_related("author").order_by("-created_at", "-id")
    if since:
        found = found.filter(created_at__gte=since)
    if until:
        found = found.filter(created_at__lt=until)
    return list(found[:NOTES])[::-1]


def message_of(conversation: Conversation, number: str) -> Message | None:
    """Return a message of this conversation by its number as it stands in an address."""
    if not (number.isascii() and number.isdecimal()) or len(number) > 18:
        return None
    return conversation.messages.filter(pk=int(number)).first()
