"""What a person decides about messages: send again what failed, tell what became of the unknown."""

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from social_integrations.exceptions import DraftError, SendRefused
from social_integrations.models import Conversation, Message

from .outbox import announce, lock_conversation, policy_for, set_error, touch, wake
from .send_policy import Author, Decision

Status = Message.Status


@transaction.atomic
def retry(*, message: Message, by: AbstractBaseUser | None = None) -> Message:
    """Queue a message that failed again, with the failed parts of the same answer; return it.

    It is sent as its author's, at the end of what waits. Raises `DraftError` where it did not fail
    and `SendRefused` where Meta's rules allow no answer now. `by` becomes the sender.
    """
    conversation = lock_conversation(message.conversation_id)
    found = Message.objects.get(pk=message.pk)
    if found.status != Status.FAILED or found.direction != Message.Direction.OUTBOUND:
        raise DraftError(
            "not_failed", gettext("Only a message that was not sent can be sent again.")
        )
    decision = policy_for(conversation, author=Author(found.author or Author.HUMAN))
    if not decision.is_allowed:
        raise SendRefused(decision)
    first = found.first_part_id or found.pk
    parts = Message.objects.filter(Q(pk=first) | Q(first_part=first), status=Status.FAILED)
    for part in parts.order_by("id"):
        _queue_again(part, decision, by)
    touch(conversation, last_message_at=timezone.now())
    wake(conversation)
    found.refresh_from_db()
    return found


@transaction.atomic
def settle(*, message: Message, arrived: bool, by: AbstractBaseUser | None = None) -> Message:
    """Note what a person saw at Instagram of a message whose outcome is unknown; return it.

    It is sent, or queued again; where Meta's rules allow no answer any more it comes back failed.
    Raises `DraftError` where its outcome is known by now.
    """
    conversation = lock_conversation(message.conversation_id)
    found = Message.objects.get(pk=message.pk)
    if found.status != Status.UNKNOWN:
        raise DraftError("not_unknown", gettext("What became of this message is known by now."))
    if arrived:
        _arrived(found)
    else:
        _did_not_arrive(conversation, found, by)
    touch(conversation)
    wake(conversation)
    return found


def _arrived(message: Message) -> None:
    message.status = Status.SENT
    message.sent_at = message.send_started_at or message.sent_at
    set_error(message)
    message.save()
    announce(message)


def _did_not_arrive(
    conversation: Conversation, message: Message, by: AbstractBaseUser | None
) -> None:
    decision = policy_for(conversation, author=Author(message.author or Author.HUMAN))
    if decision.is_allowed:
        _queue_again(message, decision, by)
        return
    message.status = Status.FAILED
    set_error(message, decision.code, decision.sentence, decision.action)
    message.save()
    announce(message)


def _queue_again(message: Message, decision: Decision, by: AbstractBaseUser | None) -> None:
    message.status, message.tag = Status.QUEUED, decision.tag
    message.send_policy = decision.as_json()
    message.send_attempts = 0
    message.sent_at = timezone.now()
    message.sent_by_id = by.pk if by else message.sent_by_id
    set_error(message)
    message.save()
