"""The away message: to whom, when, once; and what it costs those who have none."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from time_machine import Traveller

from social_integrations.models import (
    AwayMessage,
    ConnectedAccount,
    Conversation,
    Job,
    Message,
    OpeningHours,
    WebhookEvent,
)
from social_integrations.services.applying import apply_pending, requeue
from social_integrations.services.away import answer_away
from social_integrations.services.intake import store_delivery, store_imported
from social_integrations.services.jobs import ANSWER_AWAY
from social_integrations.services.privacy import erase_contacts
from social_integrations.tasks import HANDLERS
from social_integrations.tests.factories import make_account, make_away_message, make_message
from social_integrations.tests.payloads import ACCOUNT_ID, CUSTOMER_ID, encode, text_payload

pytestmark = pytest.mark.django_db

# A Tuesday; Tbilisi is four hours ahead.
EVENING = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
OFFICE = [(day, "09:00", "18:00") for day in range(5)]


@pytest.fixture
def account() -> ConnectedAccount:
    return make_account(instagram_account_id=ACCOUNT_ID)


@pytest.fixture
def away(account: ConnectedAccount) -> AwayMessage:
    return make_away_message(*OFFICE, account=account, time_zone="Asia/Tbilisi")


@pytest.fixture
def clock() -> Iterator[Traveller]:
    with time_machine.travel(EVENING, tick=False) as coordinates:
        yield coordinates


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def apply(*deliveries: Any) -> None:
    for delivery in deliveries:
        store_delivery(encode(delivery))
    while apply_pending():
        pass


def write(mid: str = "m-1", at: datetime | None = None, **changes: Any) -> None:
    """Let the customer write, now or at another moment of Meta's clock, and apply it."""
    apply(text_payload(mid, timestamp=milliseconds(at or timezone.now()), **changes))


def work() -> None:
    """Run the jobs that answer."""
    for job in Job.objects.filter(name=ANSWER_AWAY, state=Job.State.READY):
        HANDLERS[job.name](job.payload)
        Job.objects.filter(pk=job.pk).update(state=Job.State.DONE)


def answers() -> list[Message]:
    return list(Message.objects.filter(author=Message.Author.AUTOMATION).order_by("id"))


class TestWhen:
    def test_who_writes_outside_the_hours_is_answered_once(
        self, away: AwayMessage, clock: Traveller
    ) -> None:
        write()
        work()
        (answer,) = answers()
        assert (answer.text, answer.status, answer.source) == (away.text, "queued", "crm")
        assert (answer.tag, answer.sent_by) == ("", None)
        assert answer.send_policy is not None
        assert answer.send_policy["code"] == "open"
        assert Job.objects.filter(name="send_messages").count() == 1

    @pytest.mark.parametrize(
        "change",
        [{"enabled": False}, {"text": "  "}, {"time_zone": "Mars/Olympus"}],
        ids=["off", "empty", "odd zone"],
    )
    def test_without_a_usable_one_nothing_happens(
        self, away: AwayMessage, clock: Traveller, change: dict[str, Any]
    ) -> None:
        AwayMessage.objects.update(**change)
        write()
        assert not Job.objects.filter(name=ANSWER_AWAY).exists()

    def test_inside_the_hours_nothing_happens(self, away: AwayMessage, clock: Traveller) -> None:
        clock.move_to(NOON)
        write()
        assert not Job.objects.filter(name=ANSWER_AWAY).exists()

    def test_metas_clock_decides_not_ours(self, away: AwayMessage, clock: Traveller) -> None:
        # Written a minute before closing, applied five minutes after it.
        clock.move_to(datetime(2026, 11, 24, 14, 5, tzinfo=UTC))
        write("m-1", at=datetime(2026, 11, 24, 13, 59, 59, tzinfo=UTC))
        assert not Job.objects.filter(name=ANSWER_AWAY).exists()
        write("m-2", at=datetime(2026, 11, 24, 14, 0, tzinfo=UTC))
        assert Job.objects.filter(name=ANSWER_AWAY).count() == 1

    def test_a_tapped_question_counts_as_writing(self, away: AwayMessage, clock: Traveller) -> None:
        apply(item({"postback": {"mid": "m-1", "title": "Hours?", "payload": "HOURS"}}))
        work()
        assert len(answers()) == 1

    def test_an_account_that_must_be_connected_again_says_nothing(
        self, away: AwayMessage, account: ConnectedAccount, clock: Traveller
    ) -> None:
        write("m-1")
        ConnectedAccount.objects.update(status="reauth_required")
        work()
        assert answers() == []
        write("m-2", sender="77")
        assert Job.objects.filter(name=ANSWER_AWAY).count() == 1


