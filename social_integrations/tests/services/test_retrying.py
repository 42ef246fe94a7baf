"""Items that fail, items that wait, and what the host project hears of all this."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DataError, connection
from django.dispatch import Signal
from django.utils import timezone
from time_machine import travel

from social_integrations import signals
from social_integrations.models import ConnectedAccount, Contact, Message, WebhookEvent
from social_integrations.services.applying import apply_pending, requeue, retry_failed
from social_integrations.services.intake import store_delivery
from social_integrations.services.privacy import erase_contacts
from social_integrations.services.waiting import release_all_arrived
from social_integrations.tests.factories import make_account, make_event
from social_integrations.tests.payloads import (
    ACCOUNT_ID,
    SENT_AT,
    batch_payload,
    encode,
    load,
    text_payload,
)

pytestmark = pytest.mark.django_db

TRIES = 5
INSERT_MESSAGES = 'INSERT INTO "social_integrations_message" '


@pytest.fixture(autouse=True)
def account() -> ConnectedAccount:
    return make_account(instagram_account_id=ACCOUNT_ID)


def receive(*deliveries: Any) -> None:
    for delivery in deliveries:
        store_delivery(encode(load(delivery) if isinstance(delivery, str) else delivery))
    while apply_pending():
        pass


def refuse_poison(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    if sql.startswith(INSERT_MESSAGES) and "poison" in str(params):
        raise DataError("poison is not to my taste")
    return execute(sql, params, many, context)


class TestFailures:
    def test_a_failing_item_is_tried_again_ever_later_and_then_waits_for_a_person(self) -> None:
        waits = []
        with connection.execute_wrapper(refuse_poison), travel(timezone.now(), tick=False) as clock:
            receive(text_payload("m-1", "poison"))
            while retry_at := WebhookEvent.objects.get().retry_at:
                waits.append(round((retry_at - timezone.now()).total_seconds() / 60))
                assert retry_failed() == 0
                clock.move_to(retry_at + timedelta(seconds=1))
                assert retry_failed() == 1
                receive()
        event = WebhookEvent.objects.get()
        assert (event.status, event.attempts) == ("failed", TRIES)
        assert waits == [1, 4, 16, 64]
        assert event.error.startswith("DataError\n")
        assert "taste" not in event.error

    def test_once_the_cause_is_mended_the_next_try_succeeds(self) -> None:
        with connection.execute_wrapper(refuse_poison):
            receive(text_payload("m-1", "poison"))
        with travel(timezone.now() + timedelta(minutes=2)):
            assert retry_failed() == 1
            receive()
        event = WebhookEvent.objects.get()
        assert (event.status, event.error, event.retry_at) == ("applied", "", None)

    def test_a_dead_letter_put_back_by_hand_gets_fresh_tries(self) -> None:
        make_event(
            status="failed", attempts=TRIES, error="X", payload=_item("m-9"), **_of_account()
        )
        assert retry_failed() == 0
        assert requeue(WebhookEvent.objects.all()) == 1
        event = WebhookEvent.objects.get()
        assert (event.status, event.attempts, event.error) == ("received", 0, "")

    def test_what_failed_before_is_tried_apart_from_its_neighbours(self) -> None:
        with connection.execute_wrapper(refuse_poison):
            receive(text_payload("m-1", "poison"))
            WebhookEvent.objects.update(status="received")
            payload = batch_payload(20)
            store_delivery(encode(payload))
            with CountedInserts() as inserts:
                apply_pending()
        assert Message.objects.count() == 20
        assert inserts.messages == 2, "the neighbours' one, and the failing item's own"


class CountedInserts:
    """Counts inserts into the messages' table."""

    def __init__(self) -> None:
        self.messages = 0
        self._wrapper = connection.execute_wrapper(self._count)

    def _count(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.messages += sql.startswith(INSERT_MESSAGES)
        return execute(sql, params, many, context)

    def __enter__(self) -> "CountedInserts":
        self._wrapper.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._wrapper.__exit__(*error)


def _item(mid: str) -> dict[str, Any]:
    found: dict[str, Any] = text_payload(mid)["entry"][0]["messaging"][0]
    return found


def _of_account() -> dict[str, Any]:
    return {"instagram_account_id": ACCOUNT_ID}


class TestWaiting:
    @pytest.mark.parametrize("name", ["reaction", "seen"])
    def test_the_sweep_finds_what_two_workers_missed(
        self, account: ConnectedAccount, name: str
    ) -> None:
        receive("echo")
        store_delivery(encode(load(name)))
        waiting = WebhookEvent.objects.filter(status="received")
        waiting.update(status="parked", account=account, awaits="mid:m-005")
        assert release_all_arrived() == 1
        receive()
        assert not WebhookEvent.objects.exclude(status="applied").exists()

    def test_the_sweep_leaves_what_still_has_to_wait(self) -> None:
        receive("reaction", "handover_pass")
        assert release_all_arrived() == 0
        assert set(WebhookEvent.objects.values_list("status", flat=True)) == {"parked"}

    def test_a_handover_waits_for_the_person_and_not_for_another_account(self) -> None:
        other = make_account(instagram_account_id="2")
        receive("handover_pass", text_payload("m-1", account="2"))
        assert WebhookEvent.objects.get(kind="handover").status == "parked"
        assert Message.objects.get().account == other


@pytest.mark.parametrize(
    ("signal", "deliveries", "heard"),
    [
        (signals.conversation_created, ["text", "image", "text"], 1),
        (signals.message_received, ["text", "text", "echo"], 2),
        (signals.message_updated, ["text", "edit", "edit"], 1),
        (signals.message_unsent, ["text", "unsend", "unsend"], 1),
        (signals.reaction_changed, ["echo", "reaction", "reaction", "unreact"], 2),
        (signals.event_unknown, ["text", "unknown_kind", "attachment_unseen_type"], 2),
    ],
)
def test_each_signal_fires_once_for_what_is_new_even_if_a_receiver_raises(
    django_capture_on_commit_callbacks: Any, signal: Signal, deliveries: list[str], heard: int
) -> None:
    calls: list[dict[str, Any]] = []

    def listen(**arguments: Any) -> None:
        calls.append(arguments)
        raise RuntimeError("a receiver of the host project")

    signal.connect(listen)
    try:
        for delivery in deliveries:
            with django_capture_on_commit_callbacks(execute=True):
                receive(delivery)
    finally:
        signal.disconnect(listen)
    assert len(calls) == heard
    assert WebhookEvent.objects.filter(status="failed").count() == 0


class TestErased:
    def test_a_late_repetition_does_not_bring_an_erased_person_back(self) -> None:
        receive("text", "reaction")
        with travel(datetime(2026, 11, 23, tzinfo=UTC)):
            erase_contacts(Contact.objects.all())
        receive("text", "image", "reaction")
        assert not Contact.objects.exists()
        assert not WebhookEvent.objects.exists()

    def test_what_they_write_afterwards_is_a_new_contact(self) -> None:
        receive("text")
        with travel(datetime(2026, 11, 22, 9, 40, tzinfo=UTC)):
            erase_contacts(Contact.objects.all())
            receive("text", text_payload("m-new", timestamp=SENT_AT + 3_600_000))
        assert Message.objects.get().mid == "m-new"
