"""What became of our messages, and the decisions people take in the admin."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from social_integrations.models import Conversation, Job, Message
from social_integrations.tests.factories import (
    make_account,
    make_contact,
    make_conversation,
    make_message,
    make_staff,
    make_superuser,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/social_integrations/message/"
AGENT = ("view_conversation", "view_message", "add_message")


def answer(status: str, **values: Any) -> Message:
    """Return a message of ours in a conversation that may still be answered."""
    conversation = values.pop("conversation", None) or make_conversation(
        last_inbound_at=timezone.now()
    )
    defaults = {
        "conversation": conversation,
        "direction": "outbound",
        "source": "crm",
        "author": "human",
        "status": status,
        "mid": None,
        "sent_at": timezone.now(),
    }
    return make_message(**defaults | values)


def act(client: Client, action: str, *chosen: Message, **more: str) -> str:
    keys = [str(message.pk) for message in chosen]
    data = {"action": action, "_selected_action": keys, **more}
    return client.post(LIST, data, follow=True).text


def status_of(message: Message) -> str:
    return Message.objects.get(pk=message.pk).status


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_staff(*AGENT))
    return client


class TestDeciding:
    @pytest.mark.parametrize(
        ("action", "before", "after"),
        [
            ("send_again", "failed", "queued"),
            ("it_arrived", "unknown", "sent"),
            ("it_did_not", "unknown", "queued"),
        ],
    )
    def test_it_asks_first_and_then_does_it(
        self, staff: Client, action: str, before: str, after: str
    ) -> None:
        contact = make_contact(name="<b>Nino\u202e")
        conversation = make_conversation(contact=contact, last_inbound_at=timezone.now())
        message = answer(before, conversation=conversation, text="<script>alert(1)</script>")
        page = act(staff, action, message)
        assert "Are you sure?" in page
        assert "&lt;script&gt;alert(1)" in page
        assert "<b>Nino" not in page
        assert "\u202e" not in page
        assert status_of(message) == before
        assert "1 message" in act(staff, action, message, post="yes")
        assert status_of(message) == after
        assert Job.objects.filter(name="send_messages").exists()
        entry = LogEntry.objects.get()
        assert entry.object_repr == f"message {message.pk}"

    @pytest.mark.parametrize("action", ["send_again", "it_arrived", "it_did_not"])
    @pytest.mark.parametrize("status", ["queued", "sending", "sent", "received"])
    def test_what_is_in_another_state_is_left_alone(
        self, staff: Client, action: str, status: str
    ) -> None:
        message = answer(status)
        assert "None of them" in act(staff, action, message, post="yes")
        assert status_of(message) == status

    def test_whoever_sends_again_becomes_the_sender(self, client: Client) -> None:
        agent = make_staff(*AGENT)
        client.force_login(agent)
        message = answer("failed")
        act(client, "send_again", message, post="yes")
        assert Message.objects.get(pk=message.pk).sent_by == agent

    def test_parts_of_one_answer_go_together(self, staff: Client) -> None:
        first = answer("failed")
        second = answer("failed", conversation=first.conversation, first_part=first, part=2)
        page = act(staff, "send_again", first, second, post="yes")
        assert status_of(first) == status_of(second) == "queued"
        assert "Only a message" not in page

    def test_after_metas_time_it_says_so(self, staff: Client) -> None:
        old = make_conversation(last_inbound_at=timezone.now() - timedelta(days=2))
        late, fine = answer("failed", conversation=old), answer("failed")
        page = act(staff, "send_again", late, fine, post="yes")
        assert "More than 24 hours have passed" in page
        assert "1 message queued again." in page
        assert (status_of(late), status_of(fine)) == ("failed", "queued")

    @pytest.mark.parametrize("perms", [("view_message",), ("view_message", "change_message")])
    def test_looking_is_not_answering(self, client: Client, perms: tuple[str, ...]) -> None:
        client.force_login(make_staff(*perms))
        failed, unknown = answer("failed"), answer("unknown")
        for action in ("send_again", "it_arrived", "it_did_not"):
            act(client, action, failed, unknown, post="yes")
        assert (status_of(failed), status_of(unknown)) == ("failed", "unknown")
        assert "Send again" not in client.get(LIST).text


class TestQueue:
    def test_the_list_says_how_sending_stands(self, staff: Client) -> None:
        answer("queued", sent_at=timezone.now() - timedelta(minutes=10))
        held = make_contact(account=make_account(status="reauth_required"))
        answer("queued", conversation=make_conversation(contact=held))
        answer("unknown")
        answer("failed")
        answer("failed", sent_at=timezone.now() - timedelta(days=8))
        page = staff.get(LIST).text
        for words in (
            "Waiting to be sent: 2",
            "Outcome unknown: 1",
            "Failed in the last seven days: 1",
            "1 of those that wait belongs",
            "10\xa0minutes ago",
            "Is the worker running?",
        ):
            assert words in page

    def test_without_any_it_says_nothing(self, staff: Client) -> None:
        make_message()
        assert "ig-standing" not in staff.get(LIST).text

    def test_what_waits_for_an_account_does_not_accuse_the_worker(self, staff: Client) -> None:
        held = make_contact(account=make_account(status="reauth_required"))
        conversation = make_conversation(contact=held)
        answer("queued", conversation=conversation, sent_at=timezone.now() - timedelta(hours=5))
        assert "worker running" not in staff.get(LIST).text

    @pytest.mark.parametrize(
        ("choice", "expected"),
        [
            ("waiting", {"queued", "sending"}),
            ("unknown", {"unknown"}),
            ("failed", {"failed"}),
            ("odd", {"queued", "sending", "unknown", "failed", "sent"}),
        ],
    )
    def test_it_can_be_filtered(self, staff: Client, choice: str, expected: set[str]) -> None:
        for status in ("queued", "sending", "unknown", "failed", "sent"):
            answer(status)
        found = staff.get(f"{LIST}?sending={choice}").context["cl"].queryset
        assert {message.status for message in found} == expected


class TestPage:
    def page(self, client: Client, message: Message) -> str:
        return client.get(f"{LIST}{message.pk}/change/").text

    def test_it_tells_the_whole_story(self, staff: Client) -> None:
        message = answer(
            "failed",
            error_code="10/2534022",
            error_text="The time has passed.",
            error_action="Wait until they write again.",
            tag="HUMAN_AGENT",
            send_policy={
                "verdict": "human_agent",
                "sentence": "A person may still answer.",
                "human_agent_until": "2026-11-30T12:00:00+00:00",
                "closes_at": "2026-11-24T12:00:00+00:00",
            },
            send_attempts=2,
            quick_replies=[{"title": "Yes", "payload": "Y"}],
        )
        second = answer("queued", conversation=message.conversation, first_part=message, part=2)
        page = self.page(staff, message)
        for words in (
            "Failed",
            "The time has passed. (10/2534022)",
            "<strong>Wait until they write again.</strong>",
            "A person may still answer (until Nov. 30, 2026",
            "HUMAN_AGENT",
            "A person",
            f"/message/{second.pk}/change/",
            "quick_replies",
        ):
            assert words in page

    def test_automation_and_senders_are_told_apart(self, staff: Client) -> None:
        assert "Automation" in self.page(staff, answer("sent", author="automation"))
        agent = make_staff()
        assert f"A person: {agent}" in self.page(staff, answer("sent", sent_by=agent))
        phone = answer("sent", author="", source="instagram_app")
        assert "Instagram app" in self.page(staff, phone)

    def test_seen_is_seen(self, staff: Client) -> None:
        message = answer("sent")
        Conversation.objects.update(customer_seen_at=message.sent_at)
        assert ">Seen<" in self.page(staff, message)

    @pytest.mark.parametrize(
        "policy", [None, {}, {"sentence": None}, {"closes_at": "soon"}, {"closes_at": 5}, []]
    )
    def test_an_odd_policy_breaks_nothing(self, staff: Client, policy: Any) -> None:
        assert "Sending" in self.page(staff, answer("queued", send_policy=policy))

    def test_words_of_others_are_text(self, staff: Client) -> None:
        harm = "<img src=x onerror=alert(1)>"
        message = answer(
            "failed",
            error_text=harm,
            error_action=harm,
            send_policy={"sentence": harm},
            template={"text": harm},
            client_reference=harm,
        )
        page = self.page(staff, message)
        assert "<img src=x" not in page


def test_the_thread_names_automation_and_the_next_step(client: Client) -> None:
    message = answer("failed", author="automation", error_text="No.", error_action="Do that.")
    client.force_login(make_superuser())
    page = client.get(
        f"/admin/social_integrations/conversation/{message.conversation_id}/change/"
    ).text
    assert "Automation" in page
    assert "Failed: No. Do that." in page
