"""How sending stands: what waits, what nobody knows the fate of, what failed lately; reads only."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min, Q, QuerySet
from django.utils import timezone

from social_integrations.models import ConnectedAccount, Message

# What failed longer ago is history: nobody could send it any more.
LATELY = timedelta(days=7)
COUNT_LIMIT = 1_000

Status = Message.Status
WAITING = Q(status__in=[Status.QUEUED, Status.SENDING])
UNKNOWN = Q(status=Status.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendStanding:
    """Counts end at a thousand: more is a fault, whatever the number."""

    waiting: int
    held: int
    """Of those that wait, for accounts that have to be connected again."""
    unknown: int
    failed: int
    oldest_waiting: datetime | None
    """When the oldest of those that could go out was written; None without one."""


def failed_lately() -> Q:
    """Return which messages failed and may still matter."""
    return Q(status=Status.FAILED, sent_at__gte=timezone.now() - LATELY)


def send_standing() -> SendStanding:
    """Return how sending stands in all accounts together."""
    waiting = Message.objects.filter(WAITING)
    held = waiting.exclude(account__status=ConnectedAccount.Status.CONNECTED)
    free = waiting.filter(account__status=ConnectedAccount.Status.CONNECTED)
    return SendStanding(
        waiting=_count(waiting),
        held=_count(held),
        unknown=_count(Message.objects.filter(UNKNOWN)),
        failed=_count(Message.objects.filter(failed_lately())),
        oldest_waiting=free.order_by().aggregate(oldest=Min("sent_at"))["oldest"],
    )


def _count(messages: QuerySet[Message]) -> int:
    return messages.order_by()[:COUNT_LIMIT].count()
