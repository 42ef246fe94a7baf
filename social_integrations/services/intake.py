"""Store items in the ledger: one statement for a delivery, whatever the number of its items."""

import json
import logging
import uuid
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from functools import lru_cache
from typing import Any

from django.db import DataError, InterfaceError, OperationalError, connection, transaction
from django.db.models.constants import OnConflict
from django.utils import timezone

from social_integrations.events import envelope
from social_integrations.events.cleaning import parse_json
from social_integrations.events.envelope import Item
from social_integrations.events.imported import imported_item
from social_integrations.exceptions import PayloadError
from social_integrations.models import ConnectedAccount, WebhookEvent

logger = logging.getLogger(__name__)

# Meta batches at most 1,000 updates; more than that in one body goes in several statements.
ITEMS_PER_STATEMENT = 1000
SAME_FOR_ALL = ("delivery_id", "received_at", "status", "error", "attempts")
RECORD = (
    "position",
    "instagram_account_id",
    "contact_igsid",
    "wrapper",
    "kind",
    "event_key",
    "occurred_at",
)
COLUMNS = (*SAME_FOR_ALL, *RECORD, "payload")
# PostgreSQL takes all items as one JSON parameter: for a batch of 100 that costs a third of a
# parameter for each value, and the statement's text is always the same.
RECORDSET = (
    "jsonb_to_recordset(%s::jsonb) AS item(position int, instagram_account_id text,"
    " contact_igsid text, wrapper text, kind text, event_key text, occurred_at timestamptz,"
    " payload jsonb)"
)


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


def store_imported(account: ConnectedAccount, messages: Iterable[Any]) -> int:
    """Put Graph's message objects into the ledger; return how many were not there yet.

    They are applied like deliveries. One that names no message or nobody of the thread is left
    out. Makes no call to Meta, and may be part of the caller's transaction.
    """
    items = []
    for message in messages:
        try:
            item = imported_item(
                message,
                account.instagram_account_id,
                app_scoped_id=account.app_scoped_id,
                username=account.username,
            )
        except PayloadError as error:
            logger.warning("Account %s: a message was not imported: %s", account.pk, error)
        else:
            items.append(item)
    return _insert(items)


def _store(items: Sequence[Item]) -> None:
    try:
        _insert(items)
    except (OperationalError, InterfaceError):
        if connection.is_usable():
            raise  # locked, full or too slow: a second try would only keep Meta waiting
        # A restarted database leaves a dead connection behind. Storing twice is harmless.
        connection.close()
        _insert(items)


def _insert(items: Sequence[Item]) -> int:
    """Insert past the ORM, which costs as much again as the statement; return how many were new."""
    same = _same_for_all()
    statement = _recordset if connection.vendor == "postgresql" else _values
    # In one fixed order: two deliveries of the same items must not wait for each other in a circle.
    ordered = sorted(enumerate(items), key=lambda placed: placed[1].key)
    chunks = [
        ordered[start : start + ITEMS_PER_STATEMENT]
        for start in range(0, len(ordered), ITEMS_PER_STATEMENT)
    ]
    new = 0
    with transaction.atomic() if len(chunks) > 1 else nullcontext(), connection.cursor() as cursor:
        for chunk in chunks:
            source, parameters = statement(same, chunk)
            cursor.execute(_insert_into(source, connection.vendor), parameters)
            new += cursor.rowcount
    return new


@lru_cache(maxsize=8)
def _insert_into(source: str, _vendor: str) -> str:
    """Return the statement around a source of rows, put together once for each kind of database."""
    quote = connection.ops.quote_name
    return " ".join(
        [
            connection.ops.insert_statement(on_conflict=OnConflict.IGNORE),
            quote(WebhookEvent._meta.db_table),
            f"({', '.join(map(quote, COLUMNS))})",
            source,
            connection.ops.on_conflict_suffix_sql([], OnConflict.IGNORE, [], []),
        ]
    )


def _same_for_all() -> list[Any]:
    delivery_id, received_at = uuid.uuid4(), timezone.now()
    return [
        delivery_id if connection.features.has_native_uuid_field else delivery_id.hex,
        connection.ops.adapt_datetimefield_value(received_at),
        WebhookEvent.Status.RECEIVED.value,
        "",
        0,
    ]


def _recordset(same: list[Any], chunk: Sequence[tuple[int, Item]]) -> tuple[str, list[Any]]:
    same_for_all = ", ".join(["%s"] * len(SAME_FOR_ALL))
    record = ", ".join(f"item.{name}" for name in RECORD)
    # The payloads are JSON text already: spliced in, not parsed and written again.
    records = [
        f'{json.dumps(_record(position, item))[:-1]}, "payload": {item.payload_json}}}'
        for position, item in chunk
    ]
    return (
        # A payload that is JSON's null comes out of a record set as SQL's NULL.
        f"SELECT {same_for_all}, {record}, coalesce(item.payload, 'null') FROM {RECORDSET}",  # noqa: S608
        [*same, f"[{', '.join(records)}]"],
    )


def _record(position: int, item: Item) -> dict[str, Any]:
    values = (
        position,
        item.account_id,
        item.contact_id,
        item.wrapper,
        item.kind,
        item.key,
        item.occurred_at.isoformat() if item.occurred_at else None,
    )
    return dict(zip(RECORD, values, strict=True))


def _values(same: list[Any], chunk: Sequence[tuple[int, Item]]) -> tuple[str, list[Any]]:
    row = f"({', '.join(['%s'] * len(COLUMNS))})"
    time = connection.ops.adapt_datetimefield_value
    parameters: list[Any] = []
    for position, item in chunk:
        record = _record(position, item)
        record["occurred_at"] = time(item.occurred_at) if item.occurred_at else None
        parameters += [*same, *record.values(), item.payload_json]
    return f"VALUES {', '.join([row] * len(chunk))}", parameters
