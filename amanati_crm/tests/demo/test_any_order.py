"""A recorded mixture of all kinds ends in the same bytes, however it is delivered."""

import json
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from django.utils import timezone

from scripts.chaos import stores
from scripts.chaos.app import App, running
from scripts.chaos.sender import Delivery, Meta
from scripts.lib import machine
from social_integrations.models import ConnectedAccount
from social_integrations.services.intake import store_delivery
from social_integrations.tests.conversations import apply_all, canonical

from .conftest import Demo, eventually

pytestmark = pytest.mark.demo

SEED = 20261124
RATE = 60
APPLIED = "SELECT count(*) FROM social_integrations_webhookevent WHERE status <> 'received'"
CUSTOMERS = ("order_one", "order_two")


class Server(stores.Cluster):
    """The PostgreSQL server that is there already; nothing of it is started or stopped."""

    def __init__(self, url: str) -> None:
        self.url = url


@pytest.fixture(scope="module")
def recorded(demo: Demo) -> tuple[str, list[bytes]]:
    """Have every kind of event happen; return the account and the bodies as Meta sent them."""
    demo.connect(demo.staff())
    for customer in CUSTOMERS:
        demo.control("customers", username=customer)
    before = {one["id"] for one in log(demo)}
    kinds = [row["kind"] for row in get(demo, "kinds")["kinds"]]
    for customer in CUSTOMERS:
        about = {"account": "demo_shop", "customer": customer}
        for number, kind in enumerate(kinds):
            if number % 5 == 0:  # deeds need something of either side to be done to
                demo.control("messages", text=f"Question {number}", **about)
                demo.control("echoes", text=f"Answer {number}", **about)
            demo.control("events", kind=kind, **about)
    made = [one for one in reversed(log(demo)) if one["id"] not in before]
    eventually(lambda: all(one["status"] != "pending" for one in log(demo)))
    account = next(one for one in demo.status()["accounts"] if one["username"] == "demo_shop")
    assert len(made) >= len(CUSTOMERS) * len(kinds)
    return account["instagram_account_id"], [one["body"].encode() for one in made]


def get(demo: Demo, name: str, **query: Any) -> Any:
    """Ask the emulator's control API."""
    return requests.get(f"{demo.emulator_url}/_control/{name}", params=query, timeout=30).json()


def log(demo: Demo) -> list[Any]:
    """Return the emulator's deliveries, newest first."""
    found: list[Any] = get(demo, "deliveries", limit=5000)["deliveries"]
    return found


@contextmanager
def store(name: str, folder: Path) -> Iterator[stores.Store]:
    """Make a fresh database of its own."""
    if name == stores.SQLITE:
        yield stores.Sqlite(folder)
        return
    try:
        with machine.database(f"any_order_{os.getpid()}") as url:
            yield Server(url)
    except psycopg.OperationalError as error:
        pytest.skip(f"No PostgreSQL server answers: {type(error).__name__}")


def kill_at_work(app: App, meta: Meta) -> None:
    """Kill the worker, as soon as it has applied something in this life of its."""
    applied = app.store.rows(APPLIED)
    while meta.undelivered and app.store.rows(APPLIED) == applied:
        time.sleep(0.02)
    app.worker.kill()


@pytest.mark.django_db
@pytest.mark.parametrize("name", [stores.SQLITE, stores.POSTGRESQL])
def test_twice_shuffled_with_killed_workers_is_as_once_in_order(
    recorded: tuple[str, list[bytes]], tmp_path: Path, name: str
) -> None:
    account_id, bodies = recorded
    ConnectedAccount.objects.create(instagram_account_id=account_id, connected_at=timezone.now())
    for body in bodies:
        store_delivery(body)
        apply_all()
    expected = canonical()
    told = json.loads(expected)
    assert len(told) > len(CUSTOMERS), "the account also writes to itself"
    # An account connected through both logins is told everything twice.
    assert sum(len(one["messages"]) for one in told) > len(bodies) / 4

    twice = random.Random(SEED).sample(bodies * 2, len(bodies) * 2)  # noqa: S311 - repeatable
    load = [Delivery(body, (), number / RATE) for number, body in enumerate(twice)]
    with store(name, tmp_path) as database, running(database, tmp_path / "app") as app:
        app.script("prepare", account_id)
        with Meta(app.port, app.secret, load) as meta:
            kills = meta.repeat(0.1, lambda: kill_at_work(app, meta))
            assert meta.undelivered == 0
        assert app.drain(time.monotonic()) is not None
        assert kills
        assert app.worker.deaths
        found = app.script("canonical").encode()
    assert found == expected
