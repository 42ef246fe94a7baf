"""Looks at accounts between the daily ones: while somebody sees them, and where something is wrong.

Meta tells of hardly anything that ends a connection. So whoever sees an account's state has Meta
asked for it, with two calls, and reads the answer the next time.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from social_integrations.conf import app_settings
from social_integrations.exceptions import (
    GraphPausedError,
    GraphRefusedError,
    GraphUnavailableError,
)
from social_integrations.graph.errors import ErrorKind, explain
from social_integrations.models import ConnectedAccount, Job, Reconciliation
from social_integrations.selectors import without_tokens

from .account_checks import check_messages, check_subscription, token_of
from .comparing import WEBHOOK_TIME
from .jobs import WATCH_ACCOUNT, NewJob, enqueue_all, run_again
from .reconciling import Reason, start
from .troubles import (
    MISSING,
    RESUBSCRIBED,
    THROTTLED,
    UNREACHABLE,
    clear_trouble,
    current_trouble,
    note_trouble,
)

logger = logging.getLogger(__name__)

TROUBLED_EVERY = timedelta(minutes=5)
EVERY = timedelta(hours=1)
# An event may need so long from Meta's thread to our ledger.
DELIVERY_TIME = timedelta(seconds=10)
# Shorter waits for the allowance are part of every day.
LONG_PAUSE_SECONDS = 30.0


def somebody_sees(accounts: Iterable[ConnectedAccount]) -> None:
    """Have the connected ones of these accounts looked at soon, once in `INSTAGRAM_WATCH_SECONDS`.

    No call to Meta, and hardly ever a statement: the cache knows who was looked at. Never fails.
    """
    seconds = app_settings.WATCH_SECONDS
    if seconds <= 0:
        return
    keys = {f"instagram_watched:{one.pk}": one.pk for one in accounts if one.is_active}
    new = keys.keys() - cache.get_many(keys).keys()
    if not new:
        return
    cache.set_many(dict.fromkeys(new, 1), seconds)
    try:
        with transaction.atomic():
            # With several processes' own caches, the job's end is what counts.
            _want([keys[key] for key in new], every=timedelta(seconds=seconds / 2))
    except DatabaseError as error:
        logger.warning("Looks could not be asked for: %s", type(error).__name__)


def plan_looks() -> None:
    """Ask for a look at every connected account: each hour, sooner where something is wrong."""
    connected = _connected().order_by("pk").values_list("pk", flat=True)
    _want(connected.exclude(trouble=""), every=TROUBLED_EVERY)
    _want(connected.filter(trouble=""), every=EVERY)


def _want(account_ids: Iterable[int], *, every: timedelta) -> None:
    """Have an account's one job run again if it ended so long ago; one that waits is left."""
    wanted = [NewJob(WATCH_ACCOUNT, {"account": pk}, f"{WATCH_ACCOUNT}:{pk}") for pk in account_ids]
    keys = [job.dedupe_key for job in wanted]
    known = Job.objects.filter(dedupe_key__in=keys)
    run_again(known.filter(finished_at__lt=timezone.now() - every))
    present = set(known.values_list("dedupe_key", flat=True))
    enqueue_all(job for job in wanted if job.dedupe_key not in present)


def look_closely(*, account_id: int) -> None:
    """Ask Meta how a connected account is; see `look`."""
    account = _connected().filter(pk=account_id).first()
    if account is not None and token_of(account):
        look(account)


def look(account: ConnectedAccount) -> None:
    """Ask Meta whether the account can be read and is delivered; note what is wrong.

    Must run outside a transaction. Raises `GraphError` where another try may help, and
    `AccountOnHold` where Meta says that the access has ended.
    """
    with _noting(account):
        readable = check_messages(account)
        check_subscription(account)
    if account.trouble == RESUBSCRIBED:
        _fetch_what_was_not_delivered(account)
    if readable is None:
        return
    if readable.changed_at is not None and _is_missing(account, readable.changed_at):
        note_trouble(account=account, code=MISSING)
    else:
        clear_trouble(account=account)


def _is_missing(account: ConnectedAccount, changed_at: datetime) -> bool:
    """Return whether a conversation changed and nothing was delivered since.

    A run that looked at it has the last word, also where Meta's clock is ahead of ours.
    """
    heard_at = account.last_event_at or account.connected_at
    if changed_at <= heard_at or changed_at > timezone.now() - DELIVERY_TIME:
        return False
    run = _run_about(account, changed_at)
    return run is None or run.state != Reconciliation.State.DONE or run.imported > 0


def _fetch_what_was_not_delivered(account: ConnectedAccount) -> None:
    """Have a run look at what came before we subscribed again, then forget it once it was told."""
    since = account.trouble_at
    if since and _run_about(account, since) and not current_trouble(account, timezone.now()):
        ConnectedAccount.objects.filter(pk=account.pk, trouble=RESUBSCRIBED).update(trouble="")


def _run_about(account: ConnectedAccount, moment: datetime) -> Reconciliation | None:
    """Return the latest run that could see what was sent until then.

    Without one it is started, once the webhook has had its time.
    """
    seen_from = moment + WEBHOOK_TIME
    runs = Reconciliation.objects.filter(account=account, started_at__gt=seen_from)
    run = runs.order_by("-id").first()
    if run is None and timezone.now() > seen_from:
        start(account, Reason.GAP)
    return run


@contextmanager
def _noting(account: ConnectedAccount) -> Iterator[None]:
    """Note why Meta did not answer; what ends the access is noted elsewhere."""
    try:
        yield
    except GraphPausedError as pause:
        if pause.seconds >= LONG_PAUSE_SECONDS:
            note_trouble(account=account, code=THROTTLED)
        raise
    except GraphUnavailableError:
        note_trouble(account=account, code=UNREACHABLE)
        raise
    except GraphRefusedError as error:
        throttled = explain(error.code, error.subcode).kind == ErrorKind.THROTTLED
        note_trouble(account=account, code=THROTTLED if throttled else UNREACHABLE)
        raise


def _connected() -> QuerySet[ConnectedAccount]:
    connected = ConnectedAccount.Status.CONNECTED
    return without_tokens(ConnectedAccount.objects.filter(status=connected))
