"""Apply ledger items: claim a batch, apply it in one transaction, isolate what fails."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from social_integrations import signals
from social_integrations.conf import app_settings
from social_integrations.events import envelope, kinds
from social_integrations.events.attachments import ATTACHMENT_TYPES
from social_integrations.events.imported import read_imported, read_imported_reactions
from social_integrations.events.messages import other_account
from social_integrations.events.types import Event, MessageEvent
from social_integrations.exceptions import PayloadError
from social_integrations.models import ConnectedAccount, WebhookEvent

from .arrivals import Arrival
from .catalogue import CATALOGUE
from .failures import describe
from .locks import skip_locked
from .lookups import among
from .privacy import Sighting, erased
from .receiving import Outcome, receive
from .reconcile_triggers import note_gap
from .redacting import redact_waiting
from .waiting import Awaited, release, release_arrived, waiting_for

logger = logging.getLogger(__name__)

Status = WebhookEvent.Status
UNKNOWN_KINDS = frozenset({kinds.UNKNOWN, kinds.MESSENGER})
NOT_UNDERSTOOD = "No known kind of item; it is kept as Meta sent it."
RETRY_BASE = timedelta(minutes=1)
RETRY_FACTOR = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a row."""

    status: WebhookEvent.Status
    account_id: int | None = None
    error: str = ""
    awaits: str = ""
    retry_at: datetime | None = None


@dataclass(slots=True)
class Batch:
    """Rows on their way: what became of them so far, and what they say."""

    accounts: dict[str, ConnectedAccount]
    others: dict[WebhookEvent, str]
    """The second business id a row names, if any."""
    verdicts: dict[WebhookEvent, Verdict] = field(default_factory=dict)
    arrivals: list[Arrival[Any]] = field(default_factory=list)
    now: datetime = field(default_factory=timezone.now)
    """One moment for all, so that equal verdicts are written together."""


def apply_pending(limit: int | None = None) -> int:
    """Apply the oldest waiting items, at most `limit` (default: the batch size); return how many.

    Safe to run from several workers at once: each claims rows of its own where the database can.
    Raises OperationalError or InterfaceError where the database went away; nothing is lost then.
    """
    awaited = Awaited()
    with transaction.atomic():
        rows = list(_claim(limit or app_settings.APPLY_BATCH_SIZE))
        if rows:
            # What failed before is tried alone, so that it holds nobody up.
            fresh = [row for row in rows if not row.error]
            for group in [fresh, *([row] for row in rows if row.error)]:
                _settle(group, awaited)
    # Two workers may have missed each other: one stored a message, one parked what waits for it.
    with transaction.atomic():
        redact_waiting(awaited.parked)
        release_arrived(awaited)
    return len(rows)


def requeue(events: QuerySet[WebhookEvent]) -> int:
    """Put rows back to be applied (again); return how many. Applying twice changes nothing.

    Items no earlier version understood are classified anew.
    """
    with transaction.atomic():
        unknown = events.filter(kind=kinds.UNKNOWN).only("kind", "wrapper", "payload")
        for row in unknown.iterator(chunk_size=500):
            kind = envelope.kind_of(row.wrapper, row.payload)
            if kind != row.kind:
                WebhookEvent.objects.filter(pk=row.pk).update(kind=kind)
        return release(events, error="", attempts=0)


def retry_failed() -> int:
    """Put failed items whose time has come back in line; return how many."""
    due = WebhookEvent.objects.filter(status=Status.FAILED, retry_at__lte=timezone.now())
    return release(due)


def _claim(limit: int) -> QuerySet[WebhookEvent]:
    return skip_locked(WebhookEvent.objects.filter(status=Status.RECEIVED).order_by("id"))[:limit]


def _settle(rows: Sequence[WebhookEvent], awaited: Awaited, *, again: bool = False) -> None:
    """Apply rows together; where that fails, halve them until only the poison fails."""
    if not rows:
        return
    try:
        with transaction.atomic():
            verdicts, outcome = _apply(rows)
            _record(verdicts)
            redact_waiting({(row.account_id or 0, name) for row, name in outcome.waiting.items()})
    except (OperationalError, InterfaceError):
        raise  # the database, not the rows
    except IntegrityError as error:
        # Another worker stored the same message or contact first: now we see it.
        _isolate(rows, awaited, error) if again else _settle(rows, awaited, again=True)
    except Exception as error:  # noqa: BLE001 - whatever a bug of ours raises stays with its row
        _isolate(rows, awaited, error)
    else:
        awaited.note(outcome)


