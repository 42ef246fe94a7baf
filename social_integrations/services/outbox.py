"""What everything that sends rests on: the conversation's lock, the policy, and the worker's call.

Every write to a message of ours happens under the lock of its conversation, as in applying.
"""

from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone

from social_integrations import signals
from social_integrations.conf import app_settings
from social_integrations.models import ConnectedAccount, Conversation, Message

from .jobs import SEND_MESSAGES, NewJob, enqueue_all
from .send_policy import Author, Decision, Facts, Standing, decide

STANDINGS = {
    ConnectedAccount.Status.CONNECTED: Standing.CONNECTED,
    ConnectedAccount.Status.REAUTH_REQUIRED: Standing.HELD,
    ConnectedAccount.Status.DISCONNECTED: Standing.GONE,
}
ERROR_FIELDS = ("error_code", "error_text", "error_action")


def policy_for(conversation: Conversation, *, author: Author = Author.HUMAN) -> Decision:
    """Return whether an answer may go out now, with the reason and the moments the windows close.

    `conversation` should have its contact and the contact's account loaded.
    """
    contact = conversation.contact
    account = contact.account
    return decide(
        Facts(
            author=author,
            now=timezone.now(),
            opened_at=conversation.last_inbound_at,
            human_agent=app_settings.HUMAN_AGENT,
            standing=STANDINGS[ConnectedAccount.Status(account.status)],
            held_elsewhere=conversation.in_standby,
            is_self=contact.igsid in (account.instagram_account_id, account.app_scoped_id),
        )
    )


def lock_conversation(pk: int) -> Conversation:
    """Return a conversation, locked until the transaction ends, with contact and account.

    Every write to a message of ours happens under this lock, as in applying.
    """
    found = Conversation.objects.select_for_update(of=("self",)).select_related("contact__account")
    return found.defer("contact__account__access_token").get(pk=pk)


def touch(conversation: Conversation, **fields: Any) -> None:
    """Write fields of a locked conversation and note that what is shown of it changed."""
    for name, value in fields.items():
        setattr(conversation, name, value)
    conversation.changed_at = timezone.now()
    conversation.save(update_fields=[*fields, "changed_at"])


def wake(conversation: Conversation, *, seconds: float = 0.0) -> None:
    """Ask the worker to send what is queued in a conversation, once the transaction commits."""
    delay = timedelta(seconds=seconds)
    enqueue_all([NewJob(SEND_MESSAGES, {"conversation": conversation.pk}, delay=delay)])


def set_error(message: Message, code: str = "", text: str = "", action: str = "") -> None:
    """Write why a message is where it is and what to do; nothing clears it."""
    message.error_code = code[:32]
    message.error_text, message.error_action = str(text), str(action)


def announce(message: Message, signal: Signal | None = None) -> None:
    """Tell the host project after the commit: by default what the message's status calls for."""
    told = signal or SIGNALS[Message.Status(message.status)]
    transaction.on_commit(partial(told.send_robust, sender=Message, message=message))


def announce_new(conversation: Conversation) -> None:
    """Tell the host project after the commit that a conversation got its first message."""
    told = signals.conversation_created
    transaction.on_commit(partial(told.send_robust, sender=Conversation, conversation=conversation))


SIGNALS: dict[Message.Status, Signal] = {
    Message.Status.SENT: signals.message_sent,
    Message.Status.FAILED: signals.message_failed,
}
