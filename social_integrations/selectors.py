"""Read queries shared by the API and the admin; none of them loads a stored token."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, QuerySet
from django.utils import timezone

from .models import ConnectedAccount, Conversation, Message, WebhookEvent

EXPIRY_NOTICE = timedelta(days=14)
THREAD_LENGTH = 200


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


# The first two explain everything after them.
ROOT_CAUSES: tuple[Callable[[ConnectedAccount, datetime], Problem | None], ...] = (
    _disconnected,
    _reauth_required,
)
DETAILS = (_expiry, _data_access, _not_subscribed)


def account_problems(account: ConnectedAccount, now: datetime | None = None) -> list[Problem]:
    """Return what is wrong with an account, worst first; computed from its row alone."""
    at = now or timezone.now()
    for rule in ROOT_CAUSES:
        if cause := rule(account, at):
            return [cause]
    return [problem for rule in DETAILS if (problem := rule(account, at))]


def thread(conversation: Conversation, limit: int = THREAD_LENGTH) -> tuple[list[Message], bool]:
    """Return the newest messages of a conversation, oldest first, and whether older ones exist."""
    newest = (
        Message.objects.filter(conversation=conversation)
        .select_related("sent_by")
        .prefetch_related("attachments", "reactions")
        .order_by("-sent_at", "-id")[: limit + 1]
    )
    found = list(newest)
    return found[:limit][::-1], len(found) > limit


def ledger_counts() -> dict[str, int]:
    """Return how many ledger items stand in each state except applied, which is nearly all."""
    rows = (
        WebhookEvent.objects.exclude(status=WebhookEvent.Status.APPLIED)
        .order_by()
        .values_list("status")
        .annotate(Count("id"))
    )
    return dict(rows)


def oldest_waiting() -> datetime | None:
    """Return when the ledger item that waits longest was received."""
    waiting = WebhookEvent.objects.filter(status=WebhookEvent.Status.RECEIVED)
    return waiting.order_by("id").values_list("received_at", flat=True).first()
