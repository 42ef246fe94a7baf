"""Background work by name: each handler takes a job's payload and calls one service."""

import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from .exceptions import AccountOnHold, GraphPausedError, NotYet
from .models import OAuthAttempt
from .services import (
    adoption,
    applying,
    archiving,
    away,
    contacts,
    deletion,
    delivering,
    files,
    gesture_work,
    heartbeat,
    importing,
    jobs,
    looking,
    looking_after,
    media,
    messenger_profiles,
    notices,
    pending,
    privacy,
    private_reply_work,
    reconcile_triggers,
    reconciling,
    retention,
    send_recovery,
    states,
    token_life,
    uploads,
    waiting,
    watching,
)

logger = logging.getLogger(__name__)

KEEP_DONE_JOBS = timedelta(days=7)
KEEP_ATTEMPTS = timedelta(days=1)
KEEP_RUNS = timedelta(days=90)

DAILY = (jobs.HOUSEKEEPING, jobs.LOOK_AFTER_ACCOUNTS)

Handler: TypeAlias = Callable[[dict[str, Any]], None]


def fetch_profile(payload: dict[str, Any]) -> None:
    """Fill in a contact's name and picture."""
    contacts.refresh_profile(contact_id=int(payload["contact"]))


def reread_media(payload: dict[str, Any]) -> None:
    """Look for fresh links of a message whose media links have died."""
    media.refresh_media(message_id=int(payload["message"]))


def archive_media(payload: dict[str, Any]) -> None:
    """Keep a copy of an attachment, where the operator wants that."""
    archiving.archive_attachment(attachment_id=int(payload["attachment"]))


def delete_copies(payload: dict[str, Any]) -> None:
    """Delete files whose message was unsent or erased, or that nobody sent."""
    files.delete_files(names=[str(name) for name in payload["names"]])


def erase_data(payload: dict[str, Any]) -> None:
    """Erase the next part of what a deletion request asks for."""
    deletion.carry_out(request_id=int(payload["request"]))


def fetch_message(payload: dict[str, Any]) -> None:
    """Fetch a message Meta only hinted at."""
    importing.fetch_message(account_id=int(payload["account"]), mid=str(payload["mid"]))


def reconcile(payload: dict[str, Any]) -> None:
    """Work on a reconciliation for a few seconds."""
    reconciling.work_on(run_id=int(payload["run"]), part=int(payload["part"]))


def housekeeping(_payload: dict[str, Any]) -> None:
    """Delete what has served its time: jobs and runs that ended, unfinished consents, tombstones.

    It also takes up erasures again whose job was given up.
    """
    now = timezone.now()
    jobs.prune(before=now - KEEP_DONE_JOBS)
    reconcile_triggers.prune(before=now - KEEP_RUNS)
    OAuthAttempt.objects.filter(expires_at__lt=now - KEEP_ATTEMPTS).delete()
    privacy.prune_tombstones()
    jobs.enqueue_all([jobs.NewJob(jobs.PRUNE_UPLOADS, {}), jobs.NewJob(jobs.PRUNE_LEDGER, {})])
    deletion.resume()


def prune_uploads(_payload: dict[str, Any]) -> None:
    """Delete the files staff chose and did not send."""
    uploads.prune()


def prune_ledger(_payload: dict[str, Any]) -> None:
    """Delete ledger rows that have been kept long enough."""
    retention.prune_ledger()


def look_after_accounts(_payload: dict[str, Any]) -> None:
    """Spread a look at every account over the day."""
    looking_after.plan_day()


def look_after_account(payload: dict[str, Any]) -> None:
    """Renew, check and warn about one account."""
    looking_after.look_after(account_id=int(payload["account"]))


def watch_account(payload: dict[str, Any]) -> None:
    """Look whether an account's connection still works."""
    watching.look_closely(account_id=int(payload["account"]))


def refresh_token(payload: dict[str, Any]) -> None:
    """Renew an account's token before its time, as somebody asked."""
    token_life.refresh_token(account_id=int(payload["account"]), early=True)


def mail_notice(payload: dict[str, Any]) -> None:
    """Tell staff about an account."""
    notices.send_notice(account_id=int(payload["account"]), notice=str(payload["notice"]))


def answer_away(payload: dict[str, Any]) -> None:
    """Answer somebody who wrote outside the opening hours."""
    away.answer_away(message_id=int(payload["message"]))


def push_messenger_profile(payload: dict[str, Any]) -> None:
    """Tell Instagram the ice breakers and the menu of an account."""
    messenger_profiles.push(profile_id=int(payload["profile"]))


