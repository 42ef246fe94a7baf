"""Send what is queued, one conversation at a time: claim, call Meta, record what came of it.

Claiming and recording are transactions of their own under the conversation's lock; Meta is called
between them. A worker that dies in between leaves a message `sending`: nobody sends it again, and
once its call must be over it is `unknown` (`services/unknown.py`).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from social_integrations.exceptions import AccountOnHold, GraphError, NotYet
from social_integrations.graph.client import GraphClient
from social_integrations.graph.reading import read_text
from social_integrations.graph.sends import MESSAGES, Media, Outgoing, message_body
from social_integrations.models import Attachment, ConnectedAccount, Conversation, Message

from . import budget
from .clients import client_for_account, flavour_of
from .guarding import guarded
from .hosting import UPLOADED_FIRST, hosted
from .outbox import lock_conversation, policy_for, set_error, touch
from .outcomes import (
    MAX_TRIES,
    RETRY_SECONDS,
    Claim,
    fail,
    put_back,
    record_error,
    record_sent,
    record_unknown,
)
from .send_policy import Author
from .unknown import mark_unknown
from .uploads import link_for

Status = Message.Status

# No new call begins after so many seconds: with the longest call a job stays well below its lease.
BUDGET_SECONDS = 30.0
# The transport's deadline and a margin: after that no call can still be under way.
LONGEST_CALL = timedelta(seconds=60)
EARLIER_PART = (
    "earlier_part",
    gettext_noop("An earlier part of this answer was not sent."),
    gettext_noop("Send one of the parts again; the others go along."),
)
FILE_GONE = (
    "file_gone",
    gettext_noop("The file to be sent is no longer kept here."),
    gettext_noop("Choose the file again."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A claimed message and what is to be sent of it."""

    claim: Claim
    igsid: str
    outgoing: Outgoing


def deliver(*, conversation_id: int) -> None:
    """Send what is queued in a conversation, in order.

    Raises `NotYet` where another worker is at it, a try has to wait or the time is up, and
    `AccountOnHold` where the account has to be connected again first.
    """
    ends = time.monotonic() + BUDGET_SECONDS
    while deliver_next(conversation_id):
        if time.monotonic() > ends:
            raise NotYet(0)


def deliver_next(conversation_id: int) -> bool:
    """Do the next thing for a conversation; return whether there was anything to do."""
    head = _queued(conversation_id).select_related("account").first()
    if head is None:
        return _forget_stale(conversation_id)
    account, client = head.account, None
    if account.is_active:
        with guarded(account):
            client = client_for_account(account)
        budget.wait_for_turn(account_id=account.pk, family=family_of(account, head.kind))
    found = claim_next(conversation_id, account)
    if found is None:
        return False
    if not isinstance(found, Start):
        raise found
    if client is None:  # connected again between the two looks
        put_back(found.claim)
        raise NotYet(1)
    _call(client, found)
    return True


def family_of(account: ConnectedAccount, kind: str) -> str:
    """Return which of Meta's allowances a message counts against."""
    if kind in ("audio", "video"):
        return budget.SEND_MEDIA
    is_instagram = account.login == ConnectedAccount.Login.INSTAGRAM
    return budget.SEND_INSTAGRAM if is_instagram else budget.SEND_FACEBOOK


@transaction.atomic
def claim_next(
    conversation_id: int, account: ConnectedAccount
) -> Start | NotYet | AccountOnHold | None:
    """Take the next message of a conversation that may go out now.

    Returns what to raise where there is one that has to wait: raised in here, it would undo what
    was written of the messages before it.
    """
    conversation = lock_conversation(conversation_id)
    if wait := _wait_for_sending(conversation):
        return wait
    for message in _queued(conversation_id):
        gate = _gate(message)
        if gate == Status.FAILED:
            fail(message, *EARLIER_PART)
            touch(conversation)
        elif gate == Status.UNKNOWN:
            return None  # nothing overtakes a queued message
        elif stop := _prepare(conversation, message, account):
            return stop
    return None


def _prepare(
    conversation: Conversation, message: Message, account: ConnectedAccount
) -> Start | NotYet | AccountOnHold | None:
    """Start a message, or say what it waits for; None where it has failed for good."""
    decision = policy_for(conversation, author=Author(message.author or Author.HUMAN))
    message.send_policy, message.tag = decision.as_json(), decision.tag
    if not decision.is_allowed:
        fail(message, decision.code, decision.sentence, decision.action)
        touch(conversation)
        return None
    if decision.is_held:
        return AccountOnHold(account.pk)
    now = timezone.now()
    if wait := _backoff(message, now):
        return NotYet(wait)
    outgoing = outgoing_of(message)
    if outgoing is None:
        fail(message, *FILE_GONE)
        touch(conversation)
        return None
    return _start(conversation, message, account, outgoing, now)


