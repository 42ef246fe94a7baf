"""What Meta's headers say about the allowance, and silence where they say nothing usable."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from social_integrations.exceptions import GraphRefusedError
from social_integrations.graph.client import GraphClient
from social_integrations.graph.usage import MAX_WAIT, Usage, read_retry_after, read_usage
from social_integrations.tests.events.test_cleaning import json_values
from social_integrations.tests.graph.answers import FakeMeta

APP = json.dumps({"call_count": 28, "total_time": 85, "total_cputime": 25})


def business(*rows: dict[str, object]) -> dict[str, str]:
    return {"X-Business-Use-Case-Usage": json.dumps({"17841455501230007": list(rows)})}


def test_the_fullest_allowance_counts() -> None:
    rows = business({"type": "messenger", "call_count": 90}, {"type": "pages", "total_time": 12})
    assert read_usage(200, {"X-App-Usage": APP}).percent == 85
    assert read_usage(200, {"X-App-Usage": APP, **rows}).percent == 90


def test_the_time_to_regain_access_is_in_minutes() -> None:
    usage = read_usage(
        200,
        business(
            {"type": "instagram", "call_count": 100, "estimated_time_to_regain_access": 7},
        ),
    )
    assert usage.is_spent
    assert usage.wait_seconds == 420


def test_other_products_have_allowances_of_their_own() -> None:
    usage = read_usage(200, business({"type": "ads_insights", "call_count": 100}))
    assert usage == Usage()


def test_too_many_requests_is_a_refusal() -> None:
    usage = read_usage(429, {"Retry-After": "30"})
    assert (usage.is_spent, usage.wait_seconds) == (True, 30)


def test_a_wait_is_at_most_a_day() -> None:
    assert read_usage(429, {"Retry-After": "9" * 300}).wait_seconds == MAX_WAIT


@pytest.mark.parametrize(
    ("written", "seconds"), [("", 0), ("2", 2), ("-2", 0), ("2.5", 0), ("soon", 0), ("٣", 3)]
)
def test_retry_after_in_seconds(written: str, seconds: float) -> None:
    assert read_retry_after({"Retry-After": written}) == seconds


def test_retry_after_as_a_date() -> None:
    now = datetime.now(UTC)
    later = format_datetime(now + timedelta(seconds=90), usegmt=True)
    assert 85 < read_retry_after({"Retry-After": later}) <= 90
    assert read_retry_after({"Retry-After": format_datetime(now - timedelta(days=1))}) == 0
    assert read_retry_after({"Retry-After": "Wed, 21 Oct 2015 07:28:00 -0000"}) == 0


@pytest.mark.parametrize(
    "header",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 30_000,
        "x" * 40_000,
        '{"call_count": "NaN"}',
        '{"call_count":[]}',
    ],
)
def test_odd_headers_are_silence(header: str) -> None:
    for name in ("X-App-Usage", "X-Page-Usage", "X-Business-Use-Case-Usage"):
        assert read_usage(200, {name: header}) == Usage()


@given(json_values, st.sampled_from(["call_count", "estimated_time_to_regain_access"]))
def test_any_header_is_read(value: object, key: str) -> None:
    flat = json.dumps({key: value})
    usage = read_usage(200, {"X-App-Usage": flat, **business({"type": "pages", key: value})})
    assert usage.percent >= 0
    assert 0 <= usage.wait_seconds <= MAX_WAIT


def test_the_client_tells_it_after_an_answer_and_after_a_refusal(
    meta: FakeMeta, client: GraphClient
) -> None:
    assert client.usage == Usage()
    meta.answer("GET", "me", "identity", headers={"X-App-Usage": APP})
    client.get("me")
    assert client.usage.percent == 85
    meta.answer("POST", "me", "error_throttled", headers={"X-App-Usage": '{"call_count": 100}'})
    with pytest.raises(GraphRefusedError):
        client.post("me", {})
    assert client.usage.is_spent
