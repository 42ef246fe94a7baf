"""The worker sends what is queued: in order, once, and says what came of it."""

from datetime import timedelta
from typing import Any

import pytest
import requests
from django.db import connection
from django.utils import timezone
from urllib3 import exceptions as lower_failures

from social_integrations import signals
from social_integrations.exceptions import AccountOnHold, GraphPausedError, NotYet
from social_integrations.models import Conversation, Job, Message
from social_integrations.services import delivering, sending
from social_integrations.services.delivering import deliver
from social_integrations.services.drafts import Draft, OutgoingFile, QuickReply
from social_integrations.services.outcomes import MAX_TRIES
from social_integrations.services.send_recovery import recover
from social_integrations.tasks import run_next_job
from social_integrations.tests.factories import make_account, make_user
from social_integrations.tests.graph.answers import FakeMeta
from social_integrations.tests.sends import (
    MESSAGES,
    accept,
    age,
    body_of,
    echo,
    fresh,
    jobs_named,
    open_conversation,
    queue,
    refuse,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation() -> Conversation:
    return open_conversation()


def run(conversation: Conversation) -> None:
    deliver(conversation_id=conversation.pk)


class TestSending:
    def test_a_text_goes_out_and_takes_metas_id(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = queue(conversation)
        accept(meta, "m-1")
        before = timezone.now()
        run(conversation)
        sent = fresh(message)
        assert (sent.status, sent.mid, sent.error_text) == ("sent", "m-1", "")
        assert sent.send_attempts == 1
        assert sent.send_policy
        assert sent.send_policy["verdict"] == "allowed"
        conversation.refresh_from_db()
        assert conversation.changed_at
        assert conversation.changed_at > before
        (call,) = meta.calls(MESSAGES)
        assert body_of(call) == {
            "recipient": {"id": conversation.contact.igsid},
            "message": {"text": "On its way"},
            "messaging_type": "RESPONSE",
        }
        assert call.headers["Content-Type"] == "application/json"
        assert call.headers["Authorization"].startswith("Bearer ")
        assert "appsecret_proof=" in str(call.url)

    def test_parts_go_out_in_order(self, meta: FakeMeta, conversation: Conversation) -> None:
        draft = Draft(
            text="See",
            files=(OutgoingFile(type="image", url="https://shop.example/a.jpg"),),
            quick_replies=(QuickReply(title="M", payload="M"),),
        )
        picture, text = sending.send(conversation=conversation, draft=draft)
        accept(meta, "m-1")
        accept(meta, "m-2")
        run(conversation)
        assert [fresh(picture).mid, fresh(text).mid] == ["m-1", "m-2"]
        kinds = [next(iter(body_of(call)["message"])) for call in meta.calls(MESSAGES)]
        assert kinds == ["attachment", "text"]

    def test_meta_is_never_called_inside_a_transaction(
        self, meta: FakeMeta, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        depth = len(connection.savepoint_ids)
        depths = []

        def answer(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
            depths.append(len(connection.savepoint_ids))
            return 200, {}, '{"message_id": "m-1"}'

        meta.ask("POST", MESSAGES, answer)
        queue(conversation)
        run(conversation)
        assert depths == [depth]

    def test_after_24_hours_a_person_sends_with_the_tag(
        self, meta: FakeMeta, conversation: Conversation, settings: Any
    ) -> None:
        settings.INSTAGRAM_HUMAN_AGENT = True
        message = queue(conversation)
        Conversation.objects.update(last_inbound_at=timezone.now() - timedelta(hours=30))
        accept(meta)
        run(conversation)
        body = body_of(meta.calls(MESSAGES)[0])
        assert (body["messaging_type"], body["tag"]) == ("MESSAGE_TAG", "HUMAN_AGENT")
        assert fresh(message).tag == "HUMAN_AGENT"

    def test_the_policy_is_asked_again_when_it_is_sent(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = queue(conversation)
        Conversation.objects.update(last_inbound_at=timezone.now() - timedelta(hours=25))
        run(conversation)
        failed = fresh(message)
        assert (failed.status, failed.error_code) == ("failed", "window_closed")
        assert failed.error_text
        assert failed.error_action
        assert failed.send_policy
        assert failed.send_policy["verdict"] == "refused"
        assert not meta.calls()

    def test_the_signals_come_once_each(
        self, meta: FakeMeta, conversation: Conversation, django_capture_on_commit_callbacks: Any
    ) -> None:
        told: list[str] = []

        def note(message: Message, **_: Any) -> None:
            told.append(message.status)

        signals.message_sent.connect(note, weak=False)
        signals.message_failed.connect(note, weak=False)
        try:
            with django_capture_on_commit_callbacks(execute=True):
                queue(conversation)
                accept(meta, "m-1")
                run(conversation)
                echo("m-1")
                queue(conversation, "Another")
                meta.answer("POST", MESSAGES, {"error": {"code": 10, "error_subcode": 2534022}})
                run(conversation)
        finally:
            signals.message_sent.disconnect(note)
            signals.message_failed.disconnect(note)
        assert told == ["sent", "failed"]

    def test_a_long_list_is_continued_by_another_turn(
        self, meta: FakeMeta, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(delivering, "BUDGET_SECONDS", -1.0)
        queue(conversation)
        accept(meta)
        with pytest.raises(NotYet):
            run(conversation)


# Meta's refusal → where the message ends, and its code.
REFUSALS = [
    (10, 2534022, "failed"),
    (10, 2018278, "failed"),
    (10, 2018108, "failed"),
    (200, 2534041, "failed"),
    (200, 1545041, "failed"),
    (551, None, "failed"),
    (200, 2018028, "failed"),
    (100, 2534014, "failed"),
    (100, 2018001, "failed"),
    (100, 2534015, "failed"),
    (100, 2534037, "failed"),
    (100, 2018300, "failed"),
    (100, 2018109, "failed"),
    (100, 2018074, "failed"),
    (230, None, "failed"),
    (9010, None, "failed"),
    (100, None, "failed"),
    (77777, None, "failed"),
    (3, None, "failed"),
]


class TestRefusals:
    @pytest.mark.parametrize(("code", "subcode", "status"), REFUSALS)
    def test_what_would_be_refused_again_fails_with_words(
        self,
        meta: FakeMeta,
        conversation: Conversation,
        code: int,
        subcode: int | None,
        status: str,
    ) -> None:
        message = queue(conversation)
        refuse(meta, code, subcode)
        run(conversation)
        found = fresh(message)
        expected = f"{code}/{subcode}" if subcode else str(code)
        assert (found.status, found.error_code) == (status, expected)
        assert found.error_text
        assert found.error_action
        assert len(meta.calls(MESSAGES)) == 1
        conversation.contact.account.refresh_from_db()
        assert conversation.contact.account.is_active

    @pytest.mark.parametrize(
        ("code", "subcode"), [(190, None), (190, 463), (10, None), (200, None), (100, 2534013)]
    )
    def test_a_dead_token_holds_the_message_until_the_account_is_connected_again(
        self, meta: FakeMeta, conversation: Conversation, code: int, subcode: int | None
    ) -> None:
        message = queue(conversation)
        refuse(meta, code, subcode)
        assert run_next_job()
        found = fresh(message)
        assert (found.status, found.send_attempts) == ("queued", 0)
        job = Job.objects.get(name="send_messages")
        assert job.state == "held"
        account = conversation.contact.account
        account.refresh_from_db()
        assert account.status == "reauth_required"
        # Connected again: it goes out.
        account.status = "connected"
        account.save()
        Job.objects.update(state="ready", due_at=timezone.now(), held_for=None)
        accept(meta)
        Job.objects.exclude(name="send_messages").delete()
        assert run_next_job()
        assert fresh(message).status == "sent"

    def test_a_held_message_whose_window_closed_comes_back(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = queue(conversation)
        account = conversation.contact.account
        account.status = "reauth_required"
        account.save()
        with pytest.raises(AccountOnHold):
            run(conversation)
        recover()
        assert fresh(message).status == "queued"
        Conversation.objects.update(last_inbound_at=timezone.now() - timedelta(hours=25))
        recover()
        found = fresh(message)
        assert (found.status, found.error_code) == ("failed", "window_closed")
        assert not meta.calls()

    def test_the_app_was_removed(self, meta: FakeMeta, conversation: Conversation) -> None:
        message = queue(conversation)
        refuse(meta, 190, 458)
        run(conversation)
        found = fresh(message)
        assert (found.status, found.error_code) == ("failed", "account_gone")

    @pytest.mark.parametrize("code", [4, 17, 32, 341, 613, 80001, 80002, 80006])
    def test_throttling_pauses_the_account_and_costs_no_try(
        self, meta: FakeMeta, conversation: Conversation, code: int
    ) -> None:
        message = queue(conversation)
        other = open_conversation(conversation.contact.account, igsid="77")
        queue(other)
        refuse(meta, code, headers={"Retry-After": "50"})
        with pytest.raises(GraphPausedError) as caught:
            run(conversation)
        assert 45 < caught.value.seconds <= 50
        found = fresh(message)
        assert (found.status, found.send_attempts, found.error_code) == ("queued", 0, "throttled")
        with pytest.raises(GraphPausedError):
            run(other)
        assert len(meta.calls(MESSAGES)) == 1

    def test_429_without_an_error_is_throttling(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = queue(conversation)
        meta.answer("POST", MESSAGES, b"slow down", status=429, headers={"Retry-After": "7"})
        with pytest.raises(GraphPausedError) as caught:
            run(conversation)
        assert 5 < caught.value.seconds <= 7
        assert fresh(message).status == "queued"

    def test_usage_headers_slow_the_account_down(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        queue(conversation)
        second = queue(conversation)
        usage = '{"call_count": 100, "total_time": 1, "total_cputime": 1}'
        answer = {"message_id": "m-1"}
        meta.answer("POST", MESSAGES, answer, headers={"X-App-Usage": usage})
        with pytest.raises(GraphPausedError):
            run(conversation)
        assert fresh(second).status == "queued"

    def test_sent_although_refused_is_sent_and_the_echo_names_it(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = queue(conversation)
        refuse(meta, 1, 1357046)
        run(conversation)
        assert (fresh(message).status, fresh(message).mid) == ("sent", None)
        echo("m-9")
        assert fresh(message).mid == "m-9"
        assert Message.objects.filter(direction="outbound").count() == 1
        assert len(meta.calls(MESSAGES)) == 1

    def test_a_restriction_pauses_the_account_and_says_so(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = queue(conversation)
        refuse(meta, 368)
        with pytest.raises(GraphPausedError) as caught:
            run(conversation)
        assert caught.value.seconds > 1700
        found = fresh(message)
        assert (found.status, found.error_code) == ("queued", "368")
        assert "restricted" in found.error_text
        account = conversation.contact.account
        account.refresh_from_db()
        assert account.trouble == "restricted"

    def test_a_restriction_that_stays_fails_in_the_end(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = queue(conversation)
        Message.objects.update(send_attempts=2)
        refuse(meta, 368)
        run(conversation)
        assert fresh(message).status == "failed"


REFUSED = requests.ConnectionError(
    lower_failures.MaxRetryError(
        None,  # type: ignore[arg-type]
        "/",
        lower_failures.NewConnectionError(None, "refused"),  # type: ignore[arg-type]
    )
)


class TestTheNetwork:
    @pytest.mark.parametrize(
        "error", [REFUSED, requests.ConnectTimeout(), requests.exceptions.SSLError()]
    )
    def test_what_never_left_is_tried_again_a_few_times(
        self, meta: FakeMeta, conversation: Conversation, error: Exception
    ) -> None:
        message = queue(conversation)
        meta.answer("POST", MESSAGES, error)  # the last answer is given for ever
        for attempt in range(1, MAX_TRIES):
            with pytest.raises(NotYet):
                run(conversation)
            found = fresh(message)
            assert (found.status, found.send_attempts) == ("queued", attempt)
            assert found.error_code == "unreachable"
            age(message, hours=1)
        run(conversation)
        found = fresh(message)
        assert (found.status, found.error_code) == ("failed", "unreachable")
        assert found.error_action
        assert len(meta.calls(MESSAGES)) == MAX_TRIES

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (requests.ReadTimeout(), 200),
            (requests.ConnectionError("aborted"), 200),
            (b"<html>busy</html>", 200),
            (b'{"message_id": "m-', 200),
            (b"", 204),
            (b"", 302),
            (b"oops", 500),
            (b"[]", 200),
            ({"unexpected": True}, 503),
            ({"recipient_id": "1"}, 200),
            ({"message_id": 17}, 200),
        ],
    )
    def test_what_may_have_arrived_is_unknown_and_never_sent_again_by_itself(
        self, meta: FakeMeta, conversation: Conversation, body: Any, status: int
    ) -> None:
        message = queue(conversation)
        meta.answer("POST", MESSAGES, body, status=status)
        run(conversation)
        found = fresh(message)
        assert (found.status, found.error_code) == ("unknown", "unknown")
        assert found.error_text
        assert found.error_action
        assert [job["look"] for job in jobs_named("settle_unknown")] == [1, 2, 3]
        recover()
        run(conversation)
        assert len(meta.calls(MESSAGES)) == 1


class TestOneAtATime:
    def test_a_young_call_of_another_worker_is_waited_for(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        first = queue(conversation)
        queue(conversation, "Second")
        Message.objects.filter(pk=first.pk).update(status="sending", send_started_at=timezone.now())
        with pytest.raises(NotYet) as caught:
            run(conversation)
        assert 50 < caught.value.seconds <= 60
        assert not meta.calls()

    def test_an_old_call_is_unknown_and_later_messages_overtake_it(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        first = queue(conversation)
        second = queue(conversation, "Second")
        Message.objects.filter(pk=first.pk).update(status="sending")
        age(first, seconds=61)
        accept(meta, "m-2")
        run(conversation)
        assert (fresh(first).status, fresh(second).mid) == ("unknown", "m-2")

    def test_the_sweep_finds_what_a_dead_worker_left(self, conversation: Conversation) -> None:
        first = queue(conversation)
        Message.objects.filter(pk=first.pk).update(status="sending")
        age(first, seconds=61)
        Job.objects.all().delete()
        recover()
        assert jobs_named("send_messages") == [{"conversation": conversation.pk}]
        run(conversation)
        assert fresh(first).status == "unknown"

    def test_the_sweep_wakes_what_lost_its_job(self, conversation: Conversation) -> None:
        message = queue(conversation)
        Message.objects.filter(pk=message.pk).update(
            received_at=timezone.now() - timedelta(seconds=10)
        )
        recover()
        assert len(jobs_named("send_messages")) == 1
        Job.objects.update(state="dead")
        recover()
        recover()
        assert len(jobs_named("send_messages")) == 2

    def test_a_worker_that_lost_its_message_writes_nothing(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = queue(conversation)

        def answer(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
            Message.objects.filter(pk=message.pk).update(status="unknown")
            return 400, {}, '{"error": {"code": 100}}'

        meta.ask("POST", MESSAGES, answer)
        run(conversation)
        assert fresh(message).status == "unknown"

    def test_disconnected_while_it_waits(self, meta: FakeMeta, conversation: Conversation) -> None:
        message = queue(conversation)
        account = conversation.contact.account
        account.status = "disconnected"
        account.save()
        run(conversation)
        assert (fresh(message).status, fresh(message).error_code) == ("failed", "account_gone")
        assert not meta.calls()


LONG = " ".join(["word"] * 450)


class TestParts:
    def test_after_a_failed_part_the_later_ones_fail_and_all_can_be_sent_again(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        parts = sending.send(conversation=conversation, draft=Draft(text=LONG))
        assert len(parts) == 3
        accept(meta, "m-1")
        refuse(meta, 100, 2534015)
        run(conversation)
        first, second, third = map(fresh, parts)
        assert [first.status, second.status, third.status] == ["sent", "failed", "failed"]
        assert third.error_code == "earlier_part"
        user = make_user()
        sending.retry(message=third, by=user)
        assert fresh(second).sent_by == user
        meta.answer("POST", MESSAGES, {"message_id": "m-2"})
        meta.answer("POST", MESSAGES, {"message_id": "m-3"})
        run(conversation)
        assert [fresh(part).status for part in parts] == ["sent"] * 3

    def test_after_an_unknown_part_the_later_ones_wait_until_it_is_settled(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        parts = sending.send(conversation=conversation, draft=Draft(text=LONG))
        later = queue(conversation, "An answer of its own")
        meta.answer("POST", MESSAGES, b"<html>")
        run(conversation)
        statuses = [fresh(part).status for part in [*parts, later]]
        assert statuses == ["unknown", "queued", "queued", "queued"]
        for mid in ("m-2", "m-3", "m-4"):
            accept(meta, mid)
        echo("m-1", parts[0].text)
        assert fresh(parts[0]).status == "sent"
        assert {"conversation": conversation.pk} in jobs_named("send_messages")
        run(conversation)
        assert [fresh(part).status for part in [*parts, later]] == ["sent"] * 4

    def test_the_sweep_does_not_wake_what_waits_for_a_person(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        sending.send(conversation=conversation, draft=Draft(text=LONG))
        meta.answer("POST", MESSAGES, b"<html>")
        run(conversation)
        Message.objects.update(received_at=timezone.now() - timedelta(minutes=1))
        Job.objects.all().delete()
        recover()
        assert jobs_named("send_messages") == []


def test_instagram_login_omits_the_type(meta: FakeMeta, instagram_app: None) -> None:
    conversation = open_conversation(make_account(login="instagram"))
    message = queue(conversation)
    url = "https://graph.instagram.com/v26.0/me/messages"
    meta.answer("POST", url, {"message_id": "m-1"})
    run(conversation)
    assert fresh(message).status == "sent"
    assert "messaging_type" not in body_of(meta.calls(MESSAGES)[0])