def item(content: dict[str, Any], *, wrapper: str = "messaging", **changes: Any) -> dict[str, Any]:
    one = {
        "sender": {"id": changes.get("sender", CUSTOMER_ID)},
        "recipient": {"id": changes.get("recipient", ACCOUNT_ID)},
        "timestamp": milliseconds(timezone.now()),
        **content,
    }
    return {"object": "instagram", "entry": [{"id": ACCOUNT_ID, "time": 1, wrapper: [one]}]}


class TestNobodyAsked:
    """What looks like a message, and is no customer writing to us now."""

    def silent(self, *deliveries: Any) -> None:
        apply(*deliveries)
        work()
        assert answers() == []
        assert not Job.objects.filter(name=ANSWER_AWAY).exists()

    def test_standby(self, away: AwayMessage, clock: Traveller) -> None:
        self.silent(item({"message": {"mid": "m-1", "text": "Hi"}}, wrapper="standby"))

    def test_an_echo(self, away: AwayMessage, clock: Traveller) -> None:
        echo = {"message": {"mid": "m-1", "text": "Hi", "is_echo": True}}
        self.silent(item(echo, sender=ACCOUNT_ID, recipient=CUSTOMER_ID))

    def test_the_account_itself(
        self, away: AwayMessage, account: ConnectedAccount, clock: Traveller
    ) -> None:
        ConnectedAccount.objects.update(app_scoped_id="555")
        self.silent(item({"message": {"mid": "m-1", "text": "Test"}}, sender="555"))

    def test_a_link_followed_without_a_word(self, away: AwayMessage, clock: Traveller) -> None:
        self.silent(item({"referral": {"ref": "x", "source": "SHORTLINK", "type": "OPEN_THREAD"}}))

    def test_reactions_and_read_receipts(
        self, away: AwayMessage, account: ConnectedAccount, clock: Traveller
    ) -> None:
        clock.move_to(NOON)
        write("m-1")
        clock.move_to(EVENING)
        reaction = {"mid": "m-1", "action": "react", "reaction": "love", "emoji": "❤"}
        self.silent(item({"reaction": reaction}), item({"read": {"mid": "m-1"}}))

    def test_what_came_late(self, away: AwayMessage, clock: Traveller) -> None:
        moment = milliseconds(timezone.now() - timedelta(minutes=11))
        self.silent(text_payload("m-1", timestamp=moment))

    def test_what_was_read_from_metas_archive(
        self, away: AwayMessage, account: ConnectedAccount, clock: Traveller
    ) -> None:
        store_imported(
            account,
            [
                {
                    "id": "m-1",
                    "created_time": timezone.now().strftime("%Y-%m-%dT%H:%M:%S+0000"),
                    "from": {"id": CUSTOMER_ID},
                    "to": {"data": [{"id": ACCOUNT_ID}]},
                    "message": "Hi",
                }
            ],
        )
        self.silent()
        assert Message.objects.count() == 1

    def test_a_replay(self, away: AwayMessage, clock: Traveller) -> None:
        AwayMessage.objects.update(enabled=False)
        write()
        AwayMessage.objects.update(enabled=True)
        requeue(WebhookEvent.objects.all())
        self.silent()


class TestOnce:
    def test_however_often_the_item_or_the_job_comes(
        self, away: AwayMessage, clock: Traveller
    ) -> None:
        write()
        job = Job.objects.get(name=ANSWER_AWAY)
        work()
        write()
        requeue(WebhookEvent.objects.all())
        apply()
        answer_away(message_id=job.payload["message"])
        work()
        assert len(answers()) == 1
        assert Job.objects.filter(name=ANSWER_AWAY).count() == 1

    def test_even_when_the_cooldown_is_over(self, away: AwayMessage, clock: Traveller) -> None:
        write()
        work()
        # As if sent long ago: the reference alone has to hold.
        Message.objects.filter(author="automation").update(sent_at=EVENING - timedelta(days=3))
        answer_away(message_id=Job.objects.get(name=ANSWER_AWAY).payload["message"])
        assert len(answers()) == 1

    def test_several_messages_at_once_get_one_answer(
        self, away: AwayMessage, clock: Traveller
    ) -> None:
        now = timezone.now()
        apply(*(text_payload(f"m-{n}", timestamp=milliseconds(now) + n) for n in range(3)))
        write("m-9")
        work()
        assert len(answers()) == 1

    def test_every_person_gets_their_own(self, away: AwayMessage, clock: Traveller) -> None:
        now = milliseconds(timezone.now())
        apply(text_payload("m-1", timestamp=now), text_payload("m-2", timestamp=now, sender="77"))
        work()
        assert {answer.conversation.contact.igsid for answer in answers()} == {CUSTOMER_ID, "77"}

    def test_again_only_after_the_cooldown(self, away: AwayMessage, clock: Traveller) -> None:
        AwayMessage.objects.update(cooldown_hours=2)
        write("m-1")
        work()
        clock.move_to(EVENING + timedelta(hours=1, minutes=59))
        write("m-2")
        work()
        assert len(answers()) == 1
        clock.move_to(EVENING + timedelta(hours=2))
        write("m-3")
        work()
        assert len(answers()) == 2

    def test_one_that_failed_does_not_count(self, away: AwayMessage, clock: Traveller) -> None:
        write("m-1")
        work()
        Message.objects.filter(author="automation").update(status="failed")
        write("m-2")
        work()
        assert len(answers()) == 2


