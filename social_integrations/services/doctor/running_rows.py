"""The installation at work: database, clock, worker, ledger, jobs and refusals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from social_integrations.models import ConnectedAccount, Job, WebhookEvent
from social_integrations.selectors import ledger_counts, oldest_waiting
from social_integrations.services.heartbeat import last_beat
from social_integrations.services.refusals import counts_today

from .rows import Check, Finding, amber, green, red, skipped

APP = "social_integrations"
# The worker beats every minute; one batch or one slow statement may delay it.
ALIVE_WITHIN = timedelta(minutes=3)
BACKLOG_AMBER, BACKLOG_RED = timedelta(minutes=1), timedelta(minutes=10)
JOB_OVERDUE = timedelta(minutes=15)
SKEW_AMBER, SKEW_RED = 30, 300
# A few are the internet's noise.
NOISE = 10
START_WORKER = "Start it: manage.py instagram_worker (or serve --with-worker), and keep it running."
STATUSES = WebhookEvent.Status


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """Migrations of the app that are not applied yet."""

    unapplied: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningFacts:
    """Counts and times, all from our own tables and counters."""

    now: datetime
    skew_seconds: float | None = None
    beat_at: datetime | None = None
    waiting_since: datetime | None = None
    ledger: Mapping[str, int] = field(default_factory=dict)
    any_event: bool = False
    """Whether anything of a connected account was ever delivered."""
    any_account: bool = False
    refused: Mapping[str, int] = field(default_factory=dict)
    dead_jobs: int = 0
    job_due_since: datetime | None = None

    @property
    def is_alive(self) -> bool:
        """Whether a worker was at work just now."""
        return self.beat_at is not None and self.now - self.beat_at < ALIVE_WITHIN


def gather_database() -> DatabaseFacts:
    """Compare the migrations with what the database has; raises Django's database errors."""
    executor = MigrationExecutor(connection)
    targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] == APP]
    plan = executor.migration_plan(targets)
    return DatabaseFacts(tuple(migration.name for migration, _backwards in plan))


def gather(skew_seconds: float | None) -> RunningFacts:
    """Read tables and counters; the number of rows does not matter."""
    late = Job.objects.filter(state=Job.State.READY).order_by("due_at")
    connected = ConnectedAccount.objects.filter(status=ConnectedAccount.Status.CONNECTED)
    seen = ConnectedAccount.objects.filter(last_event_at__isnull=False)
    return RunningFacts(
        now=timezone.now(),
        skew_seconds=skew_seconds,
        beat_at=last_beat(),
        waiting_since=oldest_waiting(),
        ledger=ledger_counts(),
        any_event=seen.exists(),
        any_account=connected.exists(),
        refused=counts_today(),
        dead_jobs=Job.objects.filter(state=Job.State.DEAD).count(),
        job_due_since=late.values_list("due_at", flat=True).first(),
    )


def _database(facts: DatabaseFacts) -> Finding:
    if facts.unapplied:
        return red(
            f"The database lacks migrations: {', '.join(facts.unapplied)}.",
            "Run python manage.py migrate, then restart server and worker.",
        )
    return green("The database answers and has every migration.")


def _live(facts: RunningFacts) -> Finding:
    if facts.any_event:
        return green("Meta delivers real events, so the app is Live.")
    if not facts.any_account:
        return skipped("Not looked at: no account is connected.")
    if facts.ledger.get(STATUSES.TEST):
        return amber(
            "Meta's Test button reaches us, but no real message ever did: the app is probably "
            "still in development mode.",
            "Switch the Meta app to Live (“Publish”). In development only people with a role in "
            "the app can write; for everybody else ask for Advanced Access under App Review.",
        )
    return skipped("Nothing was delivered yet that would show whether the Meta app is Live.")


def _clock(facts: RunningFacts) -> Finding:
    skew = facts.skew_seconds
    if skew is None:
        return skipped("Not looked at: Meta's answers did not tell the time.")
    if abs(skew) < SKEW_AMBER:
        return green("The clock agrees with Meta's.")
    colour = red if abs(skew) >= SKEW_RED else amber
    side = "ahead of" if skew > 0 else "behind"
    return colour(
        f"This server's clock is {abs(skew):.0f} seconds {side} Meta's.",
        "Switch time synchronisation on: timedatectl set-ntp true.",
    )


