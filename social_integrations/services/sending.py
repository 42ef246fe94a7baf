"""Answer customers: check against Meta's rules, queue, and leave the rest to the worker.

This is the Python API for host code. Nothing here calls Meta: a message is a row `queued` in the
caller's transaction, and a job sends it after the commit (`services/delivering.py`).
"""

from collections.abc import Sequence

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from social_integrations.exceptions import SendRefused
from social_integrations.models import Attachment, ConnectedAccount, Conversation, Message

from .drafting import check_reference, looked_up
from .drafts import Draft, Part, cut
from .gestures import mark_seen, react, show_typing, takes_any_emoji, unreact
from .outbox import lock_conversation, policy_for, touch, wake
from .private_replies import reply_privately
from .send_policy import Author, Decision
from .settling import retry, settle
from .taking_over import take_over

__all__ = [
    "find_by_reference",
    "lock_conversation",
    "mark_seen",
    "policy_for",
    "preview",
    "react",
    "reply_privately",
    "retry",
    "send",
    "settle",
    "show_typing",
    "take_over",
    "takes_any_emoji",
    "touch",
    "unreact",
    "wake",
]


def preview(draft: Draft) -> tuple[Part, ...]:
    """Return the messages a draft would become; raises `DraftError` like `send`."""
    return cut(draft)


@transaction.atomic
def send(
    *,
    conversation: Conversation,
    draft: Draft,
    author: Author = Author.HUMAN,
    sent_by: AbstractBaseUser | None = None,
    client_reference: str = "",
) -> list[Message]:
    """Queue an answer; return its messages, in the order they will be sent.

    `client_reference` (at most 64 characters) makes it safe to ask twice: the messages queued the
    first time are returned. Raises `DraftError` where Meta would refuse the content and
    `SendRefused` where its rules allow no answer now. While the account has to be connected again
    the messages wait; where their time runs out meanwhile, they come back as failed.
    """
    check_reference(client_reference)
    locked = lock_conversation(conversation.pk)
    account = locked.contact.account
    if known := find_by_reference(account, client_reference):
        return known
    parts = cut(looked_up(conversation=locked, draft=draft, sent_by=sent_by))
    decision = policy_for(locked, author=author)
    if not decision.is_allowed:
        raise SendRefused(decision)
    messages = _write(locked, parts, decision, author, sent_by, client_reference)
    touch(locked, last_message_at=messages[-1].sent_at)
    wake(locked)
    return messages


def find_by_reference(account: ConnectedAccount, reference: str) -> list[Message]:
    """Return the messages of the answer queued with a client reference, if there is one."""
    if not reference:
        return []
    first = Message.objects.filter(account=account, client_reference=reference).first()
    return [first, *first.later_parts.order_by("part")] if first else []


def _write(
    conversation: Conversation,
    parts: Sequence[Part],
    decision: Decision,
    author: Author,
    sent_by: AbstractBaseUser | None,
    client_reference: str,
) -> list[Message]:
    messages: list[Message] = []
    for number, part in enumerate(parts, start=1):
        now = timezone.now()
        message = Message.objects.create(
            account=conversation.contact.account,
            conversation=conversation,
            direction=Message.Direction.OUTBOUND,
            source=Message.Source.CRM,
            kind=part.kind,
            text=part.text,
            sent_at=now,
            received_at=now,
            reply_to_mid=part.reply_to_mid,
            quick_replies=[
                {"title": reply.title, "payload": reply.payload} for reply in part.quick_replies
            ]
            or None,
            template=part.template,
            status=Message.Status.QUEUED,
            author=author.value,
            tag=decision.tag,
            send_policy=decision.as_json(),
            sent_by_id=sent_by.pk if sent_by else None,
            client_reference=(client_reference or None) if number == 1 else None,
            first_part=messages[0] if messages else None,
            part=number,
        )
        Attachment.objects.bulk_create(
            Attachment(
                message=message,
                position=position,
                type=one.type,
                url=one.url,
                title=one.name,
                upload_id=one.upload_id,
            )
            for position, one in enumerate(part.files)
        )
        messages.append(message)
    return messages
