"""What an answer of Meta's makes of a message: one table, and its rows carried out under the lock.

`docs/sending.md` shows the table with its reasons.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop

from social_integrations.exceptions import (
    GraphError,
    GraphPausedError,
    GraphRefusedError,
    GraphUnavailableError,
)
from social_integrations.graph.errors import ErrorKind, explain
from social_integrations.models import ConnectedAccount, Message

from .budget import SENDING, pause_all
from .outbound import confirm_sent
from .outbox import announce, lock_conversation, set_error, touch
from .troubles import RESTRICTED, note_trouble
from .unknown import mark_refused_for_now, mark_unknown

Status = Message.Status

# Tries of one message before it is given up, and the seconds to wait after each.
RETRY_SECONDS = (5.0, 20.0, 60.0, 300.0, 900.0)
MAX_TRIES = len(RETRY_SECONDS) + 1
MAX_TEMPORARY_TRIES = 3
MAX_RESTRICTED_TRIES = 3
RESTRICTED_SECONDS = 1800.0

UNREACHABLE_CODE = "unreachable"
# Kept in English, and translated where they are shown.
UNREACHABLE = gettext_noop("Instagram could not be reached, so this was not sent.")
TRIED_AGAIN = gettext_noop("Nothing to do: it is tried again by itself.")
SEND_AGAIN = gettext_noop("Send it again in a while.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A message whose call to Meta is this worker's: as long as the row names the same try."""

    message_id: int
    conversation_id: int
    account: ConnectedAccount
    started_at: datetime


def record_sent(claim: Claim, mid: str) -> None:
    """Note Meta's answer to a message; without an id nobody can tell that it went out."""
    if mid:
        confirm_sent(message_id=claim.message_id, mid=mid)
    else:
        _record(claim, mark_unknown)


def record_unknown(claim: Claim) -> None:
    """Note that the call broke after the request may have reached Meta."""
    _record(claim, mark_unknown)


def put_back(claim: Claim) -> None:
    """Queue a message again that Meta refused for the account's sake; it costs no try."""
    _record(claim, lambda message: _requeue(message, costs_try=False))


def record_error(claim: Claim, error: GraphError, *, throttled: bool) -> None:
    """Note what Meta's refusal, or its silence, makes of a message."""
    if throttled:
        row = explain(4, None)
        words = ("throttled", row.sentence, TRIED_AGAIN)
        _record(claim, lambda message: _requeue(message, *words, costs_try=False))
    elif isinstance(error, GraphRefusedError):
        _record_refusal(claim, error)
    elif isinstance(error, GraphUnavailableError) and not error.may_have_arrived:
        _record(claim, _not_reached)
    elif isinstance(error, GraphPausedError):
        put_back(claim)
    else:
        record_unknown(claim)


def fail(message: Message, code: str, text: str, action: str) -> None:
    """Write that a message did not go out, and tell the host project; under the lock."""
    message.status = Status.FAILED
    set_error(message, code, text, action)
    message.save()
    announce(message)


def code_of(error: GraphRefusedError) -> str:
    """Return Meta's error as it is shown: code and subcode."""
    return f"{error.code}/{error.subcode}" if error.subcode else str(error.code)


def _record_refusal(claim: Claim, error: GraphRefusedError) -> None:
    kind = explain(error.code, error.subcode).kind
    if kind == ErrorKind.SENT:
        confirm_sent(message_id=claim.message_id)
        return
    if kind == ErrorKind.RESTRICTED:
        pause_all(account_id=claim.account.pk, families=SENDING, seconds=RESTRICTED_SECONDS)
        note_trouble(account=claim.account, code=RESTRICTED)
    handle = REFUSALS.get(kind, _refused)
    _record(claim, lambda message: handle(message, error))


def _refused(message: Message, error: GraphRefusedError) -> None:
    row = explain(error.code, error.subcode)
    fail(message, code_of(error), row.sentence, row.next_step)


def _temporary(message: Message, error: GraphRefusedError) -> None:
    mark_refused_for_now(message, code_of(error), explain(error.code, error.subcode).sentence)


def _restricted(message: Message, error: GraphRefusedError) -> None:
    """Try again once the pause is over, but not for ever."""
    row = explain(error.code, error.subcode)
    if message.send_attempts >= MAX_RESTRICTED_TRIES:
        _refused(message, error)
    else:
        _requeue(message, code_of(error), row.sentence, row.next_step)


# What does not simply fail. Everything else Meta refuses would be refused again.
REFUSALS: dict[ErrorKind, Callable[[Message, GraphRefusedError], None]] = {
    ErrorKind.TEMPORARY: _temporary,
    ErrorKind.RESTRICTED: _restricted,
}


def _not_reached(message: Message) -> None:
    if message.send_attempts >= MAX_TRIES:
        fail(message, UNREACHABLE_CODE, UNREACHABLE, SEND_AGAIN)
    else:
        _requeue(message, UNREACHABLE_CODE, UNREACHABLE, TRIED_AGAIN)


def _requeue(
    message: Message, code: str = "", text: str = "", action: str = "", *, costs_try: bool = True
) -> None:
    message.status = Status.QUEUED
    if not costs_try:
        message.send_attempts = max(0, message.send_attempts - 1)
    set_error(message, code, text, action)
    message.save()


def _record(claim: Claim, change: Callable[[Message], None]) -> None:
    """Change a message under its lock, unless its echo or another worker settled it meanwhile."""
    with transaction.atomic():
        conversation = lock_conversation(claim.conversation_id)
        message = Message.objects.filter(
            pk=claim.message_id, status=Status.SENDING, send_started_at=claim.started_at
        ).first()
        if message is not None:
            change(message)
            touch(conversation)
