"""What becomes of messages this CRM sends: one row each, whichever comes first, answer or echo."""

from django.db import transaction

from social_integrations.models import Attachment, Conversation, Message, MessageEdit, Reaction

from .merging import UNSETTLED


@transaction.atomic
def confirm_sent(*, message_id: int, mid: str) -> Message | None:
    """Note Meta's answer to a send: the message is out and has this id. Return the row.

    Where the echo came first and nobody could tell whose it was, its row is taken into ours, with
    everything that has happened to it since. None where the message is gone.
    """
    found = Message.objects.filter(pk=message_id).values_list("conversation_id", flat=True).first()
    if found is None:
        return None
    Conversation.objects.select_for_update().get(pk=found)
    message = Message.objects.get(pk=message_id)
    echo = Message.objects.filter(account=message.account_id, mid=mid).exclude(pk=message_id)
    if other := echo.first():
        _absorb(message, other)
    message.mid = mid
    if message.status in UNSETTLED or message.status == Message.Status.QUEUED:
        message.status = Message.Status.SENT
    message.save()
    return message


def _absorb(message: Message, echo: Message) -> None:
    """Move what hangs on the echo's row to ours, and let the echo's row go."""
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
        message.text = message.original_text = ""
        Attachment.objects.filter(message=message).delete()
    echo.delete()
