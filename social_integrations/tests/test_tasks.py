"""Background work by name: one failing job stops neither the others nor itself for good."""

import logging
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from social_integrations.models import Contact, Job, OAuthAttempt, Reconciliation, WebhookEvent
from social_integrations.services import jobs
from social_integrations.services.intake import store_delivery
from social_integrations.services.jobs import NewJob
from social_integrations.tasks import HANDLERS, run_next_answer, run_next_job, sweep
from social_integrations.tests.factories import (
    make_account,
    make_contact,
    make_job,
    make_reconciliation,
    make_user,
)
from social_integrations.tests.graph.answers import FakeMeta
from social_integrations.tests.payloads import encode, text_payload

pytestmark = pytest.mark.django_db

IGSID = "1020304050607080"
TOKEN = "EAABmarker-token-of-the-page"


def profile_job() -> Job:
    """A job for somebody's profile, with a token that must not show up anywhere."""
    contact = make_contact(account=make_account(access_token=TOKEN), igsid=IGSID)
    return make_job(payload={"contact": contact.pk})


class TestRunning:
    def test_every_name_has_a_handler(self) -> None:
        assert set(HANDLERS) == {
            jobs.ANSWER_AWAY,
            jobs.PUSH_MESSENGER_PROFILE,
            jobs.COMPARE_MESSENGER_PROFILE,
            jobs.ARCHIVE_MEDIA,
            jobs.DELETE_COPIES,
            jobs.ERASE_DATA,
            jobs.FETCH_MESSAGE,
            jobs.FETCH_PROFILE,
            jobs.HOUSEKEEPING,
            jobs.LOOK_AFTER_ACCOUNT,
            jobs.LOOK_AFTER_ACCOUNTS,
            jobs.MAIL_NOTICE,
            jobs.PRUNE_LEDGER,
            jobs.PRUNE_UPLOADS,
            jobs.RECONCILE,
            jobs.REFRESH_TOKEN,
            jobs.WATCH_ACCOUNT,
            jobs.REREAD_MEDIA,
            jobs.SEND_MESSAGES,
            jobs.SEND_PRIVATE_REPLY,
            jobs.SEND_REACTION,
            jobs.SENDER_ACTION,
            jobs.SETTLE_UNKNOWN,
            jobs.TAKE_OVER,
        }

    def test_without_work_it_says_so(self) -> None:
        assert run_next_job() is False

    def test_answers_have_a_way_past_everything_else(self) -> None:
        other = make_job(name=jobs.RECONCILE, payload={"run": 0, "part": 0})
        answer = make_job(name=jobs.SEND_MESSAGES, payload={"conversation": 0})
        assert [run_next_answer(), run_next_answer()] == [True, False]
        states = dict(Job.objects.values_list("pk", "state"))
        assert states == {other.pk: "ready", answer.pk: "done"}

    def test_a_profile_is_fetched_and_the_job_done(self, meta: FakeMeta) -> None:
        job = profile_job()
        meta.answer("GET", IGSID, "profile")
        assert run_next_job() is True
        job.refresh_from_db()
        assert (job.state, job.attempts, job.error) == ("done", 1, "")
        assert Contact.objects.get().name == "Customer"
        assert run_next_job() is False

    def test_a_fault_of_metas_is_tried_again_later_and_told_without_secrets(
        self, meta: FakeMeta, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        job = profile_job()
        meta.answer("GET", IGSID, b"<html>", status=500)
        assert run_next_job() is True
        job.refresh_from_db()
        assert (job.state, job.attempts) == ("ready", 1)
        assert job.due_at > timezone.now()
        assert job.error.startswith("GraphUnavailableError: ")
        assert TOKEN not in job.error + caplog.text
        assert f"Job {job.pk} (fetch_profile) failed: GraphUnavailableError" in caplog.text

    @pytest.mark.parametrize(
        ("name", "payload"),
        [("of_a_later_version", {}), ("fetch_profile", {}), ("fetch_profile", {"contact": "x"})],
    )
    def test_a_job_nobody_understands_fails_alone(
        self, meta: FakeMeta, name: str, payload: dict[str, Any]
    ) -> None:
        odd = make_job(name=name, payload=payload)
        good = profile_job()
        meta.answer("GET", IGSID, "profile")
        assert [run_next_job() for _ in range(3)] == [True, True, False]
        odd.refresh_from_db()
        good.refresh_from_db()
        assert (odd.state, good.state) == ("ready", "done")

    @pytest.mark.parametrize("failure", [OperationalError, InterfaceError])
    def test_a_lost_database_costs_no_try_for_good(
        self, meta: FakeMeta, failure: type[Exception]
    ) -> None:
        job = profile_job()

        def lose(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
            if sql.startswith("SELECT") and "_contact" in sql:
                raise failure("gone")
            return execute(sql, *rest)

        with connection.execute_wrapper(lose), pytest.raises(failure):
            run_next_job()
        job.refresh_from_db()
        assert job.state == "running"
        assert job.error == ""
        Job.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        meta.answer("GET", IGSID, "profile")
        assert run_next_job() is True
        job.refresh_from_db()
        assert job.state == "done"

    def test_waiting_for_meta_costs_no_try(self, meta: FakeMeta) -> None:
        job = profile_job()
        meta.answer("GET", IGSID, "error_throttled", headers={"Retry-After": "50"})
        assert run_next_job() is True
        job.refresh_from_db()
        assert (job.state, job.attempts, job.error) == ("ready", 0, "")
        assert timedelta(seconds=45) < job.due_at - timezone.now() <= timedelta(seconds=50)
        # Nor does another job of the account ask before that.
        other = make_contact(account=Contact.objects.get().account)
        make_job(payload={"contact": other.pk})
        assert run_next_job() is True
        assert len(meta.calls()) == 1

    def test_a_killed_workers_job_is_done_by_the_next(self, meta: FakeMeta) -> None:
        job = profile_job()
        assert jobs.claim() is not None  # and nobody ever hears of that worker again
        assert run_next_job() is False
        Job.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        meta.answer("GET", IGSID, "profile")
        assert run_next_job() is True
        job.refresh_from_db()
        assert (job.state, job.attempts) == ("done", 2)


class TestHousekeeping:
    def test_old_finished_jobs_and_stale_consents_go(self) -> None:
        now = timezone.now()
        user = make_user()
        for number, days in enumerate((-2, 0)):
            OAuthAttempt.objects.create(
                state_hash=str(number),
                user=user,
                login="facebook",
                browser_hash="",
                expires_at=now + timedelta(days=days, minutes=-1),
            )
        make_job(state="done", finished_at=now - timedelta(days=8))
        make_reconciliation(finished_at=now - timedelta(days=91))
        run = make_reconciliation(finished_at=now - timedelta(days=89))
        recent = make_job(state="done", finished_at=now - timedelta(days=6))
        dead = make_job(state="dead", finished_at=now - timedelta(days=800))
        own = make_job(name=jobs.HOUSEKEEPING)
        assert run_next_job() is True
        planned = Job.objects.filter(name__in=(jobs.PRUNE_UPLOADS, jobs.PRUNE_LEDGER))
        assert planned.count() == 2
        assert set(Job.objects.all()) == {recent, dead, own, *planned}
        assert OAuthAttempt.objects.get().state_hash == "1"
        assert Reconciliation.objects.get() == run


class TestSweep:
    def test_it_reconciles_every_account_once_a_day_and_takes_care_of_interrupted_runs(
        self,
    ) -> None:
        make_account()
        sweep()
        sweep()
        run = Reconciliation.objects.get()
        assert (run.reason, run.state) == ("schedule", "running")
        Job.objects.filter(name=jobs.RECONCILE).update(state=Job.State.DEAD)
        sweep()
        run.refresh_from_db()
        assert run.state == "failed"

    def test_it_asks_for_every_daily_job_once_a_day(self) -> None:
        sweep()
        sweep()
        today = f"{timezone.now():%Y-%m-%d}"
        assert {job.name: job.dedupe_key for job in Job.objects.all()} == {
            "housekeeping": f"housekeeping:{today}",
            "look_after_accounts": f"look_after_accounts:{today}",
        }
        assert Job.objects.count() == 2

    def test_yesterdays_job_does_not_stand_in_for_todays(self) -> None:
        jobs.enqueue_all([NewJob(jobs.HOUSEKEEPING, {}, "housekeeping:2026-11-22")])
        sweep()
        assert Job.objects.filter(name=jobs.HOUSEKEEPING).count() == 2

    def test_messages_that_waited_for_their_account_are_taken_up(self) -> None:
        store_delivery(encode(text_payload("m-1", account="17841400000000009")))
        WebhookEvent.objects.update(status="orphaned")
        sweep()
        assert WebhookEvent.objects.get().status == "orphaned"
        make_account(instagram_account_id="17841400000000009")
        sweep()
        assert WebhookEvent.objects.get().status == "received"


def test_every_job_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    table = page.partition("## Jobs")[2].partition("## ")[0]
    assert set(re.findall(r"`([a-z_]+)`", table)) == set(HANDLERS)
