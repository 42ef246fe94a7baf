"""The outbox: enqueue with the caller's transaction, claim with a lease, retry with backoff."""

import hashlib
import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils import timezone

from social_integrations.conf import app_settings
from social_integrations.models import ConnectedAccount, Job

from .failures import describe

FETCH_MESSAGE = "fetch_message"
FETCH_PROFILE = "fetch_profile"
REREAD_MEDIA = "reread_media"
ARCHIVE_MEDIA = "archive_media"
DELETE_COPIES = "delete_copies"
HOUSEKEEPING = "housekeeping"
ERASE_DATA = "erase_data"
RECONCILE = "reconcile"
LOOK_AFTER_ACCOUNTS = "look_after_accounts"
LOOK_AFTER_ACCOUNT = "look_after_account"
WATCH_ACCOUNT = "watch_account"
REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a name
MAIL_NOTICE = "mail_notice"
SEND_MESSAGES = "send_messages"
SETTLE_UNKNOWN = "settle_unknown"
SEND_REACTION = "send_reaction"
SENDER_ACTION = "sender_action"
SEND_PRIVATE_REPLY = "send_private_reply"
TAKE_OVER = "take_over"
PRUNE_UPLOADS = "prune_uploads"
PRUNE_LEDGER = "prune_ledger"
ANSWER_AWAY = "answer_away"
PUSH_MESSENGER_PROFILE = "push_messenger_profile"
COMPARE_MESSENGER_PROFILE = "compare_messenger_profile"

BACKOFF_BASE = timedelta(seconds=5)
BACKOFF_LIMIT = timedelta(hours=1)
UNFINISHED = (Job.State.READY, Job.State.RUNNING, Job.State.HELD)


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work to be done; a second job with the same dedupe key is not added."""

    name: str
    payload: Mapping[str, Any]
    """Ids only: neither content nor secrets."""
    dedupe_key: str | None = None
    delay: timedelta = timedelta(0)


def digest(text: str) -> str:
    """Return 32 hex digits that stand for a text of any length in a dedupe key."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def enqueue_all(jobs: Iterable[NewJob]) -> None:
    """Write jobs in the caller's transaction: rolled back with it, run once it commits."""
    now = timezone.now()
    Job.objects.bulk_create(
        [
            Job(
                name=job.name,
                payload=job.payload,
                dedupe_key=job.dedupe_key,
                due_at=now + job.delay,
            )
            for job in jobs
        ],
        ignore_conflicts=True,
    )


def enqueue_once(job: NewJob) -> bool:
    """Write one job like `enqueue_all`; return whether it is new."""
    values = {"name": job.name, "payload": job.payload, "due_at": timezone.now() + job.delay}
    if job.dedupe_key is None:
        Job.objects.create(**values)
        return True
    return Job.objects.get_or_create(dedupe_key=job.dedupe_key, defaults=values)[1]


def claim(names: Collection[str] = ()) -> Job | None:
    """Take the next due job, or one whose worker died, for the length of a lease.

    With `names`, only a job of one of these.
    """
    now = timezone.now()
    due = Q(state=Job.State.READY, due_at__lte=now)
    abandoned = Q(state=Job.State.RUNNING, leased_until__lt=now)
    open_jobs = Job.objects.filter(due | abandoned)
    if names:
        open_jobs = open_jobs.filter(name__in=names)
    for candidate in open_jobs.order_by("due_at")[:10]:
        if candidate.attempts >= app_settings.JOB_MAX_ATTEMPTS:
            _bury(candidate)
            continue
        mine = _as_read(candidate).update(
            state=Job.State.RUNNING,
            attempts=F("attempts") + 1,
            leased_until=now + timedelta(seconds=app_settings.JOB_LEASE_SECONDS),
        )
        if mine:
            candidate.refresh_from_db()
            return candidate
    return None


def finish(job: Job) -> None:
    """Mark a claimed job done, unless its lease was lost to somebody else."""
    _as_read(job).update(
        state=Job.State.DONE, finished_at=timezone.now(), leased_until=None, error=""
    )