def _start(
    conversation: Conversation,
    message: Message,
    account: ConnectedAccount,
    outgoing: Outgoing,
    now: datetime,
) -> Start | None:
    message.status, message.send_started_at = Status.SENDING, now
    message.send_attempts += 1
    set_error(message)
    written = Message.objects.filter(pk=message.pk, status=Status.QUEUED).update(
        status=message.status,
        send_started_at=now,
        send_attempts=message.send_attempts,
        send_policy=message.send_policy,
        tag=message.tag,
        error_code="",
        error_text="",
        error_action="",
    )
    if not written:  # disconnected at this very moment
        return None
    touch(conversation)
    claim = Claim(
        message_id=message.pk, conversation_id=conversation.pk, account=account, started_at=now
    )
    return Start(claim=claim, igsid=conversation.contact.igsid, outgoing=outgoing)


def outgoing_of(message: Message) -> Outgoing | None:
    """Return what is sent of a message; None where a file of it is gone."""
    attachments = message.attachments.select_related("upload").order_by("position", "id")
    files = [_media(attachment) for attachment in attachments]
    if any(not (one.url or one.attachment_id) for one in files):
        return None
    return Outgoing(
        text=message.text,
        files=files,
        template=message.template,
        quick_replies=message.quick_replies or (),
        reply_to_mid=message.reply_to_mid,
        tag=message.tag,
    )


def _media(attachment: Attachment) -> Media:
    media = Media(type=attachment.type, url=attachment.url, attachment_id=attachment.media_id)
    upload = attachment.upload
    if upload is None:
        return media
    must_upload = upload.content_type in UPLOADED_FIRST
    return replace(media, url=link_for(upload), must_upload=must_upload)


def _call(client: GraphClient, start: Start) -> None:
    """Call Meta once, and record what came of it whatever that is."""
    claim = start.claim
    try:
        # Uploading needs a permission that sending does not: without it only this message fails.
        with guarded(claim.account, permissions=False):
            outgoing = replace(start.outgoing, files=hosted(client, start.outgoing.files))
        body = message_body(start.igsid, outgoing, flavour_of(claim.account.login))
        with guarded(claim.account):
            answer = client.post_json(MESSAGES, body)
    except AccountOnHold:
        put_back(claim)  # the next claim sees how the account stands
    except GraphError as error:
        heed(client, claim.account, error)
        record_error(claim, error, throttled=budget.is_throttled(client.usage, error))
    except Exception:
        record_unknown(claim)
        raise
    else:
        record_sent(claim, read_text(answer, "message_id"))
        heed(client, claim.account)


def heed(client: GraphClient, account: ConnectedAccount, error: GraphError | None = None) -> None:
    """Let the whole account send nothing for as long as Meta's latest answer wishes."""
    seconds = budget.pause_after(client.usage, error)
    if seconds:
        budget.pause_all(account_id=account.pk, families=budget.SENDING, seconds=seconds)


def _queued(conversation_id: int) -> QuerySet[Message]:
    return Message.objects.filter(conversation=conversation_id, status=Status.QUEUED).order_by("id")


def _wait_for_sending(conversation: Conversation) -> NotYet | None:
    """Return how long another worker may be at it; what must be over is unknown from now on."""
    now = timezone.now()
    sending = Message.objects.filter(conversation=conversation, status=Status.SENDING)
    for message in sending.order_by("id"):
        over_at = (message.send_started_at or now - LONGEST_CALL) + LONGEST_CALL
        if over_at > now:
            return NotYet((over_at - now).total_seconds())
        mark_unknown(message)
        touch(conversation)
    return None


@transaction.atomic
def _forget_stale(conversation_id: int) -> bool:
    """Note what a dead worker left behind where nothing else is queued; there is nothing to do."""
    if Message.objects.filter(conversation=conversation_id, status=Status.SENDING).exists():
        _wait_for_sending(lock_conversation(conversation_id))
    return False


def _gate(message: Message) -> Status | None:
    """Return what an earlier part of the same answer makes of a part; None where it may go."""
    if message.first_part_id is None:
        return None
    first = Message.objects.filter(pk=message.first_part_id)
    later = Message.objects.filter(first_part=message.first_part_id, part__lt=message.part)
    states: Sequence[str] = list((first | later).values_list("status", flat=True))
    return next((state for state in (Status.FAILED, Status.UNKNOWN) if state in states), None)


def _backoff(message: Message, now: datetime) -> float:
    """Return the seconds until a message that was tried may be tried again."""
    if not message.send_attempts or message.send_started_at is None:
        return 0.0
    pause = RETRY_SECONDS[min(message.send_attempts, MAX_TRIES - 1) - 1]
    again_at = message.send_started_at + timedelta(seconds=pause)
    return max(0.0, (again_at - now).total_seconds())
