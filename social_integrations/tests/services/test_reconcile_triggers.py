"""When runs start by themselves, and what becomes of those nobody works on any more."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from social_integrations.models import ConnectedAccount, Job, Reconciliation
from social_integrations.services.positions import Position, write_position
from social_integrations.services.reconcile_triggers import (
    STOPPED,
    note_gap,
    prune,
    recover,
    start_due,
    wants_reconciliation,
)
from social_integrations.services.reconciling import Reason, start
from social_integrations.tests.factories import NOON, make_account, make_reconciliation

pytestmark = pytest.mark.django_db


def make_run(**values: Any) -> Reconciliation:
    return make_reconciliation(**{"state": "running", "started_at": timezone.now()} | values)


def note(account: ConnectedAccount, *, hours: int) -> bool:
    return note_gap(
        account_id=account.pk,
        previous_last_event_at=NOON,
        received_at=NOON + timedelta(hours=hours),
    )


class TestDaily:
    def test_every_connected_account_once_a_day(self) -> None:
        accounts = {make_account().pk for _ in range(2)}
        make_account(status="disconnected")
        make_account(status="reauth_required")
        assert start_due() == 2
        assert set(Reconciliation.objects.values_list("account", "reason")) == {
            (pk, "schedule") for pk in accounts
        }
        assert start_due() == 0

    @pytest.mark.parametrize(
        ("state", "hours", "due"),
        [("done", 22, 0), ("done", 24, 1), ("failed", 2, 0), ("failed", 4, 1)],
    )
    def test_a_day_after_the_last_run_began_or_hours_after_it_failed(
        self, state: str, hours: int, due: int
    ) -> None:
        make_run(state=state, started_at=timezone.now() - timedelta(hours=hours))
        assert start_due() == due

    def test_a_run_of_more_than_a_day_goes_on_alone(self) -> None:
        make_run(started_at=timezone.now() - timedelta(days=2))
        assert start_due() == 0


class TestGap:
    @pytest.mark.parametrize(("minutes", "wanted"), [(0, False), (60, False), (61, True)])
    def test_more_than_an_hour_of_silence(self, minutes: int, wanted: bool) -> None:
        received_at = NOON + timedelta(minutes=minutes)
        assert wants_reconciliation(NOON, received_at) is wanted

    def test_the_first_event_ever_ends_no_silence(self) -> None:
        assert not wants_reconciliation(None, NOON)

    def test_it_starts_a_run(self) -> None:
        account = make_account()
        assert note(account, hours=2)
        assert Reconciliation.objects.get().reason == "gap"
        assert not note(account, hours=2)
        assert not note(make_account(), hours=0)

    def test_not_for_an_account_we_may_not_ask_about(self) -> None:
        assert not note(make_account(status="reauth_required"), hours=2)
        assert not Reconciliation.objects.exists()

    def test_no_gap_costs_no_statement(self, django_assert_num_queries: Any) -> None:
        account = make_account()
        with django_assert_num_queries(0):
            note(account, hours=0)


class TestRecover:
    def test_a_run_somebody_works_on_is_left_alone(self) -> None:
        run, _ = start(make_account(), Reason.REQUEST)
        for state in ("ready", "running"):
            Job.objects.update(state=state)
            recover()
        run.refresh_from_db()
        assert run.state == "running"
        assert Job.objects.count() == 1

    def test_a_run_without_a_job_gets_one(self) -> None:
        run = make_run(cursor=write_position(Position(part=4)))
        recover()
        recover()
        job = Job.objects.get()
        assert (job.name, job.payload) == ("reconcile", {"run": run.pk, "part": 4})

    @pytest.mark.parametrize("state", ["dead", "done"])
    def test_a_run_whose_job_was_given_up_has_failed(self, state: str) -> None:
        run, _ = start(make_account(), Reason.REQUEST)
        Job.objects.update(state=state)
        recover()
        run.refresh_from_db()
        assert (run.state, run.error) == ("failed", STOPPED)
        assert run.finished_at is not None

    def test_ended_runs_need_nothing(self) -> None:
        make_run(state="done")
        recover()
        assert not Job.objects.exists()


def test_old_runs_go() -> None:
    kept = make_run(state="done", finished_at=NOON)
    make_run(state="done", finished_at=NOON - timedelta(seconds=1))
    running = make_run()
    assert prune(before=NOON) == 1
    assert set(Reconciliation.objects.all()) == {kept, running}
