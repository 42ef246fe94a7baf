"""What becomes of messages this CRM sends: one row each, whichever comes first, answer or echo."""

from django.db import transaction

from social_integrations.models import (
    Attachment,
    Conversation,
    Message,
    MessageEdit,
    Reaction,
    WebhookEvent,
)

from .archiving import purge_copies
from .merging import NO_CONTENT, is_own
from .outbox import announce, lock_conversation, set_error, touch
from .unknown import mark_unknown

Status = Message.Status


@transaction.atomic
def confirm_sent(*, message_id: int, mid: str = "") -> Message | None:
    """Note that a message is out, with the id Meta gave it where it gave one. Return the row.

    Where the echo came first and nobody could tell whose it was, its row is taken into ours, with
    everything that has happened to it since. Where it was taken for another message of ours, that
    one gets its unknown outcome back. None where the message is gone.
    """
    found = Message.objects.filter(pk=message_id).values_list("conversation_id", flat=True).first()
    if found is None:
        return None
    conversation = lock_conversation(found)
    message = Message.objects.get(pk=message_id)
    was_sent = message.status == Status.SENT
    if message.mid is None:
        message.sent_at = message.send_started_at or message.sent_at
    if mid and message.mid != mid:
        _take_id(message, mid)
    message.status = Status.SENT
    set_error(message)
    message.save()
    _note_time(conversation, message)
    if not was_sent:
        announce(message)
    return message


def _take_id(message: Message, mid: str) -> None:
    """Give a message its id, and what hangs on the row that has it already."""
    if message.mid:
        _give_back(message)
    other = Message.objects.filter(account=message.account_id, mid=mid).exclude(pk=message.pk)
    if echo := other.first():
        _absorb(message, echo)
        if is_own(echo):
            _free(echo)
        else:
            echo.delete()
    message.mid = mid


def _absorb(message: Message, echo: Message) -> None:
    """Move what hangs on the echo's row to ours."""
    for model in (MessageEdit, Reaction):
        model._default_manager.filter(message=echo).update(message=message)
    message.sent_at = echo.sent_at
    message.seen_at = echo.seen_at
    message.ledger_keys = sorted({*message.ledger_keys, *echo.ledger_keys})
    if echo.edits:
        message.original_text = message.text
        message.text, message.edits, message.edited_at = echo.text, echo.edits, echo.edited_at
    if echo.unsent_at:
        message.unsent_at = echo.unsent_at
        for name, nothing in NO_CONTENT.items():
            setattr(message, name, nothing)
        purge_copies([message])
        Attachment.objects.filter(message=message).delete()


def _give_back(message: Message) -> None:
    """Undo that an echo of something else was taken for this message: it is applied anew."""
    WebhookEvent.objects.filter(event_key__in=message.ledger_keys).update(
        status=WebhookEvent.Status.RECEIVED
    )
    for model in (MessageEdit, Reaction):
        model._default_manager.filter(message=message).delete()
    _forget_echo(message)


def _forget_echo(message: Message) -> None:
    if message.edits:
        message.text, message.original_text = message.original_text, ""
        message.edits, message.edited_at = 0, None
    message.mid = message.seen_at = None
    message.ledger_keys = []
    message.sent_at = message.send_started_at or message.sent_at


def _free(mistaken: Message) -> None:
    """Take back that an echo was of this message of ours: nobody knows what became of it."""
    _forget_echo(mistaken)
    mark_unknown(mistaken)


def _note_time(conversation: Conversation, message: Message) -> None:
    newest = conversation.last_message_at
    is_newer = newest is None or message.sent_at > newest
    touch(conversation, **({"last_message_at": message.sent_at} if is_newer else {}))
