"""Background work by name: each handler takes a job's payload and calls one service."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from .exceptions import GraphPausedError
from .models import OAuthAttempt
from .services import adoption, contacts, importing, jobs, reconcile_triggers, reconciling

logger = logging.getLogger(__name__)

KEEP_DONE_JOBS = timedelta(days=7)
KEEP_ATTEMPTS = timedelta(days=1)
KEEP_RUNS = timedelta(days=90)

Handler: TypeAlias = Callable[[dict[str, Any]], None]


def fetch_profile(payload: dict[str, Any]) -> None:
    """Fill in a contact's name and picture."""
    contacts.refresh_profile(contact_id=int(payload["contact"]))


def fetch_message(payload: dict[str, Any]) -> None:
    """Fetch a message Meta only hinted at."""
    importing.fetch_message(account_id=int(payload["account"]), mid=str(payload["mid"]))


def reconcile(payload: dict[str, Any]) -> None:
    """Work on a reconciliation for a few seconds."""
    reconciling.work_on(run_id=int(payload["run"]), part=int(payload["part"]))


def housekeeping(_payload: dict[str, Any]) -> None:
    """Delete what has served its time: finished jobs, ended runs, consents nobody completed."""
    now = timezone.now()
    jobs.prune(before=now - KEEP_DONE_JOBS)
    reconcile_triggers.prune(before=now - KEEP_RUNS)
    OAuthAttempt.objects.filter(expires_at__lt=now - KEEP_ATTEMPTS).delete()


HANDLERS: dict[str, Handler] = {
    jobs.FETCH_MESSAGE: fetch_message,
    jobs.FETCH_PROFILE: fetch_profile,
    jobs.HOUSEKEEPING: housekeeping,
    jobs.RECONCILE: reconcile,
}


def run_next_job() -> bool:
    """Run one due job, outside any transaction; return whether there was one."""
    job = jobs.claim()
    if job is None:
        return False
    try:
        HANDLERS[job.name](job.payload)
    except (OperationalError, InterfaceError):
        raise  # the lease brings the job back once there is a database
    except GraphPausedError as pause:
        jobs.postpone(job, pause.seconds)
    except Exception as error:  # noqa: BLE001 - one job must not stop the others
        logger.warning("Job %s (%s) failed: %s", job.pk, job.name, type(error).__name__)
        jobs.fail(job, error)
    else:
        jobs.finish(job)
    return True


def sweep() -> None:
    """Do what a crash or a race may have left undone; cheap, called every minute."""
    adoption.adopt_all_orphans()
    reconcile_triggers.recover()
    reconcile_triggers.start_due()
    today = f"{jobs.HOUSEKEEPING}:{timezone.now():%Y-%m-%d}"
    jobs.enqueue_all([jobs.NewJob(jobs.HOUSEKEEPING, {}, today)])
