"""Send an account's away message: once for a message, and not again before its cooldown ends."""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from social_integrations.exceptions import DraftError, SendRefused
from social_integrations.models import AwayMessage, Conversation, Message

from .drafts import Draft
from .jobs import digest
from .opening_hours import is_away, is_fresh
from .outbox import lock_conversation
from .send_policy import Author
from .sending import send

logger = logging.getLogger(__name__)

REFERENCE = "away:"


@transaction.atomic
def answer_away(*, message_id: int) -> None:
    """Queue the away message as an answer to a customer's message, if it is still wanted.

    The conversation is locked meanwhile and the message's id is the reference, so repeats,
    replays and several workers come to one answer.
    """
    conversation = _lock(message_id)
    message = Message.objects.filter(pk=message_id, conversation=conversation).first()
    if conversation is None or message is None:
        return
    away = AwayMessage.objects.filter(account=message.account_id).first()
    if away is None or not _is_wanted(away, conversation, message):
        return
    try:
        send(
            conversation=conversation,
            draft=Draft(text=away.text),
            author=Author.AUTOMATION,
            client_reference=reference_of(message),
        )
    except (SendRefused, DraftError) as refusal:
        logger.info("No away message in conversation %s: %s", conversation.pk, refusal)


def reference_of(message: Message) -> str:
    """Return what makes the answer to a message one and the same, however often it is asked for."""
    return f"{REFERENCE}{message.conversation_id}:{digest(message.mid or message.event_key or '')}"


def _lock(message_id: int) -> Conversation | None:
    """Lock the conversation of a message; None where it was erased."""
    found = Message.objects.filter(pk=message_id).values_list("conversation", flat=True)
    try:
        return lock_conversation(found.get())
    except (Message.DoesNotExist, Conversation.DoesNotExist):
        return None


def _is_wanted(away: AwayMessage, conversation: Conversation, message: Message) -> bool:
    return (
        away.enabled
        and bool(away.text.strip())
        # What would wait for a new connection could go out in the middle of a working day.
        and conversation.contact.account.is_active
        and message.unsent_at is None
        and is_fresh(message.sent_at, timezone.now())
        and is_away(away, away.opening_hours.all(), message.sent_at)
        and not _was_sent_lately(away, conversation)
        and not _somebody_answered(away, conversation, message)
    )


def _was_sent_lately(away: AwayMessage, conversation: Conversation) -> bool:
    since = timezone.now() - timedelta(hours=away.cooldown_hours)
    automatic = _answers(conversation).filter(
        author=Message.Author.AUTOMATION, client_reference__startswith=REFERENCE
    )
    return automatic.filter(sent_at__gt=since).exists()


def _somebody_answered(away: AwayMessage, conversation: Conversation, message: Message) -> bool:
    since = message.sent_at - timedelta(minutes=away.staff_minutes)
    by_hand = _answers(conversation).exclude(author=Message.Author.AUTOMATION)
    return by_hand.filter(sent_at__gte=since).exists()


def _answers(conversation: Conversation) -> QuerySet[Message]:
    return conversation.messages.filter(direction=Message.Direction.OUTBOUND).exclude(
        status=Message.Status.FAILED
    )
