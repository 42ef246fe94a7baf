"""A message of unknown fate is looked for at Meta, settled, sent again, or left to a person."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from social_integrations.exceptions import (
    DraftError,
    GraphUnavailableError,
    SendRefused,
)
from social_integrations.models import Conversation, Message, WebhookEvent
from social_integrations.services import budget, sending
from social_integrations.services.applying import apply_pending
from social_integrations.services.delivering import deliver
from social_integrations.services.drafts import Draft, OutgoingFile
from social_integrations.services.looking import look_for
from social_integrations.services.outbound import confirm_sent
from social_integrations.services.send_recovery import recover
from social_integrations.services.unknown import NOT_FOUND
from social_integrations.tests.graph.answers import FakeMeta
from social_integrations.tests.payloads import ACCOUNT_ID, CUSTOMER_ID
from social_integrations.tests.sends import (
    MESSAGES,
    accept,
    age,
    echo,
    fresh,
    jobs_named,
    open_conversation,
    queue,
    refuse,
)

pytestmark = pytest.mark.django_db

THREADS = "700100200301/conversations"
THREAD = "t-1"


@pytest.fixture
def conversation() -> Conversation:
    return open_conversation()


@pytest.fixture(autouse=True)
def no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Meta's two calls a second are the budget's own tests."""
    monkeypatch.setitem(budget.INTERVALS, budget.CONVERSATIONS, 0.0)


def at_meta(mid: str, text: str = "On its way", **more: Any) -> dict[str, Any]:
    """Return a message of the business as the Conversations API shows it."""
    return {
        "id": mid,
        "created_time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}+0000",
        "from": {"id": ACCOUNT_ID},
        "to": {"data": [{"id": CUSTOMER_ID}]},
        "message": text,
        **more,
    }


def show(meta: FakeMeta, *messages: dict[str, Any]) -> None:
    """Let Meta show a conversation with these messages."""
    meta.answer("GET", THREADS, {"data": [{"id": THREAD}]})
    meta.answer("GET", THREAD, {"id": THREAD, "messages": {"data": list(messages)}})


def unknown(meta: FakeMeta, conversation: Conversation, **draft: Any) -> Message:
    """Queue a message and lose Meta's answer to it."""
    sent = sending.send(conversation=conversation, draft=Draft(**draft or {"text": "On its way"}))
    meta.answer("POST", MESSAGES, b"<html>")
    deliver(conversation_id=conversation.pk)
    assert fresh(sent[0]).status == "unknown"
    return sent[0]


def refused_for_now(meta: FakeMeta, conversation: Conversation) -> Message:
    message = queue(conversation)
    refuse(meta, 2)
    deliver(conversation_id=conversation.pk)
    assert fresh(message).status == "unknown"
    return message


