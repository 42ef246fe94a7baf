"""A private reply: one for each comment, one row with its echo, and no open window."""

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
import requests
from django.db import connection
from django.utils import timezone

from social_integrations import signals
from social_integrations.exceptions import DraftError, SendRefused
from social_integrations.models import (
    ConnectedAccount,
    Conversation,
    Job,
    Message,
    PrivateReply,
    WebhookEvent,
)
from social_integrations.services import sending
from social_integrations.services.applying import apply_pending
from social_integrations.services.intake import store_delivery
from social_integrations.services.send_recovery import recover
from social_integrations.tasks import run_next_job
from social_integrations.tests.factories import make_account, make_user
from social_integrations.tests.graph.answers import FakeMeta
from social_integrations.tests.payloads import ACCOUNT_ID, CUSTOMER_ID, encode
from social_integrations.tests.sends import MESSAGES, accept, body_of, echo, refuse

pytestmark = pytest.mark.django_db

COMMENT = "17911110000000001"


@pytest.fixture
def account() -> ConnectedAccount:
    return make_account(instagram_account_id=ACCOUNT_ID)


def reply(account: ConnectedAccount, **more: Any) -> PrivateReply:
    values = {"comment_id": COMMENT, "text": "Sent you the details"}
    return sending.reply_privately(account=account, **values | more)


def comment(age: timedelta) -> None:
    """Deliver a comment of so long ago, and apply it."""
    value = {"id": COMMENT, "from": {"id": "77", "username": "x"}, "text": "Price?"}
    entry = {
        "id": ACCOUNT_ID,
        "time": int((timezone.now() - age).timestamp()),
        "changes": [{"field": "comments", "value": value}],
    }
    store_delivery(encode({"object": "instagram", "entry": [entry]}))
    apply_pending()
    WebhookEvent.objects.update(received_at=timezone.now() - age)


def run() -> None:
    assert run_next_job()


def test_contact_conversation_and_message_exist_once_it_is_sent(
    meta: FakeMeta, account: ConnectedAccount, django_capture_on_commit_callbacks: Any
) -> None:
    opened: list[Conversation] = []

    def note(conversation: Conversation, **_: Any) -> None:
        opened.append(conversation)

    user = make_user()
    row = reply(account, by=user)
    accept(meta, "m-1")
    signals.conversation_created.connect(note, weak=False)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            run()
    finally:
        signals.conversation_created.disconnect(note)
    row.refresh_from_db()
    message = row.message
    assert message
    assert (row.status, message.status, message.mid) == ("sent", "sent", "m-1")
    assert (message.source, message.sent_by, message.text) == ("crm", user, "Sent you the details")
    conversation = message.conversation
    assert opened == [conversation]
    assert conversation.contact.igsid == CUSTOMER_ID
    assert conversation.last_inbound_at is None
    assert not sending.policy_for(conversation).is_allowed
    assert body_of(meta.calls(MESSAGES)[0]) == {
        "recipient": {"comment_id": COMMENT},
        "message": {"text": "Sent you the details"},
    }


