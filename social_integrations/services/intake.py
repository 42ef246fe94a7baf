"""Store a verified delivery in the ledger: one statement, whatever the number of items."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import DataError, InterfaceError, OperationalError, connection, transaction
from django.db.models.constants import OnConflict
from django.utils import timezone

from social_integrations.events import envelope
from social_integrations.events.cleaning import parse_json
from social_integrations.events.envelope import Item
from social_integrations.models import WebhookEvent

# Meta batches at most 1,000 updates; more than that in one body goes in several statements.
ROWS_PER_STATEMENT = 1000
COLUMNS = (
    "delivery_id",
    "position",
    "received_at",
    "instagram_account_id",
    "contact_igsid",
    "wrapper",
    "kind",
    "event_key",
    "payload",
    "occurred_at",
    "status",
    "error",
    "attempts",
)
_ROW = "(" + ", ".join(["%s"] * len(COLUMNS)) + ")"


def store_delivery(body: bytes) -> int:
    """Keep every item of a verified delivery; return how many it held.

    Items that stand in the ledger already are left as they are. Committed when this returns.
    Raises ValueError where the body is not JSON, and Django's OperationalError or InterfaceError
    where the database stays away after one fresh connection.
    """
    try:
        items = envelope.split(parse_json(body), body)
    except RecursionError:
        items = [envelope.unreadable(body)]
    try:
        _store(items)
    except DataError:
        # The database refuses a value we believed harmless: keep the delivery as text instead.
        _store([envelope.unreadable(body)])
    return len(items)


def _store(items: Sequence[Item]) -> None:
    try:
        _insert(items)
    except (OperationalError, InterfaceError):
        # A restarted database leaves a dead connection behind. Storing twice is harmless.
        connection.close()
        _insert(items)


def _insert(items: Sequence[Item]) -> None:
    delivery_id, received_at = uuid.uuid4(), timezone.now()
    rows = [_row(delivery_id, place, received_at, item) for place, item in enumerate(items)]
    if len(rows) <= ROWS_PER_STATEMENT:
        return _execute(rows)
    with transaction.atomic():
        for start in range(0, len(rows), ROWS_PER_STATEMENT):
            _execute(rows[start : start + ROWS_PER_STATEMENT])
    return None


def _execute(rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows past the ORM, which would cost as much again as the statement itself."""
    quote = connection.ops.quote_name
    head = connection.ops.insert_statement(on_conflict=OnConflict.IGNORE)
    tail = connection.ops.on_conflict_suffix_sql([], OnConflict.IGNORE, [], [])
    columns = ", ".join(quote(name) for name in COLUMNS)
    table = quote(WebhookEvent._meta.db_table)
    values = ", ".join([_ROW] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            f"{head} {table} ({columns}) VALUES {values} {tail}",
            [value for row in rows for value in row],
        )


def _row(delivery_id: uuid.UUID, position: int, received_at: datetime, item: Item) -> list[Any]:
    time = connection.ops.adapt_datetimefield_value
    native_uuid = connection.features.has_native_uuid_field
    return [
        delivery_id if native_uuid else delivery_id.hex,
        position,
        time(received_at),
        item.account_id,
        item.contact_id,
        item.wrapper,
        item.kind,
        item.key,
        item.payload_json,
        time(item.occurred_at) if item.occurred_at else None,
        WebhookEvent.Status.RECEIVED.value,
        "",
        0,
    ]