class TestUnknown:
    def test_what_meta_shows_is_settled_by_its_copy(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = unknown(meta, conversation)
        show(meta, at_meta("m-7"))
        look_for(message_id=message.pk, look=1)
        while apply_pending():
            pass
        found = fresh(message)
        assert (found.status, found.mid, found.error_text) == ("sent", "m-7", "")
        assert Message.objects.filter(direction="outbound").count() == 1

    @pytest.mark.parametrize(
        ("draft", "copy"),
        [
            (
                {"files": (OutgoingFile(type="image", url="https://shop.example/a.jpg"),)},
                {
                    "attachments": {
                        "data": [{"id": "1", "image_data": {"url": "https://c.example/a"}}]
                    }
                },
            ),
            (
                {"files": (OutgoingFile(type="audio", url="https://shop.example/a.m4a"),)},
                {
                    "attachments": {
                        "data": [{"id": "1", "video_data": {"url": "https://c.example/a"}}]
                    }
                },
            ),
            (
                {"files": (OutgoingFile(type="file", url="https://shop.example/a.pdf"),)},
                {"attachments": {"data": [{"file_url": "https://c.example/a", "name": "a.pdf"}]}},
            ),
            (
                {
                    "template": {
                        "template_type": "button",
                        "text": "What next?",
                        "buttons": [{"type": "postback", "title": "Agent", "payload": "A"}],
                    }
                },
                {"message": "What next?"},
            ),
            (
                {
                    "template": {
                        "template_type": "button",
                        "text": "What next?",
                        "buttons": [{"type": "postback", "title": "Agent", "payload": "A"}],
                    }
                },
                {},
            ),
        ],
    )
    def test_files_and_templates_are_recognised_too(
        self,
        meta: FakeMeta,
        conversation: Conversation,
        draft: dict[str, Any],
        copy: dict[str, Any],
    ) -> None:
        message = unknown(meta, conversation, **draft)
        show(meta, at_meta("m-7", "") | copy)
        look_for(message_id=message.pk, look=1)
        while apply_pending():
            pass
        assert (fresh(message).status, fresh(message).mid) == ("sent", "m-7")

    def test_what_meta_does_not_show_is_left_to_a_person_in_the_end(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = unknown(meta, conversation)
        before = fresh(message).error_action
        for look in (1, 2, 3):
            show(meta, at_meta("m-8", "Something else"))
            assert fresh(message).error_action == before
            look_for(message_id=message.pk, look=look)
        found = fresh(message)
        assert (found.status, found.error_action) == ("unknown", NOT_FOUND)
        assert len(meta.calls(MESSAGES)) == 1

    def test_messages_meta_lists_by_id_alone_are_read_one_by_one(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = unknown(meta, conversation)
        show(meta, {"id": "m-7"})
        meta.answer("GET", "m-7", at_meta("m-7"))
        look_for(message_id=message.pk, look=1)
        apply_pending()
        assert fresh(message).mid == "m-7"

    def test_the_copy_of_another_message_of_ours_is_not_taken(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        first = queue(conversation)
        accept(meta, "m-1")
        deliver(conversation_id=conversation.pk)
        message = queue(conversation)
        meta.answer("POST", MESSAGES, b"<html>")
        deliver(conversation_id=conversation.pk)
        show(meta, at_meta("m-1"))
        look_for(message_id=message.pk, look=1)
        apply_pending()
        assert [fresh(one).status for one in (first, message)] == ["sent", "unknown"]

    def test_nobody_can_look_so_a_person_decides(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = unknown(meta, conversation)
        meta.answer("GET", THREADS, b"<html>")
        with pytest.raises(GraphUnavailableError):
            look_for(message_id=message.pk, look=1)
        age(message, hours=1)
        recover()
        assert fresh(message).error_action == NOT_FOUND

    def test_a_conversation_meta_does_not_show_says_nothing(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = refused_for_now(meta, conversation)
        meta.answer("GET", THREADS, {"data": []})
        look_for(message_id=message.pk, resend=True)
        found = fresh(message)
        assert (found.status, found.error_action) == ("unknown", NOT_FOUND)


class TestRefusedForNow:
    @pytest.mark.parametrize("code", [1, 2])
    def test_it_is_sent_again_where_meta_does_not_show_it(
        self, meta: FakeMeta, conversation: Conversation, code: int
    ) -> None:
        message = queue(conversation)
        refuse(meta, code)
        deliver(conversation_id=conversation.pk)
        (job,) = jobs_named("settle_unknown")
        assert job == {"message": message.pk, "look": 0, "resend": True}
        show(meta, at_meta("m-8", "Something else"))
        look_for(message_id=message.pk, resend=True)
        assert fresh(message).status == "queued"
        age(message, minutes=1)
        accept(meta, "m-9")
        deliver(conversation_id=conversation.pk)
        assert (fresh(message).mid, len(meta.calls(MESSAGES))) == ("m-9", 2)

    def test_it_is_not_where_meta_shows_it(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = refused_for_now(meta, conversation)
        show(meta, at_meta("m-7"))
        look_for(message_id=message.pk, resend=True)
        while apply_pending():
            pass
        assert (fresh(message).status, fresh(message).mid) == ("sent", "m-7")
        assert len(meta.calls(MESSAGES)) == 1

    def test_three_times_and_no_more(self, meta: FakeMeta, conversation: Conversation) -> None:
        message = queue(conversation)
        refuse(meta, 2)
        show(meta)
        for _ in range(3):
            deliver(conversation_id=conversation.pk)
            look_for(message_id=message.pk, resend=True)
            age(message, minutes=5)
        found = fresh(message)
        assert (found.status, found.error_code) == ("failed", "2")
        assert len(meta.calls(MESSAGES)) == 3

    def test_an_echo_that_comes_late_stops_the_next_try(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = refused_for_now(meta, conversation)
        show(meta)
        look_for(message_id=message.pk, resend=True)
        echo("m-7")
        deliver(conversation_id=conversation.pk)
        assert (fresh(message).status, fresh(message).mid) == ("sent", "m-7")
        assert len(meta.calls(MESSAGES)) == 1


class TestAPerson:
    def test_it_arrived(self, meta: FakeMeta, conversation: Conversation) -> None:
        message = unknown(meta, conversation)
        settled = sending.settle(message=message, arrived=True)
        assert (settled.status, settled.error_text) == ("sent", "")
        echo("m-7")  # and its echo, late, is no second message
        assert fresh(message).mid == "m-7"
        assert Message.objects.filter(direction="outbound").count() == 1

    def test_it_did_not(self, meta: FakeMeta, conversation: Conversation) -> None:
        message = unknown(meta, conversation)
        assert sending.settle(message=message, arrived=False).status == "queued"
        accept(meta, "m-7")
        deliver(conversation_id=conversation.pk)
        assert fresh(message).mid == "m-7"

    def test_it_did_not_and_its_time_is_over(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = unknown(meta, conversation)
        Conversation.objects.update(last_inbound_at=timezone.now() - timedelta(hours=25))
        settled = sending.settle(message=message, arrived=False)
        assert (settled.status, settled.error_code) == ("failed", "window_closed")
        with pytest.raises(SendRefused):
            sending.retry(message=message)

    def test_only_what_is_open_can_be_decided(self, conversation: Conversation) -> None:
        message = queue(conversation)
        with pytest.raises(DraftError):
            sending.settle(message=message, arrived=True)
        with pytest.raises(DraftError):
            sending.retry(message=message)


class TestTwins:
    """Two messages of ours say the same: an echo is taken for one of them, never for both."""

    def test_an_echo_taken_for_the_wrong_one_gives_it_back(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        lost = unknown(meta, conversation)
        second = queue(conversation)

        def answer(_request: Any) -> tuple[int, dict[str, str], str]:
            echo("m-2")  # before the answer: nobody can know of which of the two
            return 200, {}, '{"message_id": "m-2"}'

        meta.forget("POST", MESSAGES)
        meta.ask("POST", MESSAGES, answer)
        deliver(conversation_id=conversation.pk)
        assert (fresh(second).status, fresh(second).mid) == ("sent", "m-2")
        assert (fresh(lost).status, fresh(lost).mid) == ("unknown", None)
        assert WebhookEvent.objects.count() == 1

    def test_what_was_asked_of_the_wrong_one_is_asked_again(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        lost = unknown(meta, conversation)
        second = queue(conversation)
        Message.objects.filter(pk=second.pk).update(
            status="sending", send_started_at=timezone.now(), send_attempts=1
        )
        echo("m-2")
        assert fresh(lost).status == "sent"
        confirm_sent(message_id=second.pk, mid="m-2")
        assert (fresh(lost).status, fresh(second).mid) == ("unknown", "m-2")
        assert fresh(lost).error_text
        assert len(jobs_named("settle_unknown")) >= 3
