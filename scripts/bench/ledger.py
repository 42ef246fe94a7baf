"""Applying, measured inside one worker process: events a second, and how it grows with history."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django

django.setup()

from django.db import connection  # noqa: E402 - Django must be set up first

from scripts.bench.prepare import prepare  # noqa: E402
from scripts.lib import load, machine  # noqa: E402
from social_integrations.models import Message, WebhookEvent  # noqa: E402
from social_integrations.services.applying import apply_pending  # noqa: E402
from social_integrations.services.intake import store_delivery  # noqa: E402

EVENTS = 10_000
PER_DELIVERY = 100
HISTORY = 200_000
# Stored messages with ids as long and as random as Meta's, spread over the existing threads.
FILL = """
INSERT INTO social_integrations_message (account_id, conversation_id, mid, direction, source, kind,
    text, sent_at, received_at, reply_to_mid, quick_reply_payload, edits, status, error_code,
    error_text, tag)
SELECT (SELECT min(id) FROM social_integrations_connectedaccount),
    threads.ids[1 + n %% threads.many],
    'aWdfZAG1' || repeat(md5(n::text), 5), 'inbound', 'customer', 'text', repeat('Hello. ', 20),
    now() - n * interval '1 minute', now(), '', '', 0, 'received', '', '', ''
FROM generate_series(1, %s) AS n, (SELECT array_agg(id) AS ids, count(*) AS many
    FROM social_integrations_conversation) AS threads
"""


def receive(prefix: str) -> None:
    """Put text events into the ledger."""
    for number in range(EVENTS // PER_DELIVERY):
        store_delivery(load.body(f"{prefix}-{number}", number, PER_DELIVERY))


def apply_all() -> tuple[float, float]:
    """Apply everything waiting; return wall and processor seconds (PostgreSQL's included)."""
    cpu, wall = time.process_time() + machine.postgres_seconds(), time.perf_counter()
    while apply_pending():
        pass
    return (
        time.perf_counter() - wall,
        time.process_time() + machine.postgres_seconds() - cpu,
    )


def measure(prefix: str) -> tuple[float, float]:
    """Return events a second and processor milliseconds an event."""
    receive(prefix)
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute("ANALYZE")
    wall, cpu = apply_all()
    return EVENTS / wall, cpu / EVENTS * 1000


def main() -> None:
    """Print the rate on empty tables, then the cost with a history."""
    prepare()
    measure("warm")
    rate, empty = measure("empty")
    print(f"apply: {rate:,.0f} text events a second with one worker, {empty:.3f} CPU ms each")
    with connection.cursor() as cursor:
        cursor.execute(FILL, [HISTORY])
        cursor.execute("VACUUM ANALYZE")
    stored = Message.objects.count()
    rate, full = measure("full")
    print(
        f"growth: {full:.3f} CPU ms an event with {stored:,} messages stored, "
        f"{full / empty:.2f} times the cost on nearly empty tables ({rate:,.0f} a second)"
    )
    if WebhookEvent.objects.exclude(status="applied").exists():
        sys.exit("Some events were not applied; the figures mean nothing.")


if __name__ == "__main__":
    main()
