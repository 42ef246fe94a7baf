"""Reconciling from the command line."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
import responses
from django.core.management import CommandError, call_command
from django.utils import timezone

from social_integrations.models import CallBudget, ConnectedAccount, Job, Reconciliation
from social_integrations.services.reconciling import Reason, start
from social_integrations.tests.factories import make_account
from social_integrations.tests.graph.inbox import PAGE_ID, FakeInbox
from social_integrations.tests.payloads import ACCOUNT_ID

pytestmark = pytest.mark.django_db

SLEEP = "social_integrations.services.budget.time.sleep"


@pytest.fixture
def account() -> ConnectedAccount:
    return make_account(instagram_account_id=ACCOUNT_ID, page_id=PAGE_ID, username="shop")


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeInbox]:
    def pass_the_time(_seconds: float) -> None:
        CallBudget.objects.update(free_at=timezone.now())
        Job.objects.filter(state=Job.State.READY).update(due_at=timezone.now())

    # Whoever waits, be it for a turn or for a job: everything is due afterwards.
    monkeypatch.setattr(SLEEP, pass_the_time)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield FakeInbox(mock)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("reconcile", *arguments, stdout=out)
    return out.getvalue()


def test_it_starts_a_run_for_every_connected_account() -> None:
    make_account()
    make_account()
    make_account(status="disconnected")
    assert run() == "Started or running: 2. The worker does the rest.\n"
    assert set(Reconciliation.objects.values_list("reason", "state")) == {("request", "running")}
    assert Job.objects.count() == 2


def test_it_takes_one_account(account: ConnectedAccount) -> None:
    make_account()
    run("--account", ACCOUNT_ID)
    assert Reconciliation.objects.get().account == account


def test_an_unknown_account_is_told() -> None:
    with pytest.raises(CommandError, match="No connected account has the id 4711"):
        run("--account", "4711")


def test_it_waits_and_says_what_came_of_it(inbox: FakeInbox, account: ConnectedAccount) -> None:
    inbox.fill(2, 3, newest=timezone.now() - timedelta(hours=1))
    told = run("--wait")
    assert told == "@shop: 2 conversations, 6 messages, 6 imported, 0 unreadable.\n"


def test_it_waits_for_a_run_that_has_lost_its_job(
    inbox: FakeInbox, account: ConnectedAccount
) -> None:
    start(account, Reason.SCHEDULE)
    Job.objects.all().delete()
    assert "0 imported" in run("--wait")


def test_a_failed_run_is_an_error(inbox: FakeInbox, account: ConnectedAccount) -> None:
    make_account(page_id="")
    out = StringIO()
    with pytest.raises(CommandError, match="Not reconciled: 1 of 2"):
        call_command("reconcile", "--wait", stdout=out)
    assert "No Facebook Page is known" in out.getvalue()