def _isolate(rows: Sequence[WebhookEvent], awaited: Awaited, error: Exception) -> None:
    if len(rows) > 1:
        middle = len(rows) // 2
        _settle(rows[:middle], awaited)
        _settle(rows[middle:], awaited)
        return
    logger.error("Webhook event %s failed: %s", rows[0].pk, type(error).__name__)
    _record({rows[0]: _failed(rows[0], None, error, timezone.now())})


def _failed(
    row: WebhookEvent, account: ConnectedAccount | None, error: Exception, now: datetime
) -> Verdict:
    """Let a failed row wait for another try, or for a person after the last one."""
    tries = row.attempts + 1
    again = now + RETRY_BASE * RETRY_FACTOR ** (tries - 1)
    return Verdict(
        status=Status.FAILED,
        account_id=account.pk if account else None,
        error=describe(error),
        retry_at=again if tries < app_settings.APPLY_MAX_ATTEMPTS else None,
    )


def _apply(rows: Sequence[WebhookEvent]) -> tuple[dict[WebhookEvent, Verdict], Outcome]:
    others = {row: _other_account(row) for row in rows}
    batch = Batch(_accounts(rows, others), others)
    for row in _without_erased(rows):
        _read(row, batch)
    for row in waiting_for(batch.arrivals):
        if row not in batch.verdicts:
            _read(row, batch)
    outcome = receive(batch.arrivals)
    for row, awaits in outcome.waiting.items():
        row.account_id = batch.verdicts[row].account_id
        batch.verdicts[row] = Verdict(
            status=Status.PARKED, account_id=row.account_id, awaits=awaits
        )
    _touch_accounts(batch)
    _alarm(batch)
    return batch.verdicts, outcome


def _without_erased(rows: Sequence[WebhookEvent]) -> Sequence[WebhookEvent]:
    """Delete what is about people who were erased after it was written; return the rest.

    A late repetition or a replay must not bring them back.
    """
    sightings = {
        row: Sighting(row.instagram_account_id, row.contact_igsid, row.occurred_at) for row in rows
    }
    gone = erased(set(sightings.values()))
    if not gone:
        return rows
    buried = [row.pk for row, sighting in sightings.items() if sighting in gone]
    WebhookEvent.objects.filter(pk__in=buried).delete()
    return [row for row, sighting in sightings.items() if sighting not in gone]


def _read(row: WebhookEvent, batch: Batch) -> None:
    """Note what becomes of a row, and what it says where it is applied."""
    account = batch.accounts.get(row.instagram_account_id)
    verdict = _verdict_without_reading(row, account)
    if verdict or account is None:
        batch.verdicts[row] = verdict or Verdict(status=Status.ORPHANED)
        return
    try:
        _refuse_two_accounts(row, batch)
        events = _events(row, account)
    except Exception as error:  # noqa: BLE001 - reading is pure: only this row is affected
        batch.verdicts[row] = _failed(row, account, error, batch.now)
    else:
        batch.verdicts[row] = Verdict(status=Status.APPLIED, account_id=account.pk)
        batch.arrivals += [Arrival(row, account, event) for event in events]


def _events(row: WebhookEvent, account: ConnectedAccount) -> Sequence[Event]:
    if row.wrapper == envelope.CONVERSATIONS:
        message = read_imported(
            row.payload,
            row.instagram_account_id,
            app_scoped_id=account.app_scoped_id,
            username=account.username,
        )
        return [message, *read_imported_reactions(row.payload, message)]
    handling = CATALOGUE.get(row.kind)
    if handling is None:  # understood, and no part of a conversation
        return ()
    return [handling.read(row.wrapper, row.payload, row.instagram_account_id)]


