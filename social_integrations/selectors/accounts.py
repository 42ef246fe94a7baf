"""Connected accounts: what is wrong with them, computed from the row; no token is loaded."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from social_integrations.models import ConnectedAccount, Message, Reconciliation
from social_integrations.services.permissions import missing_for
from social_integrations.services.troubles import TROUBLES, current_trouble

EXPIRY_NOTICE = timedelta(days=14)
# `Message.origin` begins with this where only a copy from the Conversations API is known.
IMPORTED_ORIGIN = "9"


@dataclass(frozen=True)
class Problem:
    """Something wrong with an account, in words for a person, and the next step."""

    code: str
    message: str
    action: str


CONNECT_AGAIN = "Connect the account again."


def without_tokens(accounts: QuerySet[ConnectedAccount]) -> QuerySet[ConnectedAccount]:
    """Leave the token in the database, so that a lost key breaks no list."""
    return accounts.defer("access_token")


def is_usable(account: ConnectedAccount, now: datetime | None = None) -> bool:
    """Return whether Meta lets us act for the account: connected, and its token not expired."""
    expires_at = account.token_expires_at
    return account.is_active and (expires_at is None or expires_at > (now or timezone.now()))


def _disconnected(account: ConnectedAccount, _now: datetime) -> Problem | None:
    if account.status != ConnectedAccount.Status.DISCONNECTED:
        return None
    return Problem(
        "disconnected",
        account.status_reason or "This account is disconnected; new messages do not arrive.",
        account.status_action or "Connect the account again if you want its messages here.",
    )


def _reauth_required(account: ConnectedAccount, _now: datetime) -> Problem | None:
    if account.status != ConnectedAccount.Status.REAUTH_REQUIRED:
        return None
    return Problem(
        "reauth_required",
        account.status_reason or "Meta no longer accepts our access to this account.",
        account.status_action or CONNECT_AGAIN,
    )


def _data_access(account: ConnectedAccount, now: datetime) -> Problem | None:
    end = account.data_access_expires_at
    if end is None or end > now + EXPIRY_NOTICE:
        return None
    return Problem(
        "data_access_expired" if end <= now else "data_access_expiring",
        "Meta asks the person who connected this account to confirm every 90 days.",
        "Connect the account again; nothing else changes.",
    )


def _expiry(account: ConnectedAccount, now: datetime) -> Problem | None:
    end = account.token_expires_at
    if end is None or end > now + EXPIRY_NOTICE:
        return None
    if end <= now:
        return Problem("token_expired", "Our access to this account has expired.", CONNECT_AGAIN)
    days = (end - now).days
    when = f"in {days} day{'s' if days > 1 else ''}" if days else "within a day"
    return Problem(
        "token_expiring",
        f"Our access to this account expires {when}.",
        f"{CONNECT_AGAIN[:-1]} before then.",
    )


def _not_subscribed(account: ConnectedAccount, _now: datetime) -> Problem | None:
    if account.webhook_subscribed_at:
        return None
    return Problem(
        "webhook_not_subscribed",
        "Meta has not been told to deliver this account's messages.",
        "Connect the account again and allow access to messages.",
    )


def _trouble(account: ConnectedAccount, now: datetime) -> Problem | None:
    code = current_trouble(account, now)
    return Problem(code, TROUBLES[code].message, TROUBLES[code].action) if code else None


def _withdrawn(account: ConnectedAccount, _now: datetime) -> Problem | None:
    if account.access_withdrawn_at is None:
        return None
    return Problem(
        "access_withdrawn",
        "This account was left out when access was granted again in Meta's window.",
        f"{CONNECT_AGAIN[:-1]} and tick it in Meta's window, or leave it as it is.",
    )


def _permissions(account: ConnectedAccount, _now: datetime) -> Problem | None:
    missing = missing_for(account)
    if not missing:
        return None
    names = ", ".join(row.scope for row in missing)
    sentences = " ".join(dict.fromkeys(row.without_it for row in missing))
    return Problem(
        "permissions_missing", f"{sentences} Not granted: {names}.", missing[0].next_step
    )


# The first two explain everything after them.
ROOT_CAUSES: tuple[Callable[[ConnectedAccount, datetime], Problem | None], ...] = (
    _disconnected,
    _reauth_required,
)
DETAILS = (_trouble, _expiry, _data_access, _withdrawn, _permissions, _not_subscribed)


def account_problems(account: ConnectedAccount, now: datetime | None = None) -> list[Problem]:
    """Return what is wrong with an account, worst first; computed from its row alone."""
    at = now or timezone.now()
    for rule in ROOT_CAUSES:
        if cause := rule(account, at):
            return [cause]
    return [problem for rule in DETAILS if (problem := rule(account, at))]


def missed_by_meta(account: ConnectedAccount) -> int:
    """Return how many messages Meta never delivered, although it had been told to.

    They are shown from copies a reconciliation imported. What was sent before the subscription is
    history, not missed.
    """
    if account.webhook_subscribed_at is None:
        return 0
    return Message.objects.filter(
        account=account,
        origin__startswith=IMPORTED_ORIGIN,
        sent_at__gt=account.webhook_subscribed_at,
    ).count()


def latest_run(account: ConnectedAccount) -> Reconciliation | None:
    """Return the account's latest reconciliation, running or ended."""
    return Reconciliation.objects.filter(account=account).order_by("-id").first()
