"""Reactions, typing, reading and taking over: queued by staff, brought to Meta by the worker."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from social_integrations.exceptions import DraftError, SendRefused
from social_integrations.models import Conversation, Job, Message, Reaction
from social_integrations.services import sending
from social_integrations.services.delivering import deliver
from social_integrations.services.send_recovery import recover
from social_integrations.tasks import run_next_job
from social_integrations.tests.factories import make_account, make_user
from social_integrations.tests.graph.answers import FakeMeta
from social_integrations.tests.sends import (
    MESSAGES,
    accept,
    body_of,
    fresh,
    open_conversation,
    queue,
    refuse,
)

pytestmark = pytest.mark.django_db

TAKE = "700100200301/take_thread_control"
IG_MESSAGES = "https://graph.instagram.com/v26.0/me/messages"


@pytest.fixture
def conversation() -> Conversation:
    return open_conversation()


def theirs(conversation: Conversation) -> Message:
    return conversation.messages.get(direction="inbound")


class TestReactions:
    def test_one_is_brought_to_meta(self, meta: FakeMeta, conversation: Conversation) -> None:
        message = theirs(conversation)
        reaction = sending.react(message=message, emoji="❤️", by=make_user())
        account = conversation.contact.account
        assert (reaction.actor_id, reaction.delivery) == (account.instagram_account_id, "queued")
        meta.answer("POST", MESSAGES, {"recipient_id": "1"})
        before = timezone.now()
        assert run_next_job()
        reaction.refresh_from_db()
        assert (reaction.delivery, reaction.error_text) == ("sent", "")
        conversation.refresh_from_db()
        assert conversation.changed_at
        assert conversation.changed_at > before
        body = body_of(meta.calls(MESSAGES)[0])
        assert body["sender_action"] == "react"
        assert body["payload"] == {"message_id": message.mid, "reaction": "love"}

    def test_it_can_be_taken_back(self, meta: FakeMeta, conversation: Conversation) -> None:
        message = theirs(conversation)
        assert sending.unreact(message=message) is None
        sending.react(message=message, emoji="❤️")
        meta.answer("POST", MESSAGES, {"recipient_id": "1"})
        assert run_next_job()
        taken_back = sending.unreact(message=message)
        assert taken_back
        assert taken_back.removed_at
        assert run_next_job()
        taken_back.refresh_from_db()
        assert taken_back.delivery == "sent"
        assert [body_of(call)["sender_action"] for call in meta.calls(MESSAGES)] == [
            "react",
            "unreact",
        ]
        assert sending.unreact(message=message) is None

    def test_only_the_latest_wish_is_sent(self, meta: FakeMeta, conversation: Conversation) -> None:
        message = theirs(conversation)
        sending.react(message=message, emoji="❤️")
        sending.unreact(message=message)
        meta.answer("POST", MESSAGES, {"recipient_id": "1"})
        assert run_next_job()
        assert run_next_job()
        assert [body_of(call)["sender_action"] for call in meta.calls(MESSAGES)] == ["unreact"]

    def test_a_refusal_is_said(self, meta: FakeMeta, conversation: Conversation) -> None:
        reaction = sending.react(message=theirs(conversation), emoji="❤️")
        refuse(meta, 10, 2534022)
        assert run_next_job()
        reaction.refresh_from_db()
        assert reaction.delivery == "failed"
        assert "passed" in reaction.error_text

    @pytest.mark.parametrize("answer", [b"<html>", {"error": {"code": 2}}])
    def test_a_broken_call_is_made_again_and_given_up_in_the_end(
        self, meta: FakeMeta, conversation: Conversation, answer: Any
    ) -> None:
        reaction = sending.react(message=theirs(conversation), emoji="❤️")
        meta.answer("POST", MESSAGES, answer)
        assert run_next_job()
        job = Job.objects.get(name="send_reaction")
        assert (job.state, job.attempts) == ("ready", 1)
        recover()
        reaction.refresh_from_db()
        assert reaction.delivery == "queued"
        Reaction.objects.update(reacted_at=timezone.now() - timedelta(hours=2))
        recover()
        reaction.refresh_from_db()
        assert (reaction.delivery, bool(reaction.error_text)) == ("failed", True)

    def test_facebook_login_takes_hearts_only(
        self, meta: FakeMeta, conversation: Conversation, instagram_app: None
    ) -> None:
        account = conversation.contact.account
        assert not sending.takes_any_emoji(account)
        with pytest.raises(DraftError):
            sending.react(message=theirs(conversation), emoji="🔥")
        other = open_conversation(make_account(login="instagram"), igsid="77")
        sending.react(message=theirs(other), emoji="🔥")
        meta.answer("POST", IG_MESSAGES, {"recipient_id": "1"})
        assert run_next_job()
        assert body_of(meta.calls(MESSAGES)[0])["payload"]["reaction"] == "🔥"

    def test_what_was_unsent_meanwhile_is_seen(self, conversation: Conversation) -> None:
        read_before = theirs(conversation)
        Message.objects.update(unsent_at=timezone.now())
        with pytest.raises(DraftError) as refused:
            sending.react(message=read_before, emoji="❤️")
        assert refused.value.code == "no_message"
        assert not Reaction.objects.exists()

    def test_what_cannot_be_reacted_to(self, conversation: Conversation) -> None:
        message = queue(conversation)
        with pytest.raises(DraftError):
            sending.react(message=message, emoji="❤️")
        with pytest.raises(DraftError):
            sending.react(message=theirs(conversation), emoji=" ")
        Conversation.objects.update(last_inbound_at=timezone.now() - timedelta(hours=25))
        with pytest.raises(SendRefused):
            sending.react(message=theirs(conversation), emoji="❤️")


class TestTyping:
    def test_typing_and_seen_are_shown_once(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        for _ in range(3):
            sending.show_typing(conversation=conversation, on=True)
        sending.mark_seen(conversation=conversation)
        meta.answer("POST", MESSAGES, {"recipient_id": "1"})
        while run_next_job():
            pass
        actions = [body_of(call)["sender_action"] for call in meta.calls(MESSAGES)]
        assert sorted(set(actions)) == ["mark_seen", "typing_on"]
        assert len(actions) <= 3  # a slot of five seconds may have ended in between

    @pytest.mark.parametrize("answer", [b"<html>", {"error": {"code": 10}}, {"error": {"code": 4}}])
    def test_it_is_tried_once_and_harms_nothing(
        self, meta: FakeMeta, conversation: Conversation, answer: Any
    ) -> None:
        sending.show_typing(conversation=conversation, on=True)
        meta.answer("POST", MESSAGES, answer)
        assert run_next_job()
        assert Job.objects.get().state == "done"
        assert not run_next_job()
        conversation.contact.account.refresh_from_db()
        assert conversation.contact.account.is_active

    def test_what_comes_too_late_is_dropped(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        sending.show_typing(conversation=conversation, on=True)
        job = Job.objects.get()
        job.payload["at"] = (timezone.now() - timedelta(seconds=11)).isoformat()
        job.save()
        assert run_next_job()
        assert not meta.calls()

    def test_nothing_is_shown_where_no_answer_is_allowed(self, conversation: Conversation) -> None:
        conversation.last_inbound_at = timezone.now() - timedelta(hours=25)
        sending.show_typing(conversation=conversation, on=True)
        assert not Job.objects.exists()


class TestTakingOver:
    def test_once_meta_agrees_answers_go_out(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        now = timezone.now()
        Conversation.objects.update(last_standby_at=now, last_message_at=now)
        conversation.refresh_from_db()
        assert conversation.in_standby
        with pytest.raises(SendRefused):
            queue(conversation)
        sending.take_over(conversation=conversation, by=make_user())
        meta.answer("POST", TAKE, {"success": True})
        assert run_next_job()
        conversation.refresh_from_db()
        assert not conversation.in_standby
        message = queue(conversation)
        accept(meta)
        deliver(conversation_id=conversation.pk)
        assert fresh(message).status == "sent"
        assert body_of(meta.calls(TAKE)[0]) == {"recipient": {"id": conversation.contact.igsid}}

    def test_a_later_message_in_standby_is_the_other_apps_again(
        self, conversation: Conversation, settings: Any
    ) -> None:
        now = timezone.now()
        conversation.thread_owner = settings.INSTAGRAM_APP_ID
        conversation.thread_owner_at = now
        conversation.last_standby_at = conversation.last_message_at = now + timedelta(seconds=1)
        assert conversation.in_standby

    def test_meta_refuses(self, meta: FakeMeta, conversation: Conversation) -> None:
        now = timezone.now()
        Conversation.objects.update(last_standby_at=now, last_message_at=now)
        sending.take_over(conversation=conversation)
        refuse(meta, 100, 2018300, path=TAKE)
        assert run_next_job()
        conversation.refresh_from_db()
        assert conversation.in_standby

    def test_asking_again_takes_the_place_of_what_waits(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        for _ in range(3):
            sending.take_over(conversation=conversation)
        refuse(meta, 100, 2018300, path=TAKE)
        assert run_next_job()
        assert not run_next_job()  # it waits for another try
        sending.take_over(conversation=conversation)
        meta.answer("POST", TAKE, {"success": True})
        assert run_next_job()
        assert Job.objects.get(name="take_over").state == Job.State.DONE

    def test_who_cannot(self, conversation: Conversation) -> None:
        account = conversation.contact.account
        account.status = "disconnected"
        with pytest.raises(SendRefused):
            sending.take_over(conversation=conversation)
        account.login = "instagram"
        with pytest.raises(DraftError):
            sending.take_over(conversation=conversation)
