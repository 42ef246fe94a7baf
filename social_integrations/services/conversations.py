"""What staff do with a conversation besides answering: assign, close, read, note down."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from social_integrations import signals
from social_integrations.access import access_policy
from social_integrations.exceptions import ChangeRefused
from social_integrations.models import Conversation, Message, Note

from .gestures import mark_seen
from .outbox import lock_conversation, touch

MAX_NOTE = 5000


@transaction.atomic
def assign(*, conversation_id: int, assignee: Any, by: AbstractBaseUser | None) -> Conversation:
    """Give a conversation to a user, or to nobody (None); `conversation_assigned` tells of it.

    Raises `ChangeRefused` where the user could not read it.
    """
    conversation = lock_conversation(conversation_id)
    if conversation.assigned_to_id == (assignee.pk if assignee else None):
        return conversation
    if assignee is not None and not access_policy().may_be_assigned(assignee, conversation):
        raise ChangeRefused(
            "assignee",
            _("This person may not read the conversation."),
            _("Choose somebody else, or give them access to the account first."),
        )
    touch(conversation, assigned_to=assignee)
    tell = partial(signals.conversation_assigned.send_robust, sender=Conversation)
    transaction.on_commit(partial(tell, conversation=conversation, assigned_to=assignee, by=by))
    return conversation


@transaction.atomic
def set_status(*, conversation_id: int, status: str) -> Conversation:
    """Open or close a conversation; a later message of the customer opens it again."""
    conversation = lock_conversation(conversation_id)
    wanted = Conversation.Status(status)
    if conversation.status != wanted:
        closed_at = timezone.now() if wanted == Conversation.Status.CLOSED else None
        touch(conversation, status=wanted, closed_at=closed_at)
    return conversation


@transaction.atomic
def mark_read(
    *, conversation_id: int, until: datetime | None = None, show_customer: bool = False
) -> Conversation:
    """Note that staff have read a conversation, up to a message's `sent_at` or to its newest.

    With `show_customer`, the customer sees at Instagram that what they wrote was read, as far as
    Meta's window is open.
    """
    conversation = lock_conversation(conversation_id)
    read_at, until = conversation.staff_read_at, until or conversation.last_message_at
    if until is not None and (read_at is None or read_at < until):
        touch(conversation, staff_read_at=until)
        wrote_at = conversation.last_inbound_at
        if show_customer and wrote_at and (read_at is None or read_at < wrote_at):
            mark_seen(conversation=conversation)
    return conversation


@transaction.atomic
def mark_unread(*, conversation_id: int) -> Conversation:
    """Make the customer's newest message count as unread, for somebody to come back to."""
    conversation = lock_conversation(conversation_id)
    inbound = conversation.messages.filter(direction=Message.Direction.INBOUND)
    newest = inbound.order_by("-sent_at", "-id").values_list("sent_at", flat=True).first()
    read_at = conversation.staff_read_at
    if newest is not None and read_at is not None and read_at >= newest:
        touch(conversation, staff_read_at=newest - timedelta(microseconds=1))
    return conversation


@transaction.atomic
def add_note(*, conversation_id: int, author: AbstractBaseUser | None, text: str) -> Note:
    """Keep an internal note; it never leaves the CRM. Raises `ChangeRefused`."""
    text = text.strip()
    if not text:
        raise ChangeRefused("empty", _("Write something first."))
    if len(text) > MAX_NOTE:
        raise ChangeRefused("too_long", _("A note has at most 5,000 characters. Shorten it."))
    conversation = lock_conversation(conversation_id)
    note = Note.objects.create(
        conversation=conversation, author_id=author.pk if author else None, text=text
    )
    touch(conversation)
    return note