def _worker(facts: RunningFacts) -> Finding:
    if facts.is_alive:
        return green("A worker is running.")
    if facts.beat_at is None:
        return red("No worker has run yet: nothing that arrives is shown.", START_WORKER)
    minutes = (facts.now - facts.beat_at).total_seconds() // 60
    return red(f"No worker has run for {minutes:.0f} minutes.", START_WORKER)


def _backlog(facts: RunningFacts) -> Finding:
    waiting = facts.ledger.get(STATUSES.RECEIVED, 0)
    if not waiting or facts.waiting_since is None:
        return green("Nothing waits to be applied.")
    age = facts.now - facts.waiting_since
    if age < BACKLOG_AMBER:
        return green(f"{waiting} items have just arrived.")
    colour = red if age >= BACKLOG_RED else amber
    return colour(
        f"{waiting} items wait to be applied, the oldest for {age.total_seconds() / 60:.0f} "
        "minutes.",
        "Wait if the number falls; otherwise look at the worker's log, or start another worker.",
    )


def _failures(facts: RunningFacts) -> Finding:
    failed = facts.ledger.get(STATUSES.FAILED, 0)
    if not failed:
        return green("No item of the ledger failed.")
    return amber(
        f"Items that could not be applied: {failed}.",
        "Admin > Webhook events, status “Failed”: read the reason, mend it, then “Apply again”.",
    )


def _orphans(facts: RunningFacts) -> Finding:
    orphaned = facts.ledger.get(STATUSES.ORPHANED, 0)
    if not orphaned:
        return green("Nothing arrives for accounts that are not connected.")
    return amber(
        f"Items for accounts that are not connected here: {orphaned}.",
        "Connect the account; they are taken in then. Admin > Webhook events, status “No connected "
        "account”, names its id.",
    )


def _signatures(facts: RunningFacts) -> Finding:
    count = facts.refused.get("signature", 0)
    if count < NOISE:
        return green("Deliveries are not refused for their signature.")
    return amber(
        f"Deliveries refused today because of their signature: {count}.",
        "Compare INSTAGRAM_APP_SECRET with App settings > Basic (and INSTAGRAM_LOGIN_APP_SECRET "
        "with API setup with Instagram login); a proxy must not change bodies.",
    )


def _handshakes(facts: RunningFacts) -> Finding:
    count = facts.refused.get("handshake", 0)
    if count < NOISE:
        return green("Webhook handshakes are not refused.")
    return amber(
        f"Webhook handshakes refused today: {count}.",
        "Enter the same verify token in the Meta app and in INSTAGRAM_WEBHOOK_VERIFY_TOKEN.",
    )


def _dead_jobs(facts: RunningFacts) -> Finding:
    if not facts.dead_jobs:
        return green("No background job was given up.")
    return amber(
        f"Background jobs given up: {facts.dead_jobs}.",
        "Admin > Jobs, state “Given up”: read the error, mend the cause, then “Run again”.",
    )


def _late_jobs(facts: RunningFacts) -> Finding:
    due = facts.job_due_since
    if due is None or facts.now - due < JOB_OVERDUE:
        return green("Background jobs are run in time.")
    return amber(
        f"A background job has been due for {(facts.now - due).total_seconds() / 60:.0f} minutes.",
        "Look at the worker's log; restart it if it stands still.",
    )


DATABASE = (Check("database", "Database", _database),)
ALIVE: tuple[Check[RunningFacts], ...] = (
    Check("live_mode", "Meta app is Live", _live),
    Check("clock", "Clock", _clock),
    Check("worker", "Worker", _worker),
)
LEDGER: tuple[Check[RunningFacts], ...] = (
    Check("backlog", "Ledger backlog", _backlog),
    Check("failures", "Ledger failures", _failures),
    Check("orphans", "Unknown accounts", _orphans),
    Check("refused_signatures", "Refused signatures", _signatures),
    Check("refused_handshakes", "Refused handshakes", _handshakes),
    Check("dead_jobs", "Jobs given up", _dead_jobs),
    Check("late_jobs", "Jobs in time", _late_jobs),
)
