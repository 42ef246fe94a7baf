"""Looks between the daily ones: what they note, when it is over, and how seldom Meta is asked."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from social_integrations.exceptions import (
    AccountOnHold,
    GraphError,
    GraphPausedError,
    GraphUnavailableError,
)
from social_integrations.models import ConnectedAccount, Job, Reconciliation
from social_integrations.selectors import account_problems, missed_by_meta
from social_integrations.services.troubles import TROUBLES
from social_integrations.services.watching import look_closely, plan_looks, somebody_sees
from social_integrations.tests.factories import make_account, make_staff
from social_integrations.tests.graph.answers import FakeMeta

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("instagram_app")]

PAGE = "700100200301"
THREADS, EDGE = f"{PAGE}/conversations", f"{PAGE}/subscribed_apps"
OURS = {"data": [{"id": "700000000000001", "subscribed_fields": ["messages"]}]}
ACCESS_OFF = {"error": {"code": 200, "error_subcode": 2534041, "message": "No."}}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def account() -> ConnectedAccount:
    now = timezone.now()
    return make_account(
        page_id=PAGE, connected_at=now - 60 * MINUTE, webhook_subscribed_at=now - 60 * MINUTE
    )


def changed(*, ago: timedelta) -> dict[str, Any]:
    at = timezone.now() - ago
    return {"data": [{"id": "t-1", "updated_time": f"{at:%Y-%m-%dT%H:%M:%S}+0000"}]}


def codes(account: ConnectedAccount) -> list[str]:
    account.refresh_from_db()
    return [problem.code for problem in account_problems(account)]


def look(account: ConnectedAccount) -> list[str]:
    look_closely(account_id=account.pk)
    return codes(account)


def test_every_trouble_has_words_and_a_next_step() -> None:
    for row in TROUBLES.values():
        assert row.message.endswith(".")
        assert row.action.endswith(".")


def test_two_calls_are_enough(meta: FakeMeta, account: ConnectedAccount) -> None:
    meta.answer("GET", THREADS, {"data": []})
    meta.answer("GET", EDGE, OURS)
    assert look(account) == []
    assert len(meta.calls()) == 2


@pytest.mark.parametrize("status", ["reauth_required", "disconnected"])
def test_an_account_that_is_not_connected_is_left_alone(meta: FakeMeta, status: str) -> None:
    look_closely(account_id=make_account(status=status).pk)
    assert meta.calls() == []


def test_the_owners_switch_is_told_until_it_is_on_again(
    meta: FakeMeta, account: ConnectedAccount
) -> None:
    meta.answer("GET", THREADS, ACCESS_OFF, status=403)
    meta.answer("GET", EDGE, OURS)
    assert look(account) == ["message_access_off"]
    assert "Connected tools" in account_problems(account)[0].action
    assert account.status == "connected"
    meta.answer("GET", THREADS, {"data": []})
    assert look(account) == []


@pytest.mark.parametrize(
    ("answer", "status", "code", "error"),
    [
        (b"<html>", 500, "meta_unreachable", GraphUnavailableError),
        ({"error": {"code": 2, "message": "x"}}, 500, "meta_unreachable", GraphError),
        ({"error": {"code": 4, "message": "x"}}, 400, "throttled", GraphPausedError),
    ],
)
def test_why_meta_did_not_answer_is_told(
    meta: FakeMeta,
    account: ConnectedAccount,
    answer: Any,
    status: int,
    code: str,
    error: type[Exception],
) -> None:
    meta.answer("GET", THREADS, answer, status=status)
    with pytest.raises(error):
        look_closely(account_id=account.pk)
    assert codes(account) == [code]
    assert len(meta.calls()) == 1


def test_a_trouble_keeps_the_moment_it_began(meta: FakeMeta, account: ConnectedAccount) -> None:
    meta.answer("GET", THREADS, ACCESS_OFF, status=403)
    meta.answer("GET", EDGE, OURS)
    look(account)
    began = account.trouble_at
    look(account)
    assert account.trouble_at == began


def test_a_lost_permission_ends_the_access(meta: FakeMeta, account: ConnectedAccount) -> None:
    meta.answer("GET", THREADS, {"error": {"code": 200, "message": "No."}}, status=403)
    with pytest.raises(AccountOnHold):
        look_closely(account_id=account.pk)
    assert codes(account) == ["reauth_required"]


def test_a_lost_subscription_is_made_again_and_told(
    meta: FakeMeta, account: ConnectedAccount
) -> None:
    meta.answer("GET", THREADS, {"data": []})
    meta.answer("GET", EDGE, {"data": []})
    meta.answer("POST", EDGE, "subscribed")
    since = account.webhook_subscribed_at
    assert look(account) == ["resubscribed"]
    assert account.webhook_subscribed_at == since, "what came since is missed, not history"
    assert not Reconciliation.objects.exists(), "younger messages are left to the webhook"
    ConnectedAccount.objects.update(last_event_at=timezone.now())
    assert codes(account) == []
    meta.answer("GET", EDGE, OURS)
    with time_machine.travel(timezone.now() + 3 * MINUTE):
        look(account)
        assert Reconciliation.objects.get().reason == "gap"
        assert account.trouble == "resubscribed"
        look(account)
        assert account.trouble == ""


class TestMissing:
    @pytest.mark.parametrize(
        ("ago", "found"),
        [(timedelta(seconds=3), []), (MINUTE, ["events_missing"]), (90 * MINUTE, [])],
        ids=["may be on its way", "not delivered", "before it was connected"],
    )
    def test_what_meta_shows_and_did_not_deliver_is_told(
        self, meta: FakeMeta, account: ConnectedAccount, ago: timedelta, found: list[str]
    ) -> None:
        meta.answer("GET", THREADS, changed(ago=ago))
        meta.answer("GET", EDGE, OURS)
        assert look(account) == found
        assert not Reconciliation.objects.exists()

    def test_what_was_delivered_is_not_missing(
        self, meta: FakeMeta, account: ConnectedAccount
    ) -> None:
        meta.answer("GET", THREADS, changed(ago=MINUTE))
        meta.answer("GET", EDGE, OURS)
        ConnectedAccount.objects.update(last_event_at=timezone.now())
        assert look(account) == []

    def test_it_is_fetched_once_the_webhook_had_its_time(
        self, meta: FakeMeta, account: ConnectedAccount
    ) -> None:
        meta.answer("GET", THREADS, changed(ago=5 * MINUTE))
        meta.answer("GET", EDGE, OURS)
        assert look(account) == ["events_missing"]
        assert look(account) == ["events_missing"]
        assert Reconciliation.objects.get().reason == "gap"

    @pytest.mark.parametrize(("imported", "found"), [(0, []), (1, ["events_missing"])])
    def test_the_run_has_the_last_word(
        self, meta: FakeMeta, account: ConnectedAccount, imported: int, found: list[str]
    ) -> None:
        """Meta's clock may be ahead of ours, and a conversation may change without an event."""
        meta.answer("GET", THREADS, changed(ago=5 * MINUTE))
        meta.answer("GET", EDGE, OURS)
        look(account)
        Reconciliation.objects.update(state="done", imported=imported)
        assert look(account) == found
        assert Reconciliation.objects.count() == 1
        assert missed_by_meta(account) == 0

    def test_the_next_event_ends_it(self, meta: FakeMeta, account: ConnectedAccount) -> None:
        meta.answer("GET", THREADS, changed(ago=MINUTE))
        meta.answer("GET", EDGE, OURS)
        look(account)
        ConnectedAccount.objects.update(last_event_at=timezone.now())
        assert codes(account) == []


