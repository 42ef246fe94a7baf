"""The worker's side of private replies: call Meta, then find or make the conversation it opened."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from social_integrations.exceptions import (
    AccountOnHold,
    GraphError,
    GraphRefusedError,
    GraphUnavailableError,
    NotYet,
)
from social_integrations.graph.client import GraphClient
from social_integrations.graph.errors import ErrorKind, explain
from social_integrations.graph.reading import read_text
from social_integrations.graph.sends import MESSAGES, private_reply_body
from social_integrations.models import (
    ConnectedAccount,
    Contact,
    Conversation,
    Message,
    PrivateReply,
)

from . import budget
from .clients import client_for_account
from .delivering import LONGEST_CALL, heed
from .guarding import ended_by, guarded
from .jobs import SEND_PRIVATE_REPLY, NewJob, enqueue_all
from .merging import ECHO_TOLERANCE
from .outbound import confirm_sent
from .outbox import announce_new, lock_conversation
from .outcomes import (
    MAX_TRIES,
    RETRY_SECONDS,
    SEND_AGAIN,
    TRIED_AGAIN,
    UNREACHABLE,
    UNREACHABLE_CODE,
    code_of,
)
from .states import Event
from .unknown import LOOKS, NOBODY_KNOWS, UNKNOWN_CODE

Status = Message.Status

LOOK_BELOW = gettext_noop(
    "Look into the conversation at Instagram. Instagram takes one private reply to a comment, so "
    "it is not sent again by itself."
)
GONE = ("account_gone", "This Instagram account is disconnected.", "Connect it again.")
NO_PERMISSION = (
    gettext_noop("Meta lets this account answer comments only with the permission to manage them."),
    gettext_noop(
        "Let your administrator add the permission for comments to those asked for, then connect "
        "the account again."
    ),
)


def send_private_reply(*, reply_id: int) -> None:
    """Send a queued private reply; or, where its outcome is unknown, look for its echo.

    Raises `NotYet` where a try has to wait, and `AccountOnHold` until the account is connected.
    """
    reply = PrivateReply.objects.filter(pk=reply_id).select_related("account").first()
    if reply is None:
        return
    if reply.status in (Status.SENDING, Status.UNKNOWN):
        _settle(reply)
    elif reply.status == Status.QUEUED:
        _send(reply)


def _send(reply: PrivateReply) -> None:
    account = reply.account
    if account.status == ConnectedAccount.Status.DISCONNECTED:
        _write(reply, Status.FAILED, *GONE)
        return
    with guarded(account):
        client = client_for_account(account)
    budget.wait_for_turn(account_id=account.pk, family=budget.PRIVATE_REPLIES)
    now = timezone.now()
    mine = PrivateReply.objects.filter(
        pk=reply.pk, status=Status.QUEUED, send_attempts=reply.send_attempts
    )
    if not mine.update(
        status=Status.SENDING, send_started_at=now, send_attempts=reply.send_attempts + 1
    ):
        return
    reply.refresh_from_db()
    try:
        # The permission for comments may be the only one missing: the account goes on without.
        with guarded(account, permissions=False):
            answer = client.post_json(MESSAGES, private_reply_body(reply.comment_id, reply.text))
    except AccountOnHold:
        _requeue(reply)
        raise
    except GraphError as error:
        heed(client, account, error)
        _record_error(reply, client, error)
    else:
        _record_sent(reply, read_text(answer, "recipient_id"), read_text(answer, "message_id"))
        heed(client, account)


def _record_sent(reply: PrivateReply, igsid: str, mid: str) -> None:
    if not igsid or not mid:
        _unknown(reply)
        return
    with transaction.atomic():
        message = _message(reply, igsid)
        if message.conversation.last_message_at is None:
            announce_new(message.conversation)
        confirm_sent(message_id=message.pk, mid=mid)
        _link(reply, message.pk)


def _message(reply: PrivateReply, igsid: str) -> Message:
    """Return a message of ours for a reply, in the conversation with whom it reached.

    It does not open Meta's window: only the person's own words do.
    """
    contact, _new = Contact.objects.get_or_create(account=reply.account, igsid=igsid)
    conversation, _new = Conversation.objects.get_or_create(contact=contact)
    conversation = lock_conversation(conversation.pk)
    sent_at = reply.send_started_at or timezone.now()
    return Message.objects.create(
        account=reply.account,
        conversation=conversation,
        direction=Message.Direction.OUTBOUND,
        source=Message.Source.CRM,
        kind="text",
        text=reply.text,
        sent_at=sent_at,
        received_at=timezone.now(),
        status=Status.SENDING,
        author=reply.author,
        sent_by_id=reply.sent_by_id,
        send_started_at=reply.send_started_at,
        send_attempts=reply.send_attempts,
    )


def _record_error(reply: PrivateReply, client: GraphClient, error: GraphError) -> None:
    if budget.is_throttled(client.usage, error):
        _requeue(reply)
        raise NotYet(budget.pause_after(client.usage, error))
    if isinstance(error, GraphRefusedError):
        _record_refusal(reply, error)
    elif isinstance(error, GraphUnavailableError) and not error.may_have_arrived:
        _not_reached(reply)
    else:
        _unknown(reply)


def _record_refusal(reply: PrivateReply, error: GraphRefusedError) -> None:
    row = explain(error.code, error.subcode)
    if row.kind in (ErrorKind.SENT, ErrorKind.TEMPORARY):
        _unknown(reply)  # nobody knows whom it reached; its echo will tell
    elif ended_by(error) == Event.PERMISSION_LOST:
        _write(reply, Status.FAILED, code_of(error), *NO_PERMISSION)
    else:
        _write(reply, Status.FAILED, code_of(error), row.sentence, row.next_step)


def _not_reached(reply: PrivateReply) -> None:
    if reply.send_attempts >= MAX_TRIES:
        _write(reply, Status.FAILED, UNREACHABLE_CODE, UNREACHABLE, SEND_AGAIN)
        return
    _write(reply, Status.QUEUED, UNREACHABLE_CODE, UNREACHABLE, TRIED_AGAIN)
    raise NotYet(RETRY_SECONDS[min(reply.send_attempts, len(RETRY_SECONDS)) - 1])


def _requeue(reply: PrivateReply) -> None:
    reply.send_attempts = max(0, reply.send_attempts - 1)
    _write(reply, Status.QUEUED)


def _unknown(reply: PrivateReply) -> None:
    with transaction.atomic():
        _write(reply, Status.UNKNOWN, UNKNOWN_CODE, NOBODY_KNOWS, LOOK_BELOW)
        enqueue_all(_job(reply, delay) for delay in LOOKS)


def _job(reply: PrivateReply, delay: timedelta) -> NewJob:
    payload = {"account": reply.account_id, "private_reply": reply.pk}
    return NewJob(SEND_PRIVATE_REPLY, payload, delay=delay)


def _settle(reply: PrivateReply) -> None:
    """Take the one echo that can be the reply's, where it has come."""
    started_at = reply.send_started_at or timezone.now()
    if reply.status == Status.SENDING:
        if started_at + LONGEST_CALL > timezone.now():
            raise NotYet(LONGEST_CALL.total_seconds())
        _unknown(reply)
    echoes = Message.objects.filter(
        account=reply.account_id,
        direction=Message.Direction.OUTBOUND,
        text=reply.text,
        sent_at__range=(started_at - ECHO_TOLERANCE, started_at + ECHO_TOLERANCE),
        send_started_at=None,
        private_reply=None,
    )
    found = echoes.select_related("conversation__contact")[:2]
    if len(found) != 1 or not found[0].mid:
        return
    with transaction.atomic():
        message = _message(reply, found[0].conversation.contact.igsid)
        confirm_sent(message_id=message.pk, mid=found[0].mid)
        _link(reply, message.pk)


def _link(reply: PrivateReply, message_id: int) -> None:
    reply.message_id = message_id
    reply.save(update_fields=["message"])
    _write(reply, Status.SENT)


def _write(
    reply: PrivateReply, status: Status, code: str = "", text: str = "", action: str = ""
) -> None:
    reply.status = status
    reply.error_code, reply.error_text, reply.error_action = code[:32], text, action
    reply.save(
        update_fields=["status", "send_attempts", "error_code", "error_text", "error_action"]
    )
