"""When accounts are reconciled without anybody asking, and what becomes of interrupted runs."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from social_integrations.models import ConnectedAccount, Job, Reconciliation

from .jobs import enqueue_all
from .positions import read_position
from .reconciling import Reason, State, end, job_of, start

# Less than a day, so that together with a run's own time no gap lives longer than one.
DAILY = timedelta(hours=23)
AFTER_FAILURE = timedelta(hours=3)
GAP = timedelta(hours=1)
STOPPED = "The work was given up. Admin > Jobs says why; then start it again."


def start_due() -> int:
    """Start a run for every connected account that had none for a day; return how many.

    A run that failed counts for a few hours only.
    """
    due = ConnectedAccount.objects.filter(status=ConnectedAccount.Status.CONNECTED)
    due = due.exclude(pk__in=_recent().values("account_id"))
    keys = due.order_by("pk").values_list("pk", flat=True)
    return sum(_start_if_due(key) for key in keys)


@transaction.atomic
def _start_if_due(account_id: int) -> bool:
    """Start a run unless another worker did since; the account's lock decides who looks first."""
    accounts = ConnectedAccount.objects.select_for_update().defer("access_token")
    account = accounts.filter(pk=account_id).first()
    if account is None or _recent().filter(account=account).exists():
        return False
    return start(account, Reason.SCHEDULE)[1]


def _recent() -> QuerySet[Reconciliation]:
    now = timezone.now()
    counts = Q(started_at__gt=now - DAILY) & ~Q(state=State.FAILED)
    return Reconciliation.objects.filter(counts | Q(started_at__gt=now - AFTER_FAILURE))


def wants_reconciliation(previous: datetime | None, received_at: datetime) -> bool:
    """Return whether so long a silence before a delivery may hide messages."""
    return previous is not None and received_at - previous > GAP


def note_gap(
    *, account_id: int, previous_last_event_at: datetime | None, received_at: datetime
) -> bool:
    """Start a run where deliveries paused for more than an hour; return whether it is new.

    Part of the caller's transaction, and no call to Meta.
    """
    if not wants_reconciliation(previous_last_event_at, received_at):
        return False
    usable = ConnectedAccount.objects.filter(status=ConnectedAccount.Status.CONNECTED)
    account = usable.defer("access_token").filter(pk=account_id).first()
    return account is not None and start(account, Reason.GAP)[1]


def recover() -> None:
    """Take care of running runs without a job to work on them; a crash or a person may do that."""
    for run in Reconciliation.objects.filter(state=State.RUNNING).order_by("pk"):
        job = job_of(run, read_position(run.cursor))
        found = Job.objects.filter(dedupe_key=job.dedupe_key).first()
        if found is None:
            enqueue_all([job])
        elif found.state in (Job.State.DEAD, Job.State.DONE):
            end(run, STOPPED)


def prune(before: datetime) -> int:
    """Delete runs that ended before the given time; return how many."""
    return Reconciliation.objects.filter(finished_at__lt=before).delete()[0]
