"""Background work by name: each handler takes a job's payload and calls one service."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from .models import OAuthAttempt
from .services import adoption, contacts, jobs, pending

logger = logging.getLogger(__name__)

KEEP_DONE_JOBS = timedelta(days=7)
KEEP_ATTEMPTS = timedelta(days=1)

Handler: TypeAlias = Callable[[dict[str, Any]], None]


def fetch_profile(payload: dict[str, Any]) -> None:
    """Fill in a contact's name and picture."""
    contacts.refresh_profile(contact_id=int(payload["contact"]))


def housekeeping(_payload: dict[str, Any]) -> None:
    """Delete what has served its time: old finished jobs and consents nobody completed."""
    now = timezone.now()
    jobs.prune(before=now - KEEP_DONE_JOBS)
    OAuthAttempt.objects.filter(expires_at__lt=now - KEEP_ATTEMPTS).delete()


HANDLERS: dict[str, Handler] = {
    jobs.FETCH_PROFILE: fetch_profile,
    jobs.HOUSEKEEPING: housekeeping,
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
    except Exception as error:  # noqa: BLE001 - one job must not stop the others
        logger.warning("Job %s (%s) failed: %s", job.pk, job.name, type(error).__name__)
        jobs.fail(job, error)
    else:
        jobs.finish(job)
    return True


def sweep() -> None:
    """Do what a crash or a race may have left undone; cheap, called every minute."""
    adoption.adopt_all_orphans()
    pending.forget_expired_grants()
    today = f"{jobs.HOUSEKEEPING}:{timezone.now():%Y-%m-%d}"
    jobs.enqueue_all([jobs.NewJob(jobs.HOUSEKEEPING, {}, today)])
