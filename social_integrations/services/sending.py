"""Answer customers: check against Meta's rules, queue, and leave the rest to the worker.

This is the Python API for host code. Nothing here calls Meta: a message is a row `queued` in the
caller's transaction, and a job sends it after the commit (`services/delivering.py`).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from social_integrations.conf import app_settings
from social_integrations.exceptions import DraftError, SendRefused
from social_integrations.models import (
    Attachment,
    ConnectedAccount,
    Conversation,
    Message,
)

from . import uploads
from .drafts import Draft, Part, cut
from .jobs import SEND_MESSAGES, NewJob, enqueue_all
from .send_policy import Author, Decision, Facts, Standing, decide
from .texts import clean_line

STANDINGS = {
    ConnectedAccount.Status.CONNECTED: Standing.CONNECTED,
    ConnectedAccount.Status.REAUTH_REQUIRED: Standing.HELD,
    ConnectedAccount.Status.DISCONNECTED: Standing.GONE,
}


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
    locked = lock_conversation(conversation.pk)
    account = locked.contact.account
    if client_reference and (known := _find_by_reference(account, client_reference)):
        return known
    parts = cut(_checked(locked, draft, sent_by))
    decision = policy_for(locked, author=author)
    if not decision.is_allowed:
        raise SendRefused(decision)
    messages = _write(locked, parts, decision, author, sent_by, client_reference)
    touch(locked, last_message_at=messages[-1].sent_at)
    wake(locked)
    return messages


def _checked(conversation: Conversation, draft: Draft, sent_by: AbstractBaseUser | None) -> Draft:
    """Return the draft with its files looked up; refuse a quote of what cannot be quoted."""
    quoted = draft.reply_to_mid
    if quoted and not conversation.messages.filter(mid=clean_line(quoted), unsent_at=None).exists():
        raise DraftError(
            "reply_to",
            gettext("The message you quote is no longer in this conversation."),
            gettext("Send your answer without the quote."),
        )
    files = uploads.take(conversation=conversation, files=draft.files, sent_by=sent_by)
    return replace(draft, files=files)


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


def wake(conversation: Conversation) -> None:
    """Ask the worker to send what is queued in a conversation, once the transaction commits."""
    enqueue_all([NewJob(SEND_MESSAGES, {"conversation": conversation.pk})])


def _find_by_reference(account: ConnectedAccount, reference: str) -> list[Message]:
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
