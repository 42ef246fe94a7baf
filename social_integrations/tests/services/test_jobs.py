"""Background work: never lost, never added twice, never run by two workers at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from social_integrations.exceptions import GraphUnavailableError
from social_integrations.models import Job
from social_integrations.services import jobs
from social_integrations.services.jobs import FETCH_PROFILE, NewJob
from social_integrations.tests.factories import make_job

pytestmark = pytest.mark.django_db

State = Job.State
LEASE = timedelta(seconds=80)


def claimed() -> Job:
    job = jobs.claim()
    assert job is not None
    return job


def worker_dies(job: Job) -> None:
    """Let the lease of a claimed job run out."""
    Job.objects.filter(pk=job.pk).update(leased_until=timezone.now() - timedelta(seconds=1))


def make_due(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now() - timedelta(seconds=1))


class TestEnqueue:
    def test_a_job_waits_with_its_ids_and_is_due_at_once(self) -> None:
        jobs.enqueue_all([NewJob(FETCH_PROFILE, {"contact": 7}, "key")])
        job = Job.objects.get()
        assert (job.name, job.payload, job.state) == ("fetch_profile", {"contact": 7}, "ready")
        assert (job.attempts, job.leased_until) == (0, None)
        assert job.due_at <= timezone.now()

    def test_it_goes_with_the_callers_transaction(self) -> None:
        with transaction.atomic():
            jobs.enqueue_all([NewJob(FETCH_PROFILE, {"contact": 7})])
            transaction.set_rollback(True)  # as when the caller raises
        assert not Job.objects.exists()

    def test_the_same_key_is_added_once_and_its_neighbours_are_added(self) -> None:
        jobs.enqueue_all([NewJob(FETCH_PROFILE, {"contact": 1}, "one")])
        jobs.enqueue_all(
            NewJob(FETCH_PROFILE, {"contact": number}, key)
            for number, key in ((9, "one"), (2, "two"), (3, "two"))
        )
        assert {job.dedupe_key: job.payload for job in Job.objects.all()} == {
            "one": {"contact": 1},
            "two": {"contact": 2},
        }

    def test_a_key_counts_also_after_the_job_has_run(self) -> None:
        jobs.enqueue_all([NewJob(FETCH_PROFILE, {}, "one")])
        jobs.finish(claimed())
        jobs.enqueue_all([NewJob(FETCH_PROFILE, {}, "one")])
        assert Job.objects.get().state == State.DONE

    def test_jobs_without_a_key_are_all_added(self) -> None:
        jobs.enqueue_all([NewJob(FETCH_PROFILE, {}), NewJob(FETCH_PROFILE, {})])
        assert Job.objects.count() == 2

    def test_nothing_to_do_is_fine(self) -> None:
        jobs.enqueue_all([])
        assert jobs.claim() is None


class TestClaim:
    def test_it_takes_the_job_for_the_length_of_the_lease(self) -> None:
        waiting = make_job()
        before = timezone.now()
        job = claimed()
        assert (job.pk, job.state, job.attempts) == (waiting.pk, State.RUNNING, 1)
        assert job.leased_until is not None
        assert before + LEASE <= job.leased_until <= timezone.now() + LEASE

    def test_a_claimed_job_is_nobody_elses(self) -> None:
        make_job()
        claimed()
        assert jobs.claim() is None

    def test_the_longest_due_comes_first(self) -> None:
        now = timezone.now()
        ages = {make_job(due_at=now - timedelta(minutes=age)).pk: age for age in (1, 3, 2)}
        assert [ages[claimed().pk] for _ in ages] == [3, 2, 1]

    def test_a_job_that_is_not_due_waits(self) -> None:
        make_job(due_at=timezone.now() + timedelta(seconds=30))
        assert jobs.claim() is None

    @pytest.mark.parametrize("state", [State.DONE, State.DEAD])
    def test_what_has_ended_is_not_taken(self, state: str) -> None:
        make_job(state=state)
        assert jobs.claim() is None

    def test_a_killed_workers_job_comes_back_after_the_lease(self) -> None:
        make_job()
        first = claimed()
        worker_dies(first)
        second = claimed()
        assert (second.pk, second.attempts) == (first.pk, 2)
        assert second.leased_until is not None
        assert second.leased_until > timezone.now()

    def test_the_lease_can_be_set(self, settings: Settings) -> None:
        settings.INSTAGRAM_JOB_LEASE_SECONDS = 7
        make_job()
        leased_until = claimed().leased_until
        assert leased_until is not None
        assert timedelta(0) < leased_until - timezone.now() <= timedelta(seconds=7)


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_never_share_a_job() -> None:
    workers, waiting = 4, 20
    for _ in range(waiting):
        make_job()
    gate = Barrier(workers)

    def work() -> list[int]:
        gate.wait(5)
        taken, misses = [], 0
        # Losing a race for every candidate looks like an empty list: look again.
        while misses < 5:
            job = jobs.claim()
            misses = 0 if job else misses + 1
            taken += [job.pk] if job else []
        connection.close()
        return taken

    with ThreadPoolExecutor(workers) as pool:
        shares = list(pool.map(lambda _: work(), range(workers)))
    taken = [pk for share in shares for pk in share]
    assert len(taken) == len(set(taken)) == waiting
    assert set(Job.objects.values_list("state", "attempts")) == {("running", 1)}


class TestOutcome:
    def test_a_job_that_kills_its_worker_every_time_is_given_up(self, settings: Settings) -> None:
        settings.INSTAGRAM_JOB_MAX_ATTEMPTS = 2
        make_job()
        for _ in range(2):
            worker_dies(claimed())
        for _ in range(3):
            if job := jobs.claim():
                worker_dies(job)
        job = Job.objects.get()
        assert (job.state, job.attempts) == (State.DEAD, 2)
        assert "worker ended" in job.error

    def test_a_finished_job_is_done(self) -> None:
        make_job(error="of an earlier try")
        jobs.finish(claimed())
        job = Job.objects.get()
        assert (job.state, job.error, job.leased_until) == (State.DONE, "", None)
        assert job.finished_at is not None
        assert jobs.claim() is None

    def test_a_failed_job_is_tried_again_later(self) -> None:
        make_job()
        jobs.fail(claimed(), GraphUnavailableError("Meta did not answer"))
        job = Job.objects.get()
        assert (job.state, job.leased_until, job.finished_at) == (State.READY, None, None)
        assert job.due_at > timezone.now() + timedelta(seconds=3)
        assert "Meta did not answer" in job.error
        assert jobs.claim() is None
        make_due(job)
        assert claimed().attempts == 2

    def test_a_foreign_error_leaves_its_words_out(self) -> None:
        make_job()
        jobs.fail(claimed(), ValueError("https://graph.facebook.com/?access_token=EAAhush"))
        assert Job.objects.get().error == "ValueError"

    def test_it_is_given_up_after_the_last_try_and_stays_to_be_seen(
        self, settings: Settings
    ) -> None:
        settings.INSTAGRAM_JOB_MAX_ATTEMPTS = 3
        make_job()
        states = []
        for _ in range(3):
            job = claimed()
            jobs.fail(job, ValueError())
            make_due(job)
            states.append(Job.objects.get().state)
        assert states == [State.READY, State.READY, State.DEAD]
        assert Job.objects.get().finished_at is not None
        assert jobs.claim() is None

    @pytest.mark.parametrize("end", [jobs.finish, lambda job: jobs.fail(job, ValueError())])
    def test_a_worker_that_lost_its_lease_changes_nothing(self, end: Callable[[Job], None]) -> None:
        make_job()
        slow = claimed()
        worker_dies(slow)
        quick = claimed()
        end(slow)
        quick.refresh_from_db()
        assert (quick.state, quick.attempts, quick.error) == (State.RUNNING, 2, "")
        jobs.finish(quick)
        end(slow)
        assert Job.objects.get().state == State.DONE


class TestBackoff:
    @pytest.mark.parametrize("attempts", range(1, 10))
    def test_it_doubles_with_a_quarter_of_jitter(self, attempts: int) -> None:
        middle = 5 * 2 ** (attempts - 1)
        waits = {jobs.backoff(attempts).total_seconds() for _ in range(50)}
        assert middle * 0.75 <= min(waits) < max(waits) <= middle * 1.25

    @pytest.mark.parametrize("attempts", [11, 40, 32_767])
    def test_it_never_waits_much_longer_than_an_hour(self, attempts: int) -> None:
        for _ in range(50):
            assert 2700 <= jobs.backoff(attempts).total_seconds() <= 4500


class TestRunAgain:
    @pytest.mark.parametrize("state", [State.DONE, State.DEAD])
    def test_ended_jobs_get_fresh_tries(self, state: str) -> None:
        make_job(state=state, attempts=8, error="x", finished_at=timezone.now())
        assert jobs.run_again(Job.objects.all()) == 1
        job = claimed()
        assert (job.attempts, job.error, job.finished_at) == (1, "", None)

    @pytest.mark.parametrize("state", [State.READY, State.RUNNING])
    def test_a_job_still_under_way_is_left_alone(self, state: str) -> None:
        job = make_job(state=state, attempts=2)
        assert jobs.run_again(Job.objects.all()) == 0
        job.refresh_from_db()
        assert (job.state, job.attempts) == (state, 2)


def test_only_jobs_done_long_ago_are_deleted() -> None:
    now = timezone.now()
    make_job(state=State.DONE, finished_at=now - timedelta(days=8))
    kept = [
        make_job(state=State.DONE, finished_at=now - timedelta(days=6)),
        make_job(state=State.DEAD, finished_at=now - timedelta(days=8)),
        make_job(state=State.READY),
        make_job(state=State.RUNNING),
    ]
    assert jobs.prune(before=now - timedelta(days=7)) == 1
    assert set(Job.objects.all()) == set(kept)
