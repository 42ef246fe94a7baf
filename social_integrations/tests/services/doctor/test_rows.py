"""The doctor itself never fails, and its colours add up."""

import logging
from collections.abc import Callable
from typing import NoReturn

import pytest
from django.db import OperationalError
from django.utils import timezone

from social_integrations.services.doctor.rows import (
    Check,
    Finding,
    Level,
    Report,
    amber,
    green,
    judge,
    red,
    section,
    skipped,
)

SECRET = "EAAB-secretvalue"
STEP = "Do this."
LOOKS: dict[Level, Callable[[None], Finding]] = {
    Level.GREEN: lambda _: green("Good."),
    Level.AMBER: lambda _: amber("Soon.", STEP),
    Level.RED: lambda _: red("Broken.", STEP),
    Level.GREY: lambda _: skipped("Unknown."),
}


def report(*levels: Level) -> Report:
    checks = [
        Check(f"{level}-{place}", "A row", LOOKS[level]) for place, level in enumerate(levels)
    ]
    return Report(checked_at=timezone.now(), rows=tuple(judge(checks, None)))


@pytest.mark.parametrize(
    ("levels", "worst", "first", "exit_code"),
    [
        ((), "green", None, 0),
        (("green", "grey"), "green", None, 0),
        (("grey", "amber", "green"), "amber", "amber-1", 1),
        (("amber", "red"), "red", "amber-0", 2),
        (("green", "red", "amber"), "red", "red-1", 2),
    ],
)
def test_the_worst_colour_counts_and_the_first_row_is_named(
    levels: tuple[str, ...], worst: str, first: str | None, exit_code: int
) -> None:
    made = report(*map(Level, levels))
    assert (made.level, made.exit_code) == (worst, exit_code)
    assert (made.first.code if made.first else None) == first
    assert made.as_json()["first"] == first


def fails(_facts: None = None) -> NoReturn:
    raise OperationalError(SECRET)


def test_a_check_that_fails_is_a_row(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        rows = judge([Check("odd", "Odd", fails), Check("fine", "Fine", LOOKS[Level.GREEN])], None)
    assert [row.level for row in rows] == ["amber", "green"]
    assert "OperationalError" in rows[0].sentence
    assert "OperationalError, test_rows.py:" in caplog.text
    assert SECRET not in f"{rows}{caplog.text}"


def test_facts_that_cannot_be_had_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    good = LOOKS[Level.GREEN]
    found = section(fails, [Check("one", "One", good), Check("two", "Two", good)])
    assert found.facts is None
    assert [row.level for row in found.rows] == ["amber", "grey"]
    assert SECRET not in f"{found.rows}{caplog.text}"


def test_rows_quote_nobody_into_a_terminal() -> None:
    hostile = "\x1b[2J https://\u202eelpmaxe \r\n" + "x" * 2_000
    [row] = judge([Check("odd", "Odd", lambda _: red(hostile, hostile))], None)
    assert row.sentence.isprintable()
    assert row.next_step.isprintable()
    assert len(row.sentence) <= 600
