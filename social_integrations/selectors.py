"""Read queries shared by the API and the admin; none of them loads a stored token."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.db.models import Count, QuerySet
from django.utils import timezone

from .access import access_policy
from .models import (
    Attachment,
    ConnectedAccount,
    Conversation,
    Message,
    Reconciliation,
    Upload,
    WebhookEvent,
)
from .services.permissions import missing_for
from .services.troubles import TROUBLES, current_trouble

EXPIRY_NOTICE = timedelta(days=14)
THREAD_LENGTH = 200
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


def thread(conversation: Conversation, limit: int = THREAD_LENGTH) -> tuple[list[Message], bool]:
    """Return the newest messages of a conversation, oldest first, and whether older ones exist."""
    newest = (
        conversation.messages.select_related("sent_by")
        .prefetch_related("attachments", "reactions", "versions")
        .order_by("-sent_at", "-id")[: limit + 1]
    )
    found = list(newest)
    # Within one moment of Meta's clock the row number would tell the order of arrival.
    shown = sorted(found[:limit], key=lambda message: (message.sent_at, message.mid or ""))
    return shown, len(found) > limit


def visible_attachment(
    *, user: PermissionsMixin | AnonymousUser, attachment_id: int
) -> Attachment | None:
    """Return an attachment with its message, if the user may read messages of its account."""
    if not user.has_perm("social_integrations.view_message"):
        return None
    seen = Attachment.objects.filter(
        message__account__in=access_policy().accounts_for(user), message__unsent_at=None
    )
    return seen.select_related("message").filter(pk=attachment_id).first()


def visible_upload(*, user: PermissionsMixin | AnonymousUser, upload_id: int) -> Upload | None:
    """Return a file staff sent, or are about to, if the user may read its account's messages."""
    if not user.has_perm("social_integrations.view_message"):
        return None
    seen = Upload.objects.filter(account__in=access_policy().accounts_for(user))
    return seen.filter(pk=upload_id).first()


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
