"""The laws of applying: the end depends on the set of events alone, and no input breaks it.

Fifty examples of two conversations each; `make laws` runs a thousand (profile `long`).
"""

import copy
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from social_integrations.events.envelope import CONVERSATIONS
from social_integrations.models import ConnectedAccount, Contact, Job, WebhookEvent
from social_integrations.services.waiting import release_all_arrived
from social_integrations.tests.conversations import (
    Placed,
    apply_all,
    canonical,
    deliver,
    deliver_at_once,
    histories,
    verdicts,
)
from social_integrations.tests.factories import make_account
from social_integrations.tests.payloads import ACCOUNT_ID, encode, load, names, post

EXAMPLES_PER_ROUND_WITH_WORKERS = 12
lawful = limits(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def account() -> ConnectedAccount:
    return make_account(instagram_account_id=ACCOUNT_ID)


def forget() -> None:
    """Empty what a history filled.

    A thousand times in one transaction, where PostgreSQL could clear nothing away after a DELETE.
    """
    if connection.vendor != "postgresql":
        Contact.objects.all().delete()
        WebhookEvent.objects.all().delete()
        return
    tables = ", ".join(model._meta.db_table for model in (Contact, WebhookEvent, Job))
    connection.check_constraints()  # deferred ones would forbid it
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables} CASCADE")


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[list[Placed], list[list[Placed]], int]:
    """Draw a history, and the same set of items repeated, reordered and split into deliveries."""
    history = draw(histories())
    repeated = [*history, *draw(st.lists(st.sampled_from(history), max_size=5))] if history else []
    order = draw(st.permutations(repeated))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=4)))
    bounds = zip([0, *cuts], [*cuts, len(order)], strict=True)
    return history, [order[start:end] for start, end in bounds], draw(st.sampled_from([2, 7, 50]))


@pytest.mark.django_db
class TestOrderFree:
    @lawful
    @given(case=shuffled())
    def test_the_end_depends_on_the_set_of_events_alone(
        self, account: ConnectedAccount, case: tuple[list[Placed], list[list[Placed]], int]
    ) -> None:
        history, deliveries, batch = case
        forget()
        deliver_at_once(history)
        expected, expected_verdicts = canonical(), verdicts()
        forget()
        for number, part in enumerate(deliveries):
            deliver(part)
            if number % 2:
                apply_all(batch)
        apply_all(batch)
        assert canonical() == expected
        assert verdicts() == expected_verdicts
        assert_nothing_is_left_of_what_was_unsent(history)
        WebhookEvent.objects.update(status="received")
        apply_all()
        assert canonical() == expected


def assert_nothing_is_left_of_what_was_unsent(history: list[Placed]) -> None:
    unsent = {
        item["message"]["mid"]
        for wrapper, item in history
        if wrapper != CONVERSATIONS and item.get("message", {}).get("is_deleted") is True
    }
    kept = json.dumps(list(WebhookEvent.objects.values_list("payload", flat=True)))
    assert not [mid for mid in unsent if f"text of {mid} " in kept]
    assert not [mid for mid in unsent if f"text of {mid} " in canonical().decode()]


@pytest.mark.django_db(transaction=True)
@limits(parent=lawful, max_examples=limits().max_examples // EXAMPLES_PER_ROUND_WITH_WORKERS)
@given(case=shuffled())
def test_several_workers_end_where_one_does(
    case: tuple[list[Placed], list[list[Placed]], int],
) -> None:
    history, deliveries, batch = case
    ConnectedAccount.objects.all().delete()
    forget()
    make_account(instagram_account_id=ACCOUNT_ID)
    deliver_at_once(history)
    expected = canonical()
    forget()
    workers = [
        threading.Thread(target=deliver_and_apply, args=(deliveries[start::3], batch))
        for start in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    release_all_arrived()
    apply_all()
    assert canonical() == expected


def deliver_and_apply(deliveries: list[list[Placed]], batch: int) -> None:
    try:
        for part in deliveries:
            deliver(part)
            apply_all(batch)
    finally:
        connection.close()


def broken(value: Any) -> Iterator[Any]:
    """Yield the JSON with each of its keys and members deleted, nulled, or made another type."""
    paths = list(_paths(value))
    for path in paths:
        for damage in (_delete, _put(None), _put([]), _put({}), _put("x"), _put(-1.5), _put(True)):
            damaged = copy.deepcopy(value)
            holder = damaged
            for step in path[:-1]:
                holder = holder[step]
            damage(holder, path[-1])
            yield damaged


def _paths(value: Any, so_far: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for step, inner in inside:
        yield (*so_far, step)
        if isinstance(inner, dict | list):
            yield from _paths(inner, (*so_far, step))


def _delete(holder: Any, step: Any) -> None:
    del holder[step]


def _put(replacement: Any) -> Any:
    def put(holder: Any, step: Any) -> None:
        holder[step] = copy.deepcopy(replacement)

    return put


@pytest.mark.django_db
@pytest.mark.parametrize("name", names())
def test_no_missing_or_odd_value_stops_anything(
    account: ConnectedAccount, client: Client, name: str
) -> None:
    for damaged in broken(load(name)):
        assert post(client, encode(damaged)).status_code == 200
    apply_all()
    left = set(WebhookEvent.objects.values_list("status", flat=True))
    assert "received" not in left
    errors = WebhookEvent.objects.filter(status="failed").values_list("error", flat=True)
    assert not [error for error in errors if not error.startswith("PayloadError")]
