"""The judge finds every broken promise, and nothing where all were kept."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from scripts.chaos.judge import Attempt, Bounds, Evidence, Outcome, verdict

ANSWERED = Attempt(200, 0.01)
REFUSED = Attempt(503, 0.02, b"The database is not available; please repeat.\n", retry_after=True)
GOOD = Evidence(
    acknowledged={"a", "b"},
    ledger=Counter("ab"),
    messages=Counter("ab"),
    attempts=[ANSWERED, REFUSED, Attempt(200, 0.3)],
    drained=1.0,
)


def test_a_good_run_breaks_nothing() -> None:
    assert verdict(Outcome(GOOD)) == []
    assert (GOOD.lost, GOOD.duplicated, GOOD.wrong) == (0, 0, 0)
    assert (GOOD.refused, GOOD.broken, GOOD.slowest) == (1, 0, 0.3)


def test_stored_without_an_acknowledgement_is_no_fault() -> None:
    # The worker was killed between the commit and the answer.
    stored = Counter("abc")
    assert verdict(Outcome(replace(GOOD, ledger=stored, messages=stored))) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"acknowledged": set(), "undelivered": 0}, "proves nothing"),
        ({"ledger": Counter("a")}, "I1: 1 acknowledged and not stored"),
        ({"ledger": Counter("aab")}, "I2: 1 stored more than once"),
        ({"messages": Counter("abb")}, "I2: 1 stored more than once"),
        ({"messages": Counter("a")}, "I2: 1 acknowledged and no message"),
        ({"attempts": [Attempt(500, 0.1)]}, "I3: 1 answers of 5xx other than 503"),
        ({"attempts": [Attempt(403, 0.1)]}, "I3: statuses nobody should see: [403]"),
        ({"attempts": [replace(REFUSED, body=b"psycopg.Error")]}, "internals"),
        ({"attempts": [replace(REFUSED, body=b"x" * 201)]}, "internals"),
        ({"attempts": [replace(REFUSED, retry_after=False)]}, "without Retry-After"),
        ({"attempts": [Attempt(200, 5.1)]}, "took more than 5 s"),
        ({"attempts": [Attempt(0, 0.1)]}, "1 connections ended without an answer"),
        ({"drained": None}, "I4: the backlog did not empty"),
        ({"drained": 61.0}, "I4: the backlog took more than 60 s"),
        ({"undelivered": 3}, "3 deliveries were never accepted"),
    ],
)
def test_every_broken_promise_is_named(changes: dict[str, Any], words: str) -> None:
    (found,) = verdict(Outcome(replace(GOOD, **changes)))
    assert words in found


@pytest.mark.parametrize(
    ("bounds", "attempts", "words"),
    [
        (Bounds(must_refuse=True), [ANSWERED], "the fault was not felt"),
        (Bounds(may_refuse=False), [REFUSED], "1 deliveries were refused"),
        (Bounds(slowest=3.0), [Attempt(200, 3.5)], "took more than 3 s"),
    ],
)
def test_a_recipe_may_ask_for_more(bounds: Bounds, attempts: list[Attempt], words: str) -> None:
    (found,) = verdict(Outcome(replace(GOOD, attempts=attempts), bounds))
    assert words in found


def test_where_servers_are_killed_connections_may_break() -> None:
    seen = replace(GOOD, attempts=[ANSWERED, Attempt(0, 12.0)])
    assert verdict(Outcome(seen, Bounds(may_break=True))) == []


def test_what_only_a_recipe_can_judge_counts_too() -> None:
    outcome = Outcome(GOOD, broken=["a cold start took 12.0 s"])
    assert verdict(outcome) == ["a cold start took 12.0 s"]