def _verdict_without_reading(row: WebhookEvent, account: ConnectedAccount | None) -> Verdict | None:
    """Return why a row is not read, or None where it is."""
    if kinds.is_test(envelope.messaging_item(row.wrapper, row.payload), row.instagram_account_id):
        return Verdict(status=Status.TEST)
    if row.kind in UNKNOWN_KINDS or row.kind not in CATALOGUE.keys() | kinds.NOT_SHOWN:
        account_id = account.pk if account else None
        return Verdict(status=Status.UNKNOWN, account_id=account_id, error=NOT_UNDERSTOOD)
    return None


def _other_account(row: WebhookEvent) -> str:
    return other_account(row.wrapper, row.payload, row.instagram_account_id)


def _refuse_two_accounts(row: WebhookEvent, batch: Batch) -> None:
    """Refuse an item that names two of our accounts: nobody can tell whose message it is."""
    # What waited was read before, and had no second account then.
    other = batch.accounts.get(batch.others.get(row, ""))
    if other is not None and other != batch.accounts[row.instagram_account_id]:
        raise PayloadError("entry.id and the item name two different connected accounts")


def _accounts(
    rows: Sequence[WebhookEvent], others: dict[WebhookEvent, str]
) -> dict[str, ConnectedAccount]:
    """Return the accounts the rows name, by either of their ids."""
    ids = {row.instagram_account_id for row in rows} | set(others.values())
    ids.discard("")
    named = Q(instagram_account_id__in=ids) | Q(app_scoped_id__in=ids)
    # With the away message, so that asking for it costs no statement.
    found = ConnectedAccount.objects.select_related("away_message").defer("access_token")
    accounts = list(found.filter(named))
    # Under both ids: what waited for a message may have come under the other one.
    by_id = {account.app_scoped_id: account for account in accounts if account.app_scoped_id}
    by_id |= {account.instagram_account_id: account for account in accounts}
    return by_id


def _touch_accounts(batch: Batch) -> None:
    """Note when each account was last heard of; a long silence before that is looked into."""
    latest: dict[int, datetime] = {}
    for row, verdict in batch.verdicts.items():
        if verdict.account_id is not None and row.wrapper != envelope.CONVERSATIONS:
            known = latest.get(verdict.account_id, row.received_at)
            latest[verdict.account_id] = max(row.received_at, known)
    previous = {account.pk: account.last_event_at for account in batch.accounts.values()}
    for account_id, received_at in sorted(latest.items()):
        accounts = ConnectedAccount.objects.filter(pk=account_id)
        accounts.exclude(last_event_at__gte=received_at).update(last_event_at=received_at)
        note_gap(
            account_id=account_id,
            previous_last_event_at=previous.get(account_id),
            received_at=received_at,
        )


def _record(verdicts: dict[WebhookEvent, Verdict]) -> None:
    groups: dict[Verdict, list[int]] = defaultdict(list)
    for row, verdict in verdicts.items():
        groups[verdict].append(row.pk)
    now = timezone.now()
    for verdict, pks in groups.items():
        WebhookEvent.objects.filter(pk__in=among(pks)).update(
            status=verdict.status,
            account_id=verdict.account_id,
            error=verdict.error,
            awaits=verdict.awaits,
            retry_at=verdict.retry_at,
            attempts=F("attempts") + 1,
            applied_at=now if verdict.status == Status.APPLIED else None,
        )


def _alarm(batch: Batch) -> None:
    """Tell the log and the host project what this version does not know."""
    unknown = {
        row: f"item in {row.wrapper}"
        for row, verdict in batch.verdicts.items()
        if verdict.status == Status.UNKNOWN
    }
    for arrival in batch.arrivals:
        if isinstance(arrival.event, MessageEvent):
            types = {part.type for part in arrival.event.attachments} - set(ATTACHMENT_TYPES)
            if types:
                unknown[arrival.row] = "attachment type"
    if unknown:
        transaction.on_commit(partial(_tell_unknown, unknown))


def _tell_unknown(unknown: dict[WebhookEvent, str]) -> None:
    for row, what in unknown.items():
        logger.warning("Webhook event %s holds an unknown %s", row.pk, what)
        signals.event_unknown.send_robust(sender=WebhookEvent, event=row, unknown=what)
