"""Applying, measured inside one worker process: events a second, and how it grows with history."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django

django.setup()

from django.db import connection  # noqa: E402 - Django must be set up first

from scripts.bench.lists import measure_lists  # noqa: E402
from scripts.bench.mixture import Mixture  # noqa: E402
from scripts.bench.prepare import prepare  # noqa: E402
from scripts.lib import load, machine  # noqa: E402
from social_integrations.models import Message, WebhookEvent  # noqa: E402
from social_integrations.services.applying import apply_pending  # noqa: E402
from social_integrations.services.intake import store_delivery  # noqa: E402

EVENTS = 10_000
PER_DELIVERY = 100
HISTORIES = (200_000, 1_000_000)
# Stored messages with ids as long and as random as Meta's, spread over the existing threads.
FILL = """
INSERT INTO social_integrations_message (account_id, conversation_id, mid, origin, ledger_keys,
    direction, source, kind, text, original_text, sent_at, received_at, reply_to_mid,
    quick_reply_payload, edits, status, error_code, error_text, tag)
SELECT (SELECT min(id) FROM social_integrations_connectedaccount),
    threads.ids[1 + n %% threads.many],
    'aWdfZAG1' || repeat(md5(n::text), 5), '1' || md5(n::text), '[]', 'inbound', 'customer',
    'text', repeat('Hello. ', 20), '',
    now() - n * interval '1 minute', now(), '', '', 0, 'received', '', '', ''
FROM generate_series(%s, %s) AS n, (SELECT array_agg(id) AS ids, count(*) AS many
    FROM social_integrations_conversation) AS threads
"""


def texts(prefix: str) -> list[bytes]:
    """Return deliveries of text messages."""
    count = EVENTS // PER_DELIVERY
    return [load.body(f"{prefix}-{number}", number, PER_DELIVERY) for number in range(count)]


def mixed(prefix: str) -> list[bytes]:
    """Return deliveries of all kinds."""
    mixture = Mixture(prefix)
    return [mixture.delivery(PER_DELIVERY) for _ in range(EVENTS // PER_DELIVERY)]


def apply_all() -> tuple[float, float]:
    """Apply everything waiting; return wall and processor seconds (PostgreSQL's included)."""
    cpu, wall = time.process_time() + machine.postgres_seconds(), time.perf_counter()
    while apply_pending():
        pass
    return (
        time.perf_counter() - wall,
        time.process_time() + machine.postgres_seconds() - cpu,
    )


def measure(deliveries: Sequence[bytes]) -> tuple[float, float]:
    """Return events a second and processor milliseconds an event."""
    for body in deliveries:
        store_delivery(body)
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute("ANALYZE")
    wall, cpu = apply_all()
    return EVENTS / wall, cpu / EVENTS * 1000


def fill(until: int) -> None:
    """Store messages until there are about so many."""
    stored = Message.objects.count()
    with connection.cursor() as cursor:
        cursor.execute(FILL, [stored + 1, until])
        cursor.execute("VACUUM ANALYZE")


def one_large_batch() -> None:
    """Print how long Meta's largest delivery takes to be kept, and to be applied."""
    body = Mixture("large").delivery(1000)
    started = time.perf_counter()
    store_delivery(body)
    kept = time.perf_counter() - started
    wall, _cpu = apply_all()
    print(f"a delivery of 1,000 events: kept in {kept:.2f} s, applied in {wall:.2f} s")


def main() -> None:
    """Print the rates on empty tables, then the cost with a history."""
    prepare()
    kinds: dict[str, Callable[[str], list[bytes]]] = {"text": texts, "mixed": mixed}
    empty = {}
    for name, make in kinds.items():
        measure(make(f"{name}-warm"))
        rate, empty[name] = measure(make(f"{name}-empty"))
        print(
            f"apply: {rate:,.0f} {name} events a second with one worker, "
            f"{empty[name]:.3f} CPU ms each"
        )
    one_large_batch()
    for history in HISTORIES:
        fill(history)
        for name, make in kinds.items():
            rate, full = measure(make(f"{name}-{history}"))
            print(
                f"growth: {full:.3f} CPU ms a {name} event with {Message.objects.count():,} "
                f"messages stored, {full / empty[name]:.2f} times the cost on nearly empty tables "
                f"({rate:,.0f} a second)"
            )
    if WebhookEvent.objects.exclude(status__in=["applied", "parked"]).exists():
        sys.exit("Some events were not applied; the figures mean nothing.")
    measure_lists()


if __name__ == "__main__":
    main()