def compare_messenger_profile(payload: dict[str, Any]) -> None:
    """Look which ice breakers and menu Instagram has."""
    messenger_profiles.compare(profile_id=int(payload["profile"]))


def send_messages(payload: dict[str, Any]) -> None:
    """Send what is queued in a conversation."""
    delivering.deliver(conversation_id=int(payload["conversation"]))


def settle_unknown(payload: dict[str, Any]) -> None:
    """Look at Meta for a message nobody knows the fate of."""
    looking.look_for(
        message_id=int(payload["message"]),
        look=int(payload.get("look", 0)),
        resend=payload.get("resend") is True,
    )


def send_reaction(payload: dict[str, Any]) -> None:
    """Bring Meta the business's reaction to a message."""
    gesture_work.send_reaction(message_id=int(payload["message"]))


def sender_action(payload: dict[str, Any]) -> None:
    """Show typing or reading, unless it is too late for it."""
    gesture_work.send_sender_action(
        conversation_id=int(payload["conversation"]),
        action=str(payload["action"]),
        at=datetime.fromisoformat(str(payload["at"])),
    )


def take_over(payload: dict[str, Any]) -> None:
    """Take a conversation over from another app."""
    gesture_work.carry_out_take_over(conversation_id=int(payload["conversation"]))


def send_private_reply(payload: dict[str, Any]) -> None:
    """Answer a comment with a direct message."""
    private_reply_work.send_private_reply(reply_id=int(payload["private_reply"]))


HANDLERS: dict[str, Handler] = {
    jobs.ERASE_DATA: erase_data,
    jobs.FETCH_MESSAGE: fetch_message,
    jobs.FETCH_PROFILE: fetch_profile,
    jobs.REREAD_MEDIA: reread_media,
    jobs.ARCHIVE_MEDIA: archive_media,
    jobs.DELETE_COPIES: delete_copies,
    jobs.HOUSEKEEPING: housekeeping,
    jobs.PRUNE_UPLOADS: prune_uploads,
    jobs.PRUNE_LEDGER: prune_ledger,
    jobs.RECONCILE: reconcile,
    jobs.LOOK_AFTER_ACCOUNTS: look_after_accounts,
    jobs.LOOK_AFTER_ACCOUNT: look_after_account,
    jobs.WATCH_ACCOUNT: watch_account,
    jobs.REFRESH_TOKEN: refresh_token,
    jobs.MAIL_NOTICE: mail_notice,
    jobs.ANSWER_AWAY: answer_away,
    jobs.PUSH_MESSENGER_PROFILE: push_messenger_profile,
    jobs.COMPARE_MESSENGER_PROFILE: compare_messenger_profile,
    jobs.SEND_MESSAGES: send_messages,
    jobs.SETTLE_UNKNOWN: settle_unknown,
    jobs.SEND_REACTION: send_reaction,
    jobs.SENDER_ACTION: sender_action,
    jobs.TAKE_OVER: take_over,
    jobs.SEND_PRIVATE_REPLY: send_private_reply,
}


# What a person is waiting for: these have a loop of their own beside the one for all jobs.
ANSWERS = (
    jobs.SEND_MESSAGES,
    jobs.SEND_REACTION,
    jobs.SENDER_ACTION,
    jobs.TAKE_OVER,
    jobs.SEND_PRIVATE_REPLY,
)


def run_next_answer() -> bool:
    """Run one due job that answers a customer; return whether there was one."""
    return run_next_job(ANSWERS)


def run_next_job(names: Collection[str] = ()) -> bool:
    """Run one due job, of these names or any, outside any transaction; return if there was one."""
    job = jobs.claim(names)
    if job is None:
        return False
    try:
        HANDLERS[job.name](job.payload)
    except (OperationalError, InterfaceError):
        raise  # the lease brings the job back once there is a database
    except (GraphPausedError, NotYet) as pause:
        jobs.postpone(job, pause.seconds)
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
    waiting.release_all_arrived()
    applying.retry_failed()
    reconcile_triggers.recover()
    reconcile_triggers.start_due()
    pending.forget_expired_grants()
    states.flag_expired()
    watching.plan_looks()
    jobs.resume_held()
    send_recovery.recover()
    today = f"{timezone.now():%Y-%m-%d}"
    jobs.enqueue_all(jobs.NewJob(name, {}, f"{name}:{today}") for name in DAILY)
    # At the end: a sweep that keeps failing is no sign of life.
    heartbeat.beat()
