"""Meta's allowances hold for all workers together, and its wish to be left alone is heard."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from social_integrations.exceptions import (
    GraphPausedError,
    GraphRefusedError,
    GraphUnavailableError,
)
from social_integrations.models import CallBudget, ConnectedAccount
from social_integrations.services.budget import (
    CONVERSATIONS,
    PROFILES,
    PacedClient,
    pause,
    take_turn,
)
from social_integrations.services.clients import client_for_account
from social_integrations.tests.factories import make_account
from social_integrations.tests.graph.answers import FakeMeta

pytestmark = pytest.mark.django_db

SLEEP = "social_integrations.services.budget.time.sleep"


@pytest.fixture
def account() -> ConnectedAccount:
    return make_account()


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pass the time at once: every bucket is free after a nap."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        CallBudget.objects.update(free_at=timezone.now())

    monkeypatch.setattr(SLEEP, sleep)
    return slept


def turn(account: ConnectedAccount, family: str = CONVERSATIONS) -> float:
    return take_turn(account_id=account.pk, family=family)


def paced(account: ConnectedAccount) -> PacedClient:
    return PacedClient(client_for_account(account), account_id=account.pk, family=CONVERSATIONS)


def waits(account: ConnectedAccount) -> float:
    """Return the seconds until the account's conversations may be read again."""
    bucket = CallBudget.objects.get(account=account, family=CONVERSATIONS)
    return (bucket.free_at - timezone.now()).total_seconds()


class TestTurns:
    def test_the_first_is_free_and_the_second_half_a_second_later(
        self, account: ConnectedAccount
    ) -> None:
        assert turn(account) == 0
        assert 0.3 < turn(account) <= 0.5
        CallBudget.objects.update(free_at=timezone.now())
        assert turn(account) == 0

    def test_asking_in_vain_costs_nothing(self, account: ConnectedAccount) -> None:
        turn(account)
        before = CallBudget.objects.get().free_at
        for _ in range(5):
            assert turn(account) > 0
        assert CallBudget.objects.get().free_at == before

    def test_accounts_and_families_are_apart(self, account: ConnectedAccount) -> None:
        assert turn(account) == 0
        assert turn(account, PROFILES) == 0
        assert turn(make_account()) == 0

    def test_a_pause_is_never_shortened(self, account: ConnectedAccount) -> None:
        turn(account)
        pause(account_id=account.pk, family=CONVERSATIONS, seconds=60)
        pause(account_id=account.pk, family=CONVERSATIONS, seconds=5)
        assert 55 < turn(account) <= 60

    def test_a_turn_is_one_statement(
        self, account: ConnectedAccount, django_assert_num_queries: Any
    ) -> None:
        turn(account)
        CallBudget.objects.update(free_at=timezone.now())
        with django_assert_num_queries(1):
            assert turn(account) == 0

    @pytest.mark.django_db(transaction=True)
    def test_workers_share_one_allowance(self, account: ConnectedAccount) -> None:
        seconds = 1.2

        def ask(_worker: int) -> int:
            try:
                ends = time.monotonic() + seconds
                granted = 0
                while time.monotonic() < ends:
                    granted += turn(account) == 0
                    time.sleep(0.01)
                return granted
            finally:
                connection.close()

        started = timezone.now()
        with ThreadPoolExecutor(2) as pool:
            granted = sum(pool.map(ask, range(2)))
        spent = (timezone.now() - started).total_seconds()
        assert 2 <= granted <= 1 + spent / 0.5


class TestPacedClient:
    def test_the_second_call_waits_for_its_turn(
        self, meta: FakeMeta, account: ConnectedAccount, naps: list[float]
    ) -> None:
        meta.answer("GET", "me", "identity")
        client = paced(account)
        client.get("me")
        client.get("me")
        assert len(naps) == 1
        assert 0.3 < naps[0] <= 0.5

    def test_a_long_wait_is_left_to_the_caller(
        self, meta: FakeMeta, account: ConnectedAccount, naps: list[float]
    ) -> None:
        turn(account)
        pause(account_id=account.pk, family=CONVERSATIONS, seconds=60)
        with pytest.raises(GraphPausedError) as caught:
            paced(account).get("me")
        assert 55 < caught.value.seconds <= 60
        assert (meta.calls(), naps) == ([], [])

    @pytest.mark.parametrize(
        ("headers", "low", "high"),
        [
            ({"X-App-Usage": '{"call_count": 80}'}, 0, 0.5),
            ({"X-App-Usage": '{"call_count": 81}'}, 1.5, 2),
            ({"X-App-Usage": '{"total_time": 100}'}, 290, 300),
            (
                {
                    "X-Business-Use-Case-Usage": '{"1": [{"type": "messenger", "call_count": 100,'
                    ' "estimated_time_to_regain_access": 2}]}'
                },
                110,
                120,
            ),
            ({"Retry-After": "40"}, 35, 40),
        ],
    )
    def test_an_answer_that_says_so_slows_down_or_stops(
        self,
        meta: FakeMeta,
        account: ConnectedAccount,
        headers: dict[str, str],
        low: float,
        high: float,
    ) -> None:
        meta.answer("GET", "me", "identity", headers=headers)
        assert paced(account).get("me")["id"]
        assert low < waits(account) <= high

    @pytest.mark.parametrize("code", [4, 17, 32, 613, 80001, 80002, 80006])
    def test_throttled_is_a_pause_and_no_failure(
        self, meta: FakeMeta, account: ConnectedAccount, code: int
    ) -> None:
        meta.answer("GET", "me", {"error": {"code": code, "message": "slow"}}, 400)
        with pytest.raises(GraphPausedError) as caught:
            paced(account).get("me")
        assert caught.value.seconds == 300
        assert 290 < waits(account) <= 300

    def test_too_many_requests_in_html_is_a_pause(
        self, meta: FakeMeta, account: ConnectedAccount
    ) -> None:
        meta.answer("GET", "me", b"<html>", 429, headers={"Retry-After": "70"})
        with pytest.raises(GraphPausedError) as caught:
            paced(account).get("me")
        assert caught.value.seconds == 70
        assert 65 < waits(account) <= 70

    @pytest.mark.parametrize(
        ("body", "status", "error"),
        [
            ("error_token_expired", 400, GraphRefusedError),
            (b"<html>", 500, GraphUnavailableError),
        ],
    )
    def test_other_errors_are_passed_on(
        self,
        meta: FakeMeta,
        account: ConnectedAccount,
        body: Any,
        status: int,
        error: type[Exception],
    ) -> None:
        meta.answer("GET", "me", body, status)
        with pytest.raises(error):
            paced(account).get("me")
        assert waits(account) <= 0.5


def test_the_budget_goes_with_its_account(account: ConnectedAccount) -> None:
    turn(account)
    account.delete()
    assert not CallBudget.objects.exists()
