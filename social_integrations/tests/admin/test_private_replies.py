"""Answering a comment privately from the ledger, and looking at what became of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from social_integrations.events.comments import read_comment
from social_integrations.models import Job, PrivateReply, WebhookEvent
from social_integrations.tests.factories import (
    make_account,
    make_event,
    make_message,
    make_private_reply,
    make_staff,
    make_superuser,
)
from social_integrations.tests.payloads import load

pytestmark = pytest.mark.django_db

LEDGER = "/admin/social_integrations/webhookevent/"
REPLIES = "/admin/social_integrations/privatereply/"
COMMENT = "17911110000000001"
AGENT = (
    "view_webhookevent",
    "change_webhookevent",
    "view_conversation",
    "view_message",
    "add_message",
)


def comment(**values: Any) -> WebhookEvent:
    value = values.pop("value", None) or {
        "id": COMMENT,
        "text": "Price? <script>alert(1)</script>",
        "from": {"id": "1", "username": "<b>somebody\u202e"},
    }
    defaults = {
        "account": values.pop("account", None) or make_account(),
        "wrapper": "changes",
        "kind": "comments",
        "status": "applied",
        "occurred_at": timezone.now(),
        "payload": {"field": "comments", "value": value},
    }
    return make_event(**defaults | values)


def ask(client: Client, *events: WebhookEvent, **more: str) -> str:
    keys = [event.pk for event in events]
    data = {"action": "reply_privately", "_selected_action": keys, **more}
    return client.post(LEDGER, data, follow=True).text


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_staff(*AGENT))
    return client


class TestReplying:
    def test_it_shows_the_comment_and_asks_for_words(self, staff: Client) -> None:
        page = ask(staff, comment())
        assert "Price? &lt;script&gt;" in page
        assert "<script>alert" not in page
        assert "<b>somebody" not in page
        assert "\u202e" not in page
        assert "<textarea" in page
        assert not PrivateReply.objects.exists()

    def test_it_is_queued_as_the_users(self, client: Client) -> None:
        agent = make_staff(*AGENT)
        client.force_login(agent)
        event = comment()
        page = ask(client, event, post="yes", text="It is 40 lari.")
        reply = PrivateReply.objects.get()
        assert (reply.comment_id, reply.text, reply.status) == (COMMENT, "It is 40 lari.", "queued")
        assert (reply.account, reply.sent_by) == (event.account, agent)
        assert Job.objects.filter(name="send_private_reply").count() == 1
        assert f"{REPLIES}{reply.pk}/change/" in page
        assert LogEntry.objects.get().get_change_message() == f"Private reply {reply.pk} queued."

    @pytest.mark.parametrize(
        ("changes", "text", "words"),
        [
            ({}, "", "at most 1000 bytes"),
            ({}, "ა" * 334, "at most 1000 bytes"),
            ({"age": timedelta(days=7)}, "Hi", "older than seven days"),
            ({"account_status": "disconnected"}, "Hi", "is disconnected"),
        ],
    )
    def test_what_meta_would_refuse_is_told_beside_the_words(
        self, staff: Client, changes: dict[str, Any], text: str, words: str
    ) -> None:
        account = make_account(status=changes.get("account_status", "connected"))
        written = timezone.now() - changes.get("age", timedelta(0))
        page = ask(staff, comment(account=account, occurred_at=written), post="yes", text=text)
        assert words in page
        assert f">{text}</textarea>" in page
        assert not PrivateReply.objects.exists()

    def test_a_second_one_is_refused_and_the_first_is_named(self, staff: Client) -> None:
        event = comment()
        first = make_private_reply(account=event.account, comment_id=COMMENT, status="sent")
        page = ask(staff, event, post="yes", text="Again")
        assert f"{REPLIES}{first.pk}/change/" in page
        assert "allows one" in page
        assert PrivateReply.objects.get().text != "Again"

    def test_one_that_failed_may_be_written_again(self, staff: Client) -> None:
        event = comment()
        make_private_reply(account=event.account, comment_id=COMMENT, status="failed")
        assert "has a private reply already" not in ask(staff, event)
        ask(staff, event, post="yes", text="Again")
        assert (PrivateReply.objects.get().text, PrivateReply.objects.get().status) == (
            "Again",
            "queued",
        )

    def test_only_one_comment_is_answered(self, staff: Client) -> None:
        account = make_account()
        events = [comment(account=account), comment(account=account)]
        assert "Choose one comment" in ask(staff, *events, post="yes", text="Hi")
        assert "This is no comment" in ask(staff, make_event(), post="yes", text="Hi")
        orphan = make_event(wrapper="changes", kind="comments")
        assert "This is no comment" in ask(staff, orphan, post="yes", text="Hi")
        assert not PrivateReply.objects.exists()

    def test_looking_at_the_ledger_is_not_answering(self, client: Client) -> None:
        client.force_login(make_staff("view_webhookevent", "change_webhookevent"))
        event = comment()
        ask(client, event, post="yes", text="Hi")
        assert "Reply privately" not in client.get(LEDGER).text
        assert not PrivateReply.objects.exists()

    @pytest.mark.parametrize("value", [{"text": 5}, {"from": "x"}, {"id": {}}, {"id": "x" * 300}])
    def test_an_odd_comment_breaks_nothing(self, staff: Client, value: dict[str, Any]) -> None:
        page = ask(staff, comment(value=value), post="yes", text="Hi")
        assert "not the id of a comment" in page
        assert not PrivateReply.objects.exists()


@pytest.mark.parametrize(
    ("name", "wrapper", "expected"),
    [
        ("comments", "changes", ("17911110000000001", "Nice", "somebody")),
        ("comments_on_entry", "entry", ("17911110000000004", "On the entry", "customer_one")),
    ],
)
def test_both_shapes_of_metas_are_read(
    name: str, wrapper: str, expected: tuple[str, str, str]
) -> None:
    entry = load(name)["entry"][0]
    payload = entry["changes"][0] if wrapper == "changes" else entry
    found = read_comment(wrapper, payload)
    assert (found.comment_id, found.text, found.username) == expected


def test_its_page_says_what_became_of_it(client: Client) -> None:
    message = make_message(direction="outbound")
    harm = "<img src=x onerror=alert(1)>"
    sent = make_private_reply(status="sent", message=message)
    failed = make_private_reply(
        status="failed", error_text=harm, error_action="Answer below.", text=harm
    )
    client.force_login(make_superuser())
    page = client.get(f"{REPLIES}{sent.pk}/change/").text
    assert f"/message/{message.pk}/change/" in page
    page = client.get(f"{REPLIES}{failed.pk}/change/").text
    assert "<strong>Answer below.</strong>" in page
    assert "<img src=x" not in page
    assert "<img src=x" not in client.get(REPLIES).text
