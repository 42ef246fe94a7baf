"""Compare an account's conversations at Meta with ours, and import what was never delivered.

A run is a row. Jobs work on it part by part, a few seconds each; every step writes how far it came
together with what it found, so a kill costs one step, and repeating that changes nothing.
"""

import logging
import time

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from social_integrations.exceptions import (
    AccountOnHold,
    GraphPausedError,
    GraphRefusedError,
    GraphUnavailableError,
)
from social_integrations.graph.client import GraphReader
from social_integrations.graph.errors import explain
from social_integrations.models import ConnectedAccount, Reconciliation

from .comparing import Step, take_step
from .guarding import guarded
from .importing import paced_client
from .intake import store_imported
from .jobs import RECONCILE, NewJob, backoff, enqueue_all
from .positions import Position, read_position, write_position

logger = logging.getLogger(__name__)

Reason = Reconciliation.Reason
State = Reconciliation.State

# Short, because other jobs, such as sending, wait for it.
PART_SECONDS = 2.0
# How often Meta may fail to answer one question: for a thread, and for the list of all.
THREAD_FAULTS = 3
LIST_FAULTS = 12

NO_PAGE = "No Facebook Page is known for this account. Connect the account again."
NO_TOKEN = "The account has no access to Meta. Connect the account again."  # noqa: S105 - words
NOT_CONNECTED = "The account is not connected any more. Connect it again."
UNREACHABLE = (
    "Meta did not answer, although it was asked several times. It is tried again in a few hours."
)


def start(account: ConnectedAccount, reason: Reason) -> tuple[Reconciliation, bool]:
    """Start a run, or return the one that is running; the second value says whether it is new.

    Part of the caller's transaction, and no call to Meta: jobs do the work.
    """
    with transaction.atomic():
        run, created = Reconciliation.objects.get_or_create(
            account_id=account.pk,
            state=State.RUNNING,
            defaults={"reason": reason, "started_at": timezone.now()},
        )
        if created:
            enqueue_all([job_of(run, Position())])
    return run, created


def work_on(*, run_id: int, part: int) -> None:
    """Do a few seconds of a run, then leave the rest to the next job.

    Must run outside any transaction. A run that has ended, or a job of an earlier part, ends
    quietly. Raises `GraphPausedError` where the work has to wait for Meta.
    """
    runs = Reconciliation.objects.select_related("account").defer("account__access_token")
    run = runs.filter(pk=run_id, state=State.RUNNING).first()
    if run is None or read_position(run.cursor).part != part:
        return
    try:
        with guarded(run.account):
            obstacle = _obstacle(run.account)
            if obstacle:
                end(run, obstacle)
            else:
                _work(paced_client(run.account), run)
    except GraphRefusedError as error:
        _refused(run, error)
    except AccountOnHold:
        end(run, _why_on_hold(run.account_id))


def end(run: Reconciliation, error: str = "") -> None:
    """End a run that stands where it was read; an error says why it did not come to its end."""
    _close(run, State.FAILED if error else State.DONE, error)


def job_of(run: Reconciliation, position: Position) -> NewJob:
    """Return the job of a run's part; its key makes it the only one."""
    payload = {"run": run.pk, "part": position.part}
    return NewJob(RECONCILE, payload, f"{RECONCILE}:{run.pk}:{position.part}")


def _obstacle(account: ConnectedAccount) -> str:
    """Return why Meta cannot even be asked, or the empty text."""
    if not account.is_active:
        return NOT_CONNECTED
    if account.login == ConnectedAccount.Login.FACEBOOK and not account.page_id:
        return NO_PAGE
    return "" if account.access_token else NO_TOKEN


def _work(client: GraphReader, run: Reconciliation) -> None:
    """Take steps until the time of this part is over or nothing is left to do."""
    ends = time.monotonic() + PART_SECONDS
    position = read_position(run.cursor)
    while not position.is_end:
        step = _step(client, run, position)
        if not _save(run, step):
            return  # another worker is on it
        position = step.position
        if position.faults >= LIST_FAULTS:
            end(run, UNREACHABLE)
            return
        if position.faults:
            raise GraphPausedError(backoff(position.faults).total_seconds())
        if time.monotonic() >= ends and not position.is_end:
            _save(run, Step(position=position.next_part()), then_go_on=True)
            return
    _close(run, State.DONE, _left_out(position))


def _step(client: GraphReader, run: Reconciliation, position: Position) -> Step:
    """Take a step; where Meta fails to answer, only the position changes."""
    try:
        return take_step(client, run, position)
    except GraphRefusedError as error:
        if not explain(error.code, error.subcode).retryable:
            raise
        logger.warning("Reconciliation %s: %s", run.pk, error)
    except GraphUnavailableError as error:
        logger.warning("Reconciliation %s: %s", run.pk, error)
    # One thread that Meta cannot show must not keep all others from being compared.
    if position.threads and position.faults + 1 >= THREAD_FAULTS:
        return Step(position=position.given_up())
    return Step(position=position.faulted())


def _save(run: Reconciliation, step: Step, *, then_go_on: bool = False) -> bool:
    """Write what a step came to; return whether the run was still ours to write.

    One transaction: the ledger, the counts and the position agree, whenever a kill comes.
    """
    before, run.cursor = run.cursor, write_position(step.position)
    with transaction.atomic():
        mine = _unmoved(run, before).update(
            cursor=run.cursor,
            conversations=F("conversations") + step.conversations,
            messages=F("messages") + step.messages,
            unreadable=F("unreadable") + step.unreadable,
        )
        if not mine:
            return False
        imported = store_imported(run.account, step.found) if step.found else 0
        if imported:
            _unmoved(run, run.cursor).update(imported=F("imported") + imported)
        if then_go_on:
            enqueue_all([job_of(run, step.position)])
    return True


def _unmoved(run: Reconciliation, cursor: str) -> QuerySet[Reconciliation]:
    """Return the row only while it stands where we left it."""
    return Reconciliation.objects.filter(pk=run.pk, state=State.RUNNING, cursor=cursor)


def _refused(run: Reconciliation, error: GraphRefusedError) -> None:
    row = explain(error.code, error.subcode)
    logger.warning("Reconciliation %s stopped: %s", run.pk, error)
    end(run, f"{row.sentence} {row.next_step}")


def _why_on_hold(account_id: int) -> str:
    """Return why the account may not be used any more, and what to do about it."""
    accounts = ConnectedAccount.objects.filter(pk=account_id)
    words = accounts.values_list("status_reason", "status_action").first() or ()
    return " ".join(filter(None, words)) or NOT_CONNECTED


def _left_out(position: Position) -> str:
    """Return a sentence about what Meta did not show, or the empty text."""
    count = position.skipped
    what = "conversation or message" if count == 1 else "conversations or messages"
    return f"Meta did not show {count} {what}; the next run tries again." if count else ""


def _close(run: Reconciliation, state: Reconciliation.State, error: str) -> None:
    _unmoved(run, run.cursor).update(
        state=state, error=error, cursor="", finished_at=timezone.now()
    )
