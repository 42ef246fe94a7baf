"""The states of a connected account: what happens to it, where that leads, and in which words.

Receiving never looks at the state: what Meta delivers is stored whatever stands here.
"""

import logging
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.dispatch import Signal
from django.utils import timezone

from social_integrations import signals
from social_integrations.graph.errors import NO_LINK
from social_integrations.models import ConnectedAccount
from social_integrations.selectors import without_tokens

from .notices import enqueue_notice

logger = logging.getLogger(__name__)

Status = ConnectedAccount.Status


class Event(StrEnum):
    """What can end our access to an account."""

    TOKEN_REFUSED = "token_refused"  # noqa: S105 - a name
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - a name
    TOKEN_UNREADABLE = "token_unreadable"  # noqa: S105 - a name
    PERMISSION_LOST = "permission_lost"
    PAGE_UNLINKED = "page_unlinked"
    DEAUTHORIZED = "deauthorized"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class Transition:
    """Where an event leads, from where, and the words to keep where nobody has better ones."""

    target: Status
    sources: tuple[Status, ...]
    reason: str
    action: str


CONNECT_AGAIN = "Connect the account again."
IF_WANTED = "Connect the account again if you want its messages here."
ACTIVE = (Status.CONNECTED,)
NOT_DISCONNECTED = (Status.CONNECTED, Status.REAUTH_REQUIRED)

TRANSITIONS: dict[Event, Transition] = {
    # Meta's 190 with its subcodes, and the older 102; Meta's error table has the better words.
    Event.TOKEN_REFUSED: Transition(
        Status.REAUTH_REQUIRED,
        ACTIVE,
        "Meta no longer accepts our access to this account.",
        CONNECT_AGAIN,
    ),
    Event.TOKEN_EXPIRED: Transition(
        Status.REAUTH_REQUIRED, ACTIVE, "Our access to this account has expired.", CONNECT_AGAIN
    ),
    Event.TOKEN_UNREADABLE: Transition(
        Status.REAUTH_REQUIRED,
        ACTIVE,
        "The stored access to this account cannot be read with INSTAGRAM_TOKEN_ENCRYPTION_KEYS.",
        "Connect the account again, or put the missing key back into the setting first.",
    ),
    # Meta's 10, 200 and 299 without a subcode.
    Event.PERMISSION_LOST: Transition(
        Status.REAUTH_REQUIRED,
        ACTIVE,
        "A permission for this account is missing or was taken back.",
        "Connect the account again and leave every permission ticked.",
    ),
    # Meta tells nobody: the link is read again by every daily look.
    Event.PAGE_UNLINKED: Transition(
        Status.REAUTH_REQUIRED, ACTIVE, NO_LINK.sentence, NO_LINK.next_step
    ),
    # Meta's deauthorise callback, which may never come, and 190/458, which says the same.
    Event.DEAUTHORIZED: Transition(
        Status.DISCONNECTED,
        NOT_DISCONNECTED,
        "The app was removed at Meta by the person who connected this account.",
        IF_WANTED,
    ),
    Event.DISCONNECTED: Transition(
        Status.DISCONNECTED, NOT_DISCONNECTED, "This account was disconnected here.", IF_WANTED
    ),
}
SIGNALS: dict[Status, Signal] = {
    Status.REAUTH_REQUIRED: signals.account_reauth_required,
    Status.DISCONNECTED: signals.account_disconnected,
}


@dataclass(frozen=True, slots=True)
class Words:
    """A reason and the next step, better than the table's own."""

    reason: str
    action: str


def move(
    *,
    account: ConnectedAccount,
    event: Event,
    words: Words | None = None,
    facts: dict[str, Any] | None = None,
) -> bool:
    """Do what the event calls for, once; return whether the account's state changed by it.

    `account` is the row as it was read before Meta was asked: if it was connected again or its
    token replaced since, a fault of the token was the old token's, and nothing happens. Staff are
    told, and after the commit the signal is sent with `facts`.
    """
    row = TRANSITIONS[event]
    reason, action = (words.reason, words.action) if words else (row.reason, row.action)
    with transaction.atomic():
        same = Q(pk=account.pk) if row.target == Status.DISCONNECTED else as_read(account)
        sources = ConnectedAccount.objects.filter(same, status__in=row.sources)
        changed = sources.update(status=row.target, status_reason=reason, status_action=action)
        if not changed:
            return False
        logger.warning("Account %s is %s: %s", account.instagram_account_id, row.target, event)
        enqueue_notice(account_id=account.pk, notice=row.target)
        transaction.on_commit(
            partial(
                _announce, account.pk, row.target, event=event.value, reason=reason, **(facts or {})
            )
        )
    return True


def flag_expired() -> int:
    """Move accounts whose token has reached its end; return how many."""
    expired = without_tokens(ConnectedAccount.objects.all()).filter(
        status=Status.CONNECTED, token_expires_at__lte=timezone.now()
    )
    return sum(move(account=account, event=Event.TOKEN_EXPIRED) for account in expired)


def lock_as_read(account: ConnectedAccount) -> bool:
    """Lock the row for the transaction; return whether its token is still the one that was read."""
    rows = ConnectedAccount.objects.filter(as_read(account))
    if connection.features.has_select_for_update:
        rows = rows.select_for_update()
    return bool(rows.values_list("pk"))


def as_read(account: ConnectedAccount) -> Q:
    """Match the row while its token is still the one that was read along with `account`."""
    return Q(
        pk=account.pk,
        connected_at=account.connected_at,
        token_refreshed_at=account.token_refreshed_at,
    )


def _announce(account_id: int, status: Status, **facts: Any) -> None:
    account = without_tokens(ConnectedAccount.objects.all()).filter(pk=account_id).first()
    if account is not None:
        SIGNALS[status].send_robust(sender=ConnectedAccount, account=account, **facts)
