"""Meta's clock in all its spellings."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from social_integrations.events.timestamps import read_timestamp
from social_integrations.tests.events.test_cleaning import json_values

MOMENT = datetime(2026, 11, 22, 9, 33, 20, tzinfo=UTC)


@pytest.mark.parametrize("value", [1795340000000, 1795340000, "1795340000", "1795340000000"])
def test_milliseconds_seconds_and_text_mean_the_same(value: Any) -> None:
    assert read_timestamp(value) == MOMENT


@pytest.mark.parametrize(
    "value",
    [None, True, "", "soon", -5, 0, 2**63, 1e300, float("nan"), "9" * 400, [], {}, "१२३"],
)
def test_nonsense_is_no_time(value: Any) -> None:
    assert read_timestamp(value) is None


@given(json_values)
def test_nothing_raises(value: Any) -> None:
    read_timestamp(value)
