"""What is said without words: reactions, typing, and that staff have read; all sent by the worker.

Reactions are kept and tried again. Typing and reading are best effort: one try, dropped once stale.
"""

import logging
from datetime import timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from social_integrations.exceptions import DraftError, SendRefused
from social_integrations.models import ConnectedAccount, Conversation, Message, Reaction

from .graphemes import is_emoji
from .jobs import SEND_REACTION, SENDER_ACTION, NewJob, enqueue_all
from .outbox import lock_conversation, policy_for, touch

logger = logging.getLogger(__name__)

TYPING_ON, TYPING_OFF, MARK_SEEN = "typing_on", "typing_off", "mark_seen"
# Asked for again within so many seconds, the same gesture is made once.
SAME_GESTURE = timedelta(seconds=5)
HEARTS = ("❤️", "❤", "♥️", "♥")


def takes_any_emoji(account: ConnectedAccount) -> bool:
    """Return whether messages of the account can be reacted to with any emoji, or with ❤ only.

    Meta documents nothing but `love` for Facebook Login.
    """
    return account.login == ConnectedAccount.Login.INSTAGRAM


@transaction.atomic
def react(*, message: Message, emoji: str, by: AbstractBaseUser | None = None) -> Reaction:
    """Queue the business's reaction to a message, in place of an earlier one; return it.

    Raises `DraftError` where Meta would refuse it and `SendRefused` where its rules allow no answer
    now. `delivery` and `error_text` of the reaction say what became of it.
    """
    conversation = lock_conversation(message.conversation_id)
    account = conversation.contact.account
    if not is_emoji(emoji):
        raise DraftError(
            "emoji", gettext("This is not one emoji."), gettext("Choose one to react with.")
        )
    if emoji not in HEARTS and not takes_any_emoji(account):
        raise DraftError(
            "emoji",
            gettext("Through this connection Instagram takes only ❤ as a reaction."),
            gettext("React with ❤, or answer with a message."),
        )
    found = _checked(conversation, message)
    return _want(conversation, found, emoji, by)


@transaction.atomic
def unreact(*, message: Message, by: AbstractBaseUser | None = None) -> Reaction | None:
    """Queue taking the business's reaction back; return it, None where there is none.

    Raises `SendRefused` where Meta's rules allow no answer now.
    """
    conversation = lock_conversation(message.conversation_id)
    actor_id = conversation.contact.account.instagram_account_id
    standing = Reaction.objects.filter(message=message, actor_id=actor_id, removed_at=None)
    if not standing.exists():
        return None
    found = _checked(conversation, message)
    return _want(conversation, found, "", by)


def show_typing(*, conversation: Conversation, on: bool) -> None:
    """Let the customer see that somebody is typing, or not any more; as well as it goes."""
    _gesture(conversation, TYPING_ON if on else TYPING_OFF)


def mark_seen(*, conversation: Conversation) -> None:
    """Let the customer see that their messages were read; as well as it goes."""
    _gesture(conversation, MARK_SEEN)


def _checked(conversation: Conversation, message: Message) -> Message:
    """Return the message as it is now, under the lock: it may have been unsent meanwhile."""
    found = Message.objects.get(pk=message.pk)
    if not found.mid or found.unsent_at:
        raise DraftError(
            "no_message",
            gettext("Instagram does not know this message (any more)."),
            gettext("Answer with a message instead."),
        )
    decision = policy_for(conversation)
    if not decision.is_allowed:
        raise SendRefused(decision)
    return found


def _want(
    conversation: Conversation, message: Message, emoji: str, by: AbstractBaseUser | None
) -> Reaction:
    """Write the reaction wanted (the empty emoji: none), and ask the worker for it."""
    now = timezone.now()
    reaction, _created = Reaction.objects.update_or_create(
        message=message,
        actor_id=conversation.contact.account.instagram_account_id,
        defaults={
            **({"emoji": emoji, "reaction": "love" if emoji in HEARTS else ""} if emoji else {}),
            "reacted_at": now,
            "removed_at": None if emoji else now,
            "delivery": Reaction.Delivery.QUEUED,
            "error_text": "",
        },
    )
    logger.info("Reaction to message %s wanted by user %s", message.pk, by.pk if by else "-")
    touch(conversation)
    enqueue_all([NewJob(SEND_REACTION, {"message": message.pk})])
    return reaction


def _gesture(conversation: Conversation, action: str) -> None:
    now = timezone.now()
    if not policy_for(conversation).is_allowed:
        return
    slot = int(now.timestamp() // SAME_GESTURE.total_seconds())
    payload = {"conversation": conversation.pk, "action": action, "at": now.isoformat()}
    enqueue_all(
        [NewJob(SENDER_ACTION, payload, f"{SENDER_ACTION}:{conversation.pk}:{action}:{slot}")]
    )