@pytest.mark.parametrize("when", ["before", "after"])
def test_its_echo_is_no_second_message(
    meta: FakeMeta, account: ConnectedAccount, when: str
) -> None:
    row = reply(account)

    def answer(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        if when == "before":
            echo("m-1", "Sent you the details")
        return 200, {}, f'{{"recipient_id": "{CUSTOMER_ID}", "message_id": "m-1"}}'

    meta.ask("POST", MESSAGES, answer)
    run()
    if when == "after":
        echo("m-1", "Sent you the details")
    row.refresh_from_db()
    assert Message.objects.get() == row.message
    assert Message.objects.get().source == "crm"


def test_one_for_each_comment(meta: FakeMeta, account: ConnectedAccount) -> None:
    first = reply(account)
    with pytest.raises(DraftError):
        reply(account)
    refuse(meta, 100, 2534025)
    run()
    first.refresh_from_db()
    assert (first.status, first.error_code) == ("failed", "100/2534025")
    assert first.error_text
    again = reply(account, text="Once more")
    assert again == first
    assert (again.status, again.error_text) == ("queued", "")


@pytest.mark.parametrize(("days", "allowed"), [(6, True), (8, False)])
def test_seven_days_where_the_comment_is_known(
    account: ConnectedAccount, days: int, allowed: bool
) -> None:
    comment(timedelta(days=days))
    if allowed:
        assert reply(account).status == "queued"
    else:
        with pytest.raises(DraftError) as caught:
            reply(account)
        assert caught.value.code == "comment_too_old"


@pytest.mark.parametrize("changes", [{"text": " "}, {"text": "ა" * 334}, {"comment_id": ""}])
def test_what_meta_would_refuse(account: ConnectedAccount, changes: dict[str, str]) -> None:
    with pytest.raises(DraftError):
        reply(account, **changes)


def test_a_disconnected_account() -> None:
    with pytest.raises(SendRefused):
        reply(make_account(status="disconnected"))


def test_it_waits_for_the_account(meta: FakeMeta, account: ConnectedAccount) -> None:
    row = reply(account)
    refuse(meta, 190)
    run()
    row.refresh_from_db()
    assert (row.status, row.send_attempts) == ("queued", 0)
    assert Job.objects.get(name="send_private_reply").state == "held"


@pytest.mark.parametrize("code", [10, 200])
def test_without_the_permission_for_comments_only_the_reply_fails(
    meta: FakeMeta, account: ConnectedAccount, code: int
) -> None:
    row = reply(account)
    refuse(meta, code)
    run()
    row.refresh_from_db()
    account.refresh_from_db()
    assert (row.status, row.error_code, account.status) == ("failed", str(code), "connected")
    assert "permission" in row.error_text
    assert "permission for comments" in row.error_action


def test_throttled_it_waits(meta: FakeMeta, account: ConnectedAccount) -> None:
    row = reply(account)
    refuse(meta, 613)
    run()
    row.refresh_from_db()
    assert (row.status, row.send_attempts) == ("queued", 0)
    assert Job.objects.get().state == "ready"


def test_unreachable_it_is_tried_again(meta: FakeMeta, account: ConnectedAccount) -> None:
    row = reply(account)
    meta.answer("POST", MESSAGES, requests.ConnectTimeout())
    run()
    row.refresh_from_db()
    assert (row.status, row.send_attempts, row.error_code) == ("queued", 1, "unreachable")


@pytest.mark.parametrize("answer", [b"<html>", {"recipient_id": "1"}, {"error": {"code": 2}}])
def test_an_unknown_one_is_never_sent_again_and_its_echo_settles_it(
    meta: FakeMeta, account: ConnectedAccount, answer: Any
) -> None:
    row = reply(account)
    meta.answer("POST", MESSAGES, answer)
    run()
    row.refresh_from_db()
    assert row.status == "unknown"
    assert row.error_action
    echo("m-1", "Sent you the details")
    Job.objects.filter(name="send_private_reply").update(due_at=timezone.now())
    while run_next_job():
        pass
    row.refresh_from_db()
    assert (row.status, row.message.mid if row.message else "") == ("sent", "m-1")
    assert Message.objects.count() == 1
    assert len(meta.calls(MESSAGES)) == 1


def test_a_dead_worker_leaves_it_unknown(account: ConnectedAccount) -> None:
    row = reply(account)
    PrivateReply.objects.update(
        status="sending",
        send_started_at=timezone.now() - timedelta(minutes=2),
        created_at=timezone.now() - timedelta(minutes=2),
    )
    Job.objects.all().delete()
    recover()
    run()
    row.refresh_from_db()
    assert row.status == "unknown"


def test_a_lost_job_is_written_again(account: ConnectedAccount) -> None:
    reply(account)
    PrivateReply.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    Job.objects.update(state="dead")
    recover()
    recover()
    assert Job.objects.filter(name="send_private_reply").count() == 2


class TestOddInput:
    @pytest.mark.parametrize("text", ["", " \0", "\u200b", "\ud800", "ა" * 334])
    def test_a_text_instagram_would_not_show(self, account: ConnectedAccount, text: str) -> None:
        with pytest.raises(DraftError) as caught:
            reply(account, text=text)
        assert caught.value.code == "text"
        assert ("Shorten" in caught.value.action) == (len(text) > 300)
        assert caught.value.action

    @pytest.mark.parametrize("comment", ["", "1\0", "\ud800", "9" * 256])
    def test_what_is_no_id_of_a_comment(self, account: ConnectedAccount, comment: str) -> None:
        with pytest.raises(DraftError) as caught:
            reply(account, comment_id=comment)
        assert caught.value.code == "comment"

    def test_what_nobody_sees_is_left_out(self, account: ConnectedAccount) -> None:
        assert reply(account, text=" Sent\0 you\ud800 the details\r\n").text == (
            "Sent you the details"
        )


@pytest.mark.django_db(transaction=True)
def test_of_two_who_answer_a_comment_at_once_one_is_told(account: ConnectedAccount) -> None:
    barrier, outcomes = Barrier(2, timeout=30), list[str]()

    def answer() -> None:
        barrier.wait()
        try:
            outcomes.append(reply(account).status)
        except DraftError as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [Thread(target=answer) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["comment_answered", "queued"]
    assert PrivateReply.objects.count() == Job.objects.count() == 1