class TestWhoSeesIt:
    @pytest.fixture(autouse=True)
    def _watching(self, settings: Settings) -> None:
        settings.INSTAGRAM_WATCH_SECONDS = 30
        cache.clear()

    def due(self) -> int:
        return Job.objects.filter(name="watch_account", state="ready").count()

    def end(self) -> None:
        Job.objects.filter(state="ready").update(state="done", finished_at=timezone.now())

    def test_a_look_is_wanted_once_in_a_while(self, account: ConnectedAccount) -> None:
        now = timezone.now()
        looks = 0
        for second in range(0, 121, 5):
            with time_machine.travel(now + timedelta(seconds=second), tick=False):
                somebody_sees([account])
                looks += self.due()
                self.end()
        assert looks == 5

    def test_it_costs_nothing_in_between(self, account: ConnectedAccount) -> None:
        somebody_sees([account])
        with CaptureQueriesContext(connection) as queries:
            somebody_sees([account])
        assert len(queries) == 0

    def test_as_many_statements_for_many_accounts_as_for_one(self) -> None:
        counts = []
        for number in (1, 20):
            accounts = [make_account() for _ in range(number)]
            with CaptureQueriesContext(connection) as queries:
                somebody_sees(accounts)
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_a_look_that_waits_is_left_waiting(self, account: ConnectedAccount) -> None:
        somebody_sees([account])
        Job.objects.update(due_at=timezone.now() + 10 * MINUTE)
        with time_machine.travel(timezone.now() + MINUTE):
            somebody_sees([account])
        assert Job.objects.get().due_at > timezone.now() + 8 * MINUTE

    @pytest.mark.parametrize("status", ["reauth_required", "disconnected"])
    def test_nothing_is_asked_about_others(self, status: str) -> None:
        somebody_sees([make_account(status=status)])
        assert not Job.objects.exists()

    @pytest.mark.parametrize("path", ["", "{}/change/"])
    def test_the_admin_asks(self, client: Client, account: ConnectedAccount, path: str) -> None:
        client.force_login(make_staff("view_connectedaccount"))
        address = "/admin/social_integrations/connectedaccount/" + path.format(account.pk)
        assert client.get(address).status_code == 200
        assert self.due() == 1

    def test_it_can_be_switched_off(self, account: ConnectedAccount, settings: Settings) -> None:
        settings.INSTAGRAM_WATCH_SECONDS = 0
        somebody_sees([account])
        assert not Job.objects.exists()


def test_without_anybody_an_account_is_looked_at_each_hour_sooner_in_trouble() -> None:
    fine, troubled = make_account(), make_account(trouble="message_access_off")
    looks = {fine.pk: 0, troubled.pk: 0}
    now = timezone.now()
    for minute in range(120):
        with time_machine.travel(now + minute * MINUTE, tick=False):
            plan_looks()
            for job in Job.objects.filter(state="ready"):
                looks[job.payload["account"]] += 1
            Job.objects.filter(state="ready").update(state="done", finished_at=timezone.now())
    assert looks[fine.pk] == 2
    assert 20 <= looks[troubled.pk] <= 24
