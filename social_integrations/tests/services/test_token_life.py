"""Tokens that expire: renewed in time, by one refresher, and never lost on the way."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from social_integrations.exceptions import AccountOnHold, GraphUnavailableError
from social_integrations.models import ConnectedAccount
from social_integrations.services.token_life import LEASE, refresh_token
from social_integrations.tests.factories import make_account
from social_integrations.tests.graph.answers import FakeMeta, sent

pytestmark = pytest.mark.usefixtures("instagram_app")

REFRESH = "https://graph.instagram.com/refresh_access_token"
OLD, NEW = "IGAA-old", "IGAA-new"
ANSWER = {"access_token": NEW, "token_type": "bearer", "expires_in": 5_184_000}
DAY = timedelta(days=1)
NOW = timezone.now()


def account_of_age(days: float, **values: Any) -> ConnectedAccount:
    """An account of Instagram Login whose 60-day token was issued so many days ago."""
    issued = timezone.now() - days * DAY
    defaults = {
        "login": "instagram",
        "access_token": OLD,
        "connected_at": issued,
        "token_expires_at": issued + 60 * DAY,
    }
    return make_account(**defaults | values)


def token() -> str:
    return ConnectedAccount.objects.get().access_token


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.django_db
class TestSchedule:
    @pytest.mark.parametrize(
        ("age", "refreshed"),
        [(0.5, False), (2, False), (29.9, False), (30.1, True), (59, True), (60.1, False)],
    )
    def test_from_day_30_until_it_is_over(
        self, meta: FakeMeta, age: float, refreshed: bool
    ) -> None:
        meta.answer("GET", REFRESH, ANSWER)
        account = account_of_age(age)
        assert refresh_token(account_id=account.pk) is refreshed
        assert token() == (NEW if refreshed else OLD)
        assert len(meta.calls()) == refreshed

    @pytest.mark.parametrize(("age", "refreshed"), [(0.9, False), (1.1, True), (60.1, False)])
    def test_early_means_after_a_day(self, meta: FakeMeta, age: float, refreshed: bool) -> None:
        meta.answer("GET", REFRESH, ANSWER)
        assert refresh_token(account_id=account_of_age(age).pk, early=True) is refreshed

    @pytest.mark.parametrize(
        "values",
        [
            {"login": "facebook"},
            {"status": "reauth_required"},
            {"status": "disconnected"},
            {"token_expires_at": None},
            {"token_refreshed_at": NOW, "token_expires_at": NOW + 60 * DAY},
        ],
    )
    def test_who_has_nothing_to_renew_is_left_alone(
        self, meta: FakeMeta, values: dict[str, Any]
    ) -> None:
        assert refresh_token(account_id=account_of_age(40, **values).pk) is False
        assert meta.calls() == []

    def test_a_token_refreshed_a_moment_ago_is_not_refreshed_again(self, meta: FakeMeta) -> None:
        meta.answer("GET", REFRESH, ANSWER)
        account = account_of_age(40)
        assert refresh_token(account_id=account.pk, early=True)
        assert not refresh_token(account_id=account.pk, early=True)
        assert len(meta.calls()) == 1

    def test_an_account_that_is_gone_ends_it_quietly(self, meta: FakeMeta) -> None:
        assert refresh_token(account_id=4711) is False


@pytest.mark.django_db
class TestAnswer:
    def test_what_is_asked_and_kept(self, meta: FakeMeta) -> None:
        meta.answer("GET", REFRESH, ANSWER)
        account = account_of_age(40)
        refresh_token(account_id=account.pk)
        [call] = meta.calls()
        assert sent(call)["grant_type"] == "ig_refresh_token"
        assert sent(call)["access_token"] == OLD
        assert "client_secret" not in sent(call)
        account.refresh_from_db()
        assert account.token_expires_at is not None
        assert account.token_refreshed_at is not None
        assert abs(account.token_expires_at - timezone.now() - 60 * DAY) < timedelta(minutes=1)
        assert account.refresh_leased_until is None

    def test_without_a_life_in_the_answer_the_usual_one_is_assumed(self, meta: FakeMeta) -> None:
        meta.answer("GET", REFRESH, {"access_token": NEW})
        account = account_of_age(40)
        refresh_token(account_id=account.pk)
        account.refresh_from_db()
        assert account.token_expires_at is not None
        assert account.token_expires_at > timezone.now() + 59 * DAY

    def test_a_dead_token_is_noted_once(self, meta: FakeMeta) -> None:
        meta.answer("GET", REFRESH, "error_token_expired")
        account = account_of_age(40)
        with pytest.raises(AccountOnHold):
            refresh_token(account_id=account.pk)
        assert refresh_token(account_id=account.pk) is False
        account.refresh_from_db()
        assert (account.status, account.access_token) == ("reauth_required", OLD)
        assert len(meta.calls()) == 1

    @pytest.mark.parametrize("answer", ["token_missing", b"<html>", b"", {"access_token": ""}])
    def test_an_answer_without_a_token_leaves_the_old_one_and_the_turn(
        self, meta: FakeMeta, answer: Any
    ) -> None:
        meta.answer("GET", REFRESH, answer)
        account = account_of_age(40)
        with pytest.raises(GraphUnavailableError):
            refresh_token(account_id=account.pk)
        account.refresh_from_db()
        assert (account.access_token, account.refresh_leased_until) == (OLD, None)

    def test_a_refusal_that_will_not_pass_waits_for_tomorrow(self, meta: FakeMeta) -> None:
        meta.answer("GET", REFRESH, {"error": {"code": 100, "message": "Too young."}}, status=400)
        account = account_of_age(40)
        assert refresh_token(account_id=account.pk) is False
        account.refresh_from_db()
        assert (account.status, account.refresh_leased_until) == ("connected", None)

    @pytest.mark.parametrize(
        "change",
        [
            {"status": "disconnected", "access_token": ""},
            {"connected_at": timezone.now(), "access_token": "IGAA-by-a-person"},
        ],
    )
    def test_what_happened_while_meta_answered_wins(
        self, meta: FakeMeta, change: dict[str, Any]
    ) -> None:
        def meanwhile(_request: Any) -> tuple[int, dict[str, str], str]:
            ConnectedAccount.objects.update(**change)
            return 200, {}, f'{{"access_token": "{NEW}", "expires_in": 5184000}}'

        meta.ask("GET", REFRESH, meanwhile)
        assert refresh_token(account_id=account_of_age(40).pk) is False
        assert token() == change["access_token"]


def kill_at(word: str) -> Callable[..., Any]:
    """Return a wrapper that ends the process in place of the first such statement."""

    def wrapper(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith("UPDATE") and word in sql.partition("WHERE")[0]:
            raise Killed
        return execute(sql, *rest)

    return wrapper


@pytest.mark.django_db(transaction=True)
class TestFaults:
    """F15: 8 refreshers at once, and a kill at every point."""

    def test_of_eight_at_once_one_asks_meta(self, meta: FakeMeta) -> None:
        account = account_of_age(59)
        started = Barrier(8)

        def slowly(_request: Any) -> tuple[int, dict[str, str], str]:
            return 200, {}, f'{{"access_token": "{NEW}", "expires_in": 5184000}}'

        meta.ask("GET", REFRESH, slowly)

        def one(_number: int) -> bool:
            try:
                started.wait(20)
                return refresh_token(account_id=account.pk)
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(one, range(8)))
        assert sorted(outcomes) == [False] * 7 + [True]
        assert len(meta.calls()) == 1
        assert token() == NEW

    @pytest.mark.parametrize(("word", "calls"), [("refresh_leased_until", 0), ("access_token", 1)])
    def test_killed_before_the_call_or_before_saving_the_old_token_works_on(
        self, meta: FakeMeta, word: str, calls: int
    ) -> None:
        meta.answer("GET", REFRESH, ANSWER)
        account = account_of_age(59)
        with connection.execute_wrapper(kill_at(word)), pytest.raises(Killed):
            refresh_token(account_id=account.pk)
        assert len(meta.calls()) == calls
        assert token() == OLD
        with time_machine.travel(timezone.now() + LEASE + timedelta(seconds=1)):
            assert refresh_token(account_id=account.pk) is True
        assert token() == NEW

    def test_while_a_killed_refreshers_turn_lasts_nobody_else_asks(self, meta: FakeMeta) -> None:
        meta.answer("GET", REFRESH, ANSWER)
        account = account_of_age(59)
        with connection.execute_wrapper(kill_at("access_token")), pytest.raises(Killed):
            refresh_token(account_id=account.pk)
        assert refresh_token(account_id=account.pk) is False
        assert len(meta.calls()) == 1

    def test_killed_after_saving_there_is_nothing_left_to_do(self, meta: FakeMeta) -> None:
        meta.answer("GET", REFRESH, ANSWER)
        account = account_of_age(59)
        assert refresh_token(account_id=account.pk) is True
        assert refresh_token(account_id=account.pk) is False
        assert token() == NEW

    def test_a_refresher_slower_than_its_turn_does_not_undo_the_next_ones(
        self, meta: FakeMeta
    ) -> None:
        account = account_of_age(59)

        def overtaken(_request: Any) -> tuple[int, dict[str, str], str]:
            ConnectedAccount.objects.update(
                access_token="IGAA-of-the-next", refresh_leased_until=None
            )
            return 200, {}, f'{{"access_token": "{NEW}", "expires_in": 5184000}}'

        meta.ask("GET", REFRESH, overtaken)
        assert refresh_token(account_id=account.pk) is False
        assert token() == "IGAA-of-the-next"

    def test_meta_is_never_asked_inside_a_transaction(self, meta: FakeMeta) -> None:
        inside: list[bool] = []

        def look(_request: Any) -> tuple[int, dict[str, str], str]:
            inside.append(connection.in_atomic_block)
            return 200, {}, f'{{"access_token": "{NEW}"}}'

        meta.ask("GET", REFRESH, look)
        refresh_token(account_id=account_of_age(59).pk)
        assert inside == [False]
