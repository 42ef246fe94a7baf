"""Background work by name: each handler takes a job's payload and calls one service."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from .exceptions import AccountOnHold
from .models import OAuthAttempt
from .services import (
    adoption,
    contacts,
    jobs,
    looking_after,
    notices,
    states,
    token_life,
)

logger = logging.getLogger(__name__)

KEEP_DONE_JOBS = timedelta(days=7)
KEEP_ATTEMPTS = timedelta(days=1)

DAILY = (jobs.HOUSEKEEPING, jobs.LOOK_AFTER_ACCOUNTS)

Handler: TypeAlias = Callable[[dict[str, Any]], None]


def fetch_profile(payload: dict[str, Any]) -> None:
    """Fill in a contact's name and picture."""
    contacts.refresh_profile(contact_id=int(payload["contact"]))


def housekeeping(_payload: dict[str, Any]) -> None:
    """Delete what has served its time: old finished jobs and consents nobody completed."""
    now = timezone.now()
    jobs.prune(before=now - KEEP_DONE_JOBS)
    OAuthAttempt.objects.filter(expires_at__lt=now - KEEP_ATTEMPTS).delete()


def look_after_accounts(_payload: dict[str, Any]) -> None:
    """Spread a look at every account over the day."""
    looking_after.plan_day()


def look_after_account(payload: dict[str, Any]) -> None:
    """Renew, check and warn about one account."""
    looking_after.look_after(account_id=int(payload["account"]))


def refresh_token(payload: dict[str, Any]) -> None:
    """Renew an account's token before its time, as somebody asked."""
    token_life.refresh_token(account_id=int(payload["account"]), early=True)


def mail_notice(payload: dict[str, Any]) -> None:
    """Tell staff about an account."""
    notices.send_notice(account_id=int(payload["account"]), notice=str(payload["notice"]))


HANDLERS: dict[str, Handler] = {
    jobs.FETCH_PROFILE: fetch_profile,
    jobs.HOUSEKEEPING: housekeeping,
    jobs.LOOK_AFTER_ACCOUNTS: look_after_accounts,
    jobs.LOOK_AFTER_ACCOUNT: look_after_account,
    jobs.REFRESH_TOKEN: refresh_token,
    jobs.MAIL_NOTICE: mail_notice,
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
    except AccountOnHold as held:
        if held.disconnected:
            jobs.drop(job)
        else:
            jobs.hold(job, account_id=held.account_id)
    except Exception as error:  # noqa: BLE001 - one job must not stop the others
        logger.warning("Job %s (%s) failed: %s", job.pk, job.name, type(error).__name__)
        jobs.fail(job, error)
    else:
        jobs.finish(job)
    return True


def sweep() -> None:
    """Do what a crash or a race may have left undone; cheap, called every minute."""
    adoption.adopt_all_orphans()
    states.flag_expired()
    jobs.resume_held()
    today = f"{timezone.now():%Y-%m-%d}"
    jobs.enqueue_all(jobs.NewJob(name, {}, f"{name}:{today}") for name in DAILY)