def postpone(job: Job, seconds: float) -> None:
    """Put a claimed job back for so many seconds; waiting for Meta costs it no try."""
    _as_read(job).update(
        state=Job.State.READY,
        due_at=timezone.now() + timedelta(seconds=seconds),
        attempts=job.attempts - 1,
        leased_until=None,
    )


def fail(job: Job, error: Exception) -> None:
    """Let a claimed job wait for another try, or give it up after the last one."""
    now = timezone.now()
    given_up = job.attempts >= app_settings.JOB_MAX_ATTEMPTS
    _as_read(job).update(
        state=Job.State.DEAD if given_up else Job.State.READY,
        due_at=now + backoff(job.attempts),
        finished_at=now if given_up else None,
        leased_until=None,
        error=describe(error),
    )


def hold(job: Job, *, account_id: int) -> None:
    """Let a claimed job wait until the account is connected again, with all its tries.

    Of several jobs that would do the same then, one is kept.
    """
    same = Job.objects.filter(state=Job.State.HELD, name=job.name, payload=job.payload)
    if same.exists():
        drop(job)
        return
    _as_read(job).update(
        state=Job.State.HELD,
        held_for=account_id,
        attempts=0,
        leased_until=None,
        error="The account has to be connected again first.",
    )


def drop(job: Job) -> None:
    """Delete a claimed job nobody wants done any more."""
    _as_read(job).delete()


def resume_held() -> int:
    """Put held jobs of accounts that are connected now back in line; return how many."""
    status = ConnectedAccount.Status.CONNECTED
    free = Job.objects.filter(state=Job.State.HELD, held_for__status=status)
    return Job.objects.filter(pk__in=free.values("pk"), state=Job.State.HELD).update(
        state=Job.State.READY, due_at=timezone.now(), held_for=None, error=""
    )


def about(subjects: Mapping[str, QuerySet[Any]]) -> QuerySet[Job]:
    """Return the jobs that name one of the rows, such as `{"contact": contacts}`.

    Payloads hold ids under the name of what they are about; a text says the same as a number.
    """
    wanted = Q()
    named: dict[str, Cast] = {}
    for subject, rows in subjects.items():
        named[f"about_{subject}"] = Cast(KeyTextTransform(subject, "payload"), TextField())
        keys = rows.order_by().annotate(key_text=Cast("pk", TextField())).values("key_text")
        wanted |= Q((f"about_{subject}__in", keys))
    return Job.objects.alias(**named).filter(wanted)


def cancel(jobs: QuerySet[Job]) -> int:
    """Delete what has not come to an end; return how many. One at work finishes into nothing."""
    return jobs.filter(state__in=UNFINISHED).delete()[0]


def _bury(job: Job) -> None:
    """Give up a job that never came to an end: whatever it does, its worker dies of it."""
    _as_read(job).update(
        state=Job.State.DEAD,
        finished_at=timezone.now(),
        leased_until=None,
        error="Its worker ended during the last try, without any error.",
    )


def backoff(attempts: int) -> timedelta:
    """Return how long to wait after so many tries: doubling, with jitter, at most an hour."""
    wait = min(BACKOFF_BASE * 2 ** min(attempts - 1, 20), BACKOFF_LIMIT)
    jitter: float = random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, guards nothing
    return timedelta(seconds=wait.total_seconds() * jitter)


def run_again(jobs: QuerySet[Job]) -> int:
    """Put finished or given-up jobs back in line with fresh tries; return how many."""
    ended = jobs.filter(state__in=[Job.State.DONE, Job.State.DEAD])
    return ended.update(
        state=Job.State.READY, due_at=timezone.now(), attempts=0, finished_at=None, error=""
    )


def prune(before: datetime) -> int:
    """Delete jobs done before the given time; return how many. Given-up ones stay to be seen."""
    return Job.objects.filter(state=Job.State.DONE, finished_at__lt=before).delete()[0]


def _as_read(job: Job) -> QuerySet[Job]:
    """Return the row only while nobody else has claimed or ended it since."""
    return Job.objects.filter(pk=job.pk, state=job.state, attempts=job.attempts)