class TestStillWanted:
    """Between the delivery and the job things may change."""

    def test_somebody_answered_shortly_before(
        self, away: AwayMessage, account: ConnectedAccount, clock: Traveller
    ) -> None:
        clock.move_to(EVENING - timedelta(minutes=30))
        write("m-1")
        work()
        Message.objects.filter(author="automation").delete()
        make_message(
            conversation=Conversation.objects.get(),
            direction="outbound",
            source="instagram_app",
            status="sent",
            sent_at=EVENING - timedelta(minutes=20),
        )
        clock.move_to(EVENING)
        write("m-2")
        work()
        assert answers() == []
        clock.move_to(EVENING + timedelta(minutes=41))
        write("m-3")
        work()
        assert len(answers()) == 1

    def test_somebody_answered_meanwhile(self, away: AwayMessage, clock: Traveller) -> None:
        AwayMessage.objects.update(staff_minutes=0)
        write()
        make_message(
            conversation=Conversation.objects.get(),
            direction="outbound",
            source="crm",
            author="human",
            status="queued",
            mid=None,
            sent_at=timezone.now(),
        )
        work()
        assert answers() == []

    @pytest.mark.parametrize("change", [{"enabled": False}, {"text": ""}])
    def test_it_was_switched_off(
        self, away: AwayMessage, clock: Traveller, change: dict[str, Any]
    ) -> None:
        write()
        AwayMessage.objects.update(**change)
        work()
        assert answers() == []

    def test_the_hours_were_changed(self, away: AwayMessage, clock: Traveller) -> None:
        write()
        OpeningHours.objects.create(
            away_message=away, weekday=2, opens="00:00", closes="03:00"
        )  # in Tbilisi it is Wednesday already
        work()
        assert answers() == []

    def test_the_worker_was_away_itself(self, away: AwayMessage, clock: Traveller) -> None:
        write()
        clock.move_to(EVENING + timedelta(minutes=11))
        work()
        assert answers() == []

    def test_the_message_was_unsent(self, away: AwayMessage, clock: Traveller) -> None:
        write()
        apply(item({"message": {"mid": "m-1", "is_deleted": True}}))
        work()
        assert answers() == []

    def test_the_person_was_erased(
        self, away: AwayMessage, account: ConnectedAccount, clock: Traveller
    ) -> None:
        write()
        payload = Job.objects.get(name=ANSWER_AWAY).payload
        erase_contacts(account.contacts.all())
        assert not Job.objects.filter(name=ANSWER_AWAY).exists()
        HANDLERS[ANSWER_AWAY](payload)
        assert not Message.objects.exists()

    def test_another_app_took_over(self, away: AwayMessage, clock: Traveller) -> None:
        write()
        clock.shift(5)
        apply(item({"message": {"mid": "m-2", "text": "?"}}, wrapper="standby"))
        work()
        assert answers() == []


def test_it_costs_a_statement_only_where_it_is_switched_on(
    account: ConnectedAccount, clock: Traveller
) -> None:
    def statements(mid: str, sender: str) -> int:
        moment = milliseconds(timezone.now())
        store_delivery(encode(text_payload(mid, timestamp=moment, sender=sender)))
        with CaptureQueriesContext(connection) as queries:
            apply_pending()
        return len(queries)

    without = statements("m-1", "71")
    away = make_away_message(*OFFICE, account=account, time_zone="Asia/Tbilisi", enabled=False)
    assert statements("m-2", "72") == without
    AwayMessage.objects.filter(pk=away.pk).update(enabled=True)
    assert statements("m-3", "73") == without + 1


@pytest.mark.django_db(transaction=True)
def test_several_workers_come_to_one_answer(account: ConnectedAccount, away: AwayMessage) -> None:
    with time_machine.travel(EVENING, tick=False):
        now = milliseconds(timezone.now())
        for number in range(3):
            write(f"m-{number}", at=datetime.fromtimestamp(now / 1000 + number, UTC))
        keys = [job.payload["message"] for job in Job.objects.filter(name=ANSWER_AWAY)]
        assert len(keys) == 3
        start = threading.Barrier(6)

        def answer(message_id: int) -> None:
            try:
                start.wait(timeout=5)
                answer_away(message_id=message_id)
            finally:
                connection.close()

        workers = [threading.Thread(target=answer, args=(key,)) for key in keys * 2]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert len(answers()) == 1
