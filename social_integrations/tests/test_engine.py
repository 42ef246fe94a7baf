"""The worker: does what is due, survives what fails, and shares the work with others."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, connections
from django.db.models import QuerySet
from pytest_django import Settings

from social_integrations import engine as engine_module
from social_integrations.engine import Engine, drain
from social_integrations.models import Conversation, Job, Message, WebhookEvent
from social_integrations.services.intake import store_delivery
from social_integrations.tests.factories import make_account, make_job
from social_integrations.tests.payloads import ACCOUNT_ID, batch_payload, encode, text_payload

PATIENCE = 10.0


@pytest.fixture(autouse=True)
def quick(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.INSTAGRAM_WORKER_POLL_SECONDS = 0.01
    monkeypatch.setattr(engine_module, "LOST_DATABASE_SECONDS", 0.01)


@contextmanager
def running(count: int = 1) -> Iterator[list[Engine]]:
    """Run engines; all of them must end when asked to."""
    engines = [Engine() for _ in range(count)]
    for engine in engines:
        engine.start()
    try:
        yield engines
    finally:
        for engine in engines:
            engine.stop()
        for engine in engines:
            engine.join(PATIENCE)
    assert not any(thread.is_alive() for engine in engines for thread in engine._threads)


def wait_until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def nothing_waits() -> bool:
    return not WebhookEvent.objects.filter(status="received").exists()


def due_jobs() -> QuerySet[Job]:
    """All but the daily look at an account, which waits for its hour."""
    return Job.objects.exclude(name="look_after_account")


def job_states() -> set[str]:
    return set(due_jobs().values_list("state", flat=True))


@pytest.mark.django_db
class TestDrain:
    def test_it_does_everything_that_is_due_and_counts_it(self, settings: Settings) -> None:
        settings.INSTAGRAM_APPLY_BATCH_SIZE = 2
        make_account(instagram_account_id=ACCOUNT_ID, access_token="")
        store_delivery(encode(batch_payload(5)))
        # The profile of the one person who wrote, the reconciliation, the hourly look at the
        # account, the two jobs of every day and the two prunings one of them asks for.
        assert drain() == (5, 7)
        assert Message.objects.count() == 5
        assert job_states() == {"done"}

    def test_a_second_time_there_is_nothing_to_do(self) -> None:
        assert drain() == (0, 4)
        assert drain() == (0, 0)

    def test_a_failing_job_does_not_hold_it_up(self) -> None:
        make_job(name="of_a_later_version")
        assert drain() == (0, 5)
        assert job_states() == {"ready", "done"}


@pytest.mark.django_db(transaction=True)
class TestEngine:
    def test_it_applies_what_arrives_and_runs_jobs_until_it_is_stopped(self) -> None:
        make_account(instagram_account_id=ACCOUNT_ID, access_token="")
        with running() as [engine]:
            store_delivery(encode(text_payload("m-1")))
            wait_until(lambda: Message.objects.count() == 1)
            wait_until(lambda: job_states() == {"done"})
            store_delivery(encode(text_payload("m-2")))
            wait_until(lambda: Message.objects.count() == 2)
            assert engine.is_alive()
        assert not engine.is_alive()
        store_delivery(encode(text_payload("m-3")))
        assert Message.objects.count() == 2

    def test_an_engine_that_never_started_can_be_stopped(self) -> None:
        engine = Engine()
        engine.stop()
        assert not engine.is_alive()

    def test_it_stops_at_once_also_while_it_waits_for_work(self, settings: Settings) -> None:
        settings.INSTAGRAM_WORKER_POLL_SECONDS = 60
        with running():
            wait_until(lambda: job_states() == {"ready"} or job_states() == {"done"})
            began = time.monotonic()
        assert time.monotonic() - began < 30

    def test_a_step_that_raises_is_told_and_does_not_end_the_loop(
        self, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        make_account(instagram_account_id=ACCOUNT_ID, access_token="")
        store_delivery(encode(text_payload("m-1", "a secret text")))
        settings.INSTAGRAM_APPLY_BATCH_SIZE = "many"
        with caplog.at_level(logging.ERROR), running() as [engine]:
            wait_until(lambda: caplog.text.count("A worker step failed: ValueError") >= 3)
            assert engine.is_alive()
            assert not Message.objects.exists()
            settings.INSTAGRAM_APPLY_BATCH_SIZE = 500
            wait_until(lambda: Message.objects.count() == 1)
        assert "a secret text" not in caplog.text

    def test_a_lost_connection_is_replaced(self, caplog: pytest.LogCaptureFixture) -> None:
        if connection.vendor != "postgresql":
            pytest.skip("SQLite has no server that could end a connection")
        make_account(instagram_account_id=ACCOUNT_ID, access_token="")
        with caplog.at_level(logging.WARNING), running() as [engine]:
            wait_until(lambda: job_states() == {"done"})
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            store_delivery(encode(text_payload("m-1")))
            wait_until(lambda: Message.objects.count() == 1)
            assert engine.is_alive()
        assert "Waiting for the database: OperationalError" in caplog.text

    def test_its_threads_leave_no_connection_behind(self) -> None:
        if connection.vendor != "postgresql":
            pytest.skip("SQLite has no server that counts connections")
        with running():
            wait_until(lambda: job_states() == {"done"})

        def only_mine() -> bool:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                )
                return bool(cursor.fetchone() == (1,))

        wait_until(only_mine)

    def test_two_at_once_apply_everything_once(self, settings: Settings) -> None:
        settings.INSTAGRAM_APPLY_BATCH_SIZE = 7
        make_account(instagram_account_id=ACCOUNT_ID, access_token="")
        deliveries = [
            encode(text_payload(f"m-{number}", sender=str(number % 5))) for number in range(60)
        ]
        with running(2):
            for body in [*deliveries, *deliveries[::-1]]:
                store_delivery(body)
            wait_until(nothing_waits)
            wait_until(lambda: job_states() == {"done"})
        assert set(WebhookEvent.objects.values_list("status", "attempts")) == {("applied", 1)}
        assert Message.objects.count() == 60
        assert Conversation.objects.count() == 5
        # Five profiles, one reconciliation, one hourly look, the two jobs of every day and the
        # two prunings one of them asks for.
        assert list(due_jobs().values_list("attempts", flat=True)) == [1] * 11

    def test_other_threads_connections_are_their_own(self) -> None:
        mine = connections["default"]
        with running():
            wait_until(lambda: job_states() == {"done"})
        assert connections["default"] is mine
        assert mine.is_usable()
