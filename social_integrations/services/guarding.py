"""Calls to Meta for an account: the first refusal of its access is the last call with it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from social_integrations.exceptions import AccountOnHold, GraphRefusedError, TokenDecryptionError
from social_integrations.graph.errors import ErrorKind, explain
from social_integrations.models import ConnectedAccount

from .disconnecting import disconnect
from .states import TRANSITIONS, Event, Words, lock_as_read, move
from .troubles import ACCESS_OFF, OWNER_SWITCH, note_trouble

APP_REMOVED = (190, 458)


@contextmanager
def guarded(account: ConnectedAccount, *, permissions: bool = True) -> Iterator[None]:
    """Run calls to Meta for the account; note it where they show that its access has ended.

    Then `AccountOnHold` is raised, which lets a job wait for the account. Every other error goes
    its way, with `permissions=False` also that of a missing permission. `account` is the row as it
    was read before its token was used.
    """
    try:
        yield
    except TokenDecryptionError:
        move(account=account, event=Event.TOKEN_UNREADABLE)
        raise AccountOnHold(account.pk) from None
    except GraphRefusedError as error:
        optional = not permissions and ended_by(error) == Event.PERMISSION_LOST
        if optional or not note_refusal(account=account, error=error):
            raise
        raise AccountOnHold(account.pk, disconnected=is_removed(error)) from None


def note_refusal(*, account: ConnectedAccount, error: GraphRefusedError) -> bool:
    """Move the account where Meta's refusal leads; return whether it says that access has ended."""
    if is_removed(error):
        with transaction.atomic():
            if lock_as_read(account):
                disconnect(account=account, reason=Event.DEAUTHORIZED)
        return True
    event = ended_by(error)
    if event is None:
        if (error.code, error.subcode) == OWNER_SWITCH:
            note_trouble(account=account, code=ACCESS_OFF)
        return False
    row = explain(error.code, error.subcode)
    action = row.next_step or TRANSITIONS[event].action
    move(account=account, event=event, words=Words(row.sentence, action))
    return True


def is_removed(error: GraphRefusedError) -> bool:
    """Return whether the person removed the app: the deauthorise callback may never come."""
    return (error.code, error.subcode) == APP_REMOVED


def ended_by(error: GraphRefusedError) -> Event | None:
    """Return the event a refusal of Meta's stands for; None where access has not ended.

    Meta: 10, 200 and 299 mean a lost permission only without a subcode; with one they may be about
    one message or person.
    """
    kind = explain(error.code, error.subcode).kind
    if kind == ErrorKind.AUTH:
        return Event.TOKEN_REFUSED
    if kind == ErrorKind.PERMISSION and error.subcode is None:
        return Event.PERMISSION_LOST
    return None
