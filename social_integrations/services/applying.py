"""Apply ledger items: claim a batch, apply it in one transaction, isolate what fails."""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from social_integrations.conf import app_settings
from social_integrations.events import envelope, kinds
from social_integrations.events.messages import MessageEvent, other_account, read_message
from social_integrations.exceptions import PayloadError
from social_integrations.models import ConnectedAccount, WebhookEvent

from .failures import describe
from .receiving import Arrival, store_messages

logger = logging.getLogger(__name__)

Read: TypeAlias = Callable[[str, Any, str], MessageEvent]
Apply: TypeAlias = Callable[[Sequence[Arrival]], None]

Status = WebhookEvent.Status
# Kind → how to read it, how to apply it. A kind without a row here waits in the ledger.
APPLIERS: dict[str, tuple[Read, Apply]] = {
    kinds.MESSAGE: (read_message, store_messages),
    kinds.MESSAGE_ECHO: (read_message, store_messages),
}
UNKNOWN_KINDS = frozenset({kinds.UNKNOWN, kinds.MESSENGER})
LATER = "This version does not apply items of this kind yet; it is kept and can be applied later."
NOT_UNDERSTOOD = "No known kind of item; it is kept as Meta sent it."


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a row; `account` and `error` where there are any."""

    status: WebhookEvent.Status
    account_id: int | None = None
    error: str = ""


def apply_pending(limit: int | None = None) -> int:
    """Apply the oldest waiting items, at most `limit` (default: the batch size); return how many.

    Safe to run from several workers at once: each claims rows of its own where the database can.
    Raises OperationalError or InterfaceError where the database went away; nothing is lost then.
    """
    with transaction.atomic():
        rows = list(_claim(limit or app_settings.APPLY_BATCH_SIZE))
        if rows:
            _settle(rows)
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
        return events.update(status=Status.RECEIVED, error="")


def _claim(limit: int) -> QuerySet[WebhookEvent]:
    waiting = WebhookEvent.objects.filter(status=Status.RECEIVED).order_by("id")
    if connection.features.has_select_for_update_skip_locked:
        waiting = waiting.select_for_update(skip_locked=True)
    return waiting[:limit]


def _settle(rows: Sequence[WebhookEvent], *, again: bool = False) -> None:
    """Apply rows together; where that fails, halve them until only the poison fails."""
    try:
        with transaction.atomic():
            _record(_apply(rows))
    except (OperationalError, InterfaceError):
        raise  # the database, not the rows
    except IntegrityError as error:
        # Another worker stored the same message or contact first: now we see it.
        _isolate(rows, error) if again else _settle(rows, again=True)
    except Exception as error:  # noqa: BLE001 - whatever a bug of ours raises stays with its row
        _isolate(rows, error)


def _isolate(rows: Sequence[WebhookEvent], error: Exception) -> None:
    if len(rows) > 1:
        middle = len(rows) // 2
        _settle(rows[:middle])
        _settle(rows[middle:])
        return
    logger.error("Webhook event %s failed: %s", rows[0].pk, type(error).__name__)
    _record({rows[0]: Verdict(Status.FAILED, error=describe(error))})


def _apply(rows: Sequence[WebhookEvent]) -> dict[WebhookEvent, Verdict]:
    accounts = _accounts(rows)
    verdicts: dict[WebhookEvent, Verdict] = {}
    work: dict[Apply, list[Arrival]] = defaultdict(list)
    for row in rows:
        account = accounts.get(row.instagram_account_id)
        waiting = _waiting(row, account)
        if waiting or account is None:
            verdicts[row] = waiting or Verdict(Status.ORPHANED)
            continue
        read, apply = APPLIERS[row.kind]
        try:
            _refuse_two_accounts(row, accounts)
            event = read(row.wrapper, row.payload, row.instagram_account_id)
        except Exception as error:  # noqa: BLE001 - reading is pure: only this row is affected
            verdicts[row] = Verdict(Status.FAILED, account.pk, describe(error))
        else:
            work[apply].append(Arrival(row, account, event))
            verdicts[row] = Verdict(Status.APPLIED, account.pk)
    for apply, arrivals in work.items():
        apply(arrivals)
    _touch_accounts(rows, verdicts)
    return verdicts


def _waiting(row: WebhookEvent, account: ConnectedAccount | None) -> Verdict | None:
    """Return why a row is not applied now, or None where it is."""
    account_id = account.pk if account else None
    if kinds.is_test(envelope.messaging_item(row.wrapper, row.payload), row.instagram_account_id):
        return Verdict(Status.TEST)
    if row.kind in UNKNOWN_KINDS:
        return Verdict(Status.UNKNOWN, account_id, NOT_UNDERSTOOD)
    if account is None:
        return Verdict(Status.ORPHANED)
    if row.kind not in APPLIERS:
        return Verdict(Status.PARKED, account_id, LATER)
    return None


def _refuse_two_accounts(row: WebhookEvent, accounts: dict[str, ConnectedAccount]) -> None:
    """Refuse an item that names two of our accounts: nobody can tell whose message it is."""
    other = accounts.get(other_account(row.wrapper, row.payload, row.instagram_account_id))
    if other is not None and other != accounts[row.instagram_account_id]:
        raise PayloadError("entry.id and the item name two different connected accounts")


def _accounts(rows: Sequence[WebhookEvent]) -> dict[str, ConnectedAccount]:
    """Return the accounts the rows name, by either of their ids."""
    ids = {row.instagram_account_id for row in rows}
    ids |= {other_account(row.wrapper, row.payload, row.instagram_account_id) for row in rows}
    ids.discard("")
    found = ConnectedAccount.objects.defer("access_token")
    by_id = {account.app_scoped_id: account for account in found.filter(app_scoped_id__in=ids)}
    by_id |= {
        account.instagram_account_id: account
        for account in found.filter(instagram_account_id__in=ids)
    }
    return by_id


def _touch_accounts(rows: Sequence[WebhookEvent], verdicts: dict[WebhookEvent, Verdict]) -> None:
    latest: dict[int, datetime] = {}
    for row in rows:
        account_id = verdicts[row].account_id
        if account_id is not None:
            latest[account_id] = max(row.received_at, latest.get(account_id, row.received_at))
    for account_id, received_at in sorted(latest.items()):
        accounts = ConnectedAccount.objects.filter(pk=account_id)
        accounts.exclude(last_event_at__gte=received_at).update(last_event_at=received_at)


def _record(verdicts: dict[WebhookEvent, Verdict]) -> None:
    groups: dict[Verdict, list[int]] = defaultdict(list)
    for row, verdict in verdicts.items():
        groups[verdict].append(row.pk)
    now = timezone.now()
    for verdict, pks in groups.items():
        WebhookEvent.objects.filter(pk__in=pks).update(
            status=verdict.status,
            account_id=verdict.account_id,
            error=verdict.error,
            attempts=F("attempts") + 1,
            applied_at=now if verdict.status == Status.APPLIED else None,
        )
