"""Sending from the composer: what goes out, what is asked first, and that no typed text is lost."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format
from pytest_django import Settings

from social_integrations.models import ConnectedAccount, Conversation, Job, Message, Upload
from social_integrations.services.sending import policy_for
from social_integrations.tests.factories import make_account, make_message

from .world import HTMX, Person, address, answers, make_agent, newest, open_conversation

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture(autouse=True)
def _nobody_types() -> None:
    """Empty the cache, which remembers who writes."""
    cache.clear()


@pytest.fixture
def conversation() -> Conversation:
    return open_conversation()


@pytest.fixture
def agent(conversation: Conversation) -> Person:
    return Person(make_agent(), conversation)


def picture(name: str = "boots.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, PNG, content_type="image/png")


def late_answer(conversation: Conversation, **values: Any) -> Message:
    defaults = {
        "direction": "outbound",
        "source": "instagram_app",
        "text": "Yes, it is",
        "sent_at": timezone.now(),
        "status": "sent",
    }
    return make_message(conversation=conversation, **defaults | values)


def test_an_answer_is_queued_and_an_empty_composer_comes_back(
    agent: Person, conversation: Conversation
) -> None:
    response = agent.send("Yes, in red and black")
    message = conversation.messages.get(direction="outbound")
    assert (response.status_code, response.headers["HX-Trigger"]) == (200, "si:changed")
    assert (message.text, message.status, message.author) == (
        "Yes, in red and black",
        "queued",
        "human",
    )
    assert message.sent_by == agent.user
    assert Job.objects.filter(name="send_messages").exists()
    assert "Yes, in red and black" not in response.text
    assert 'data-sent="1"' in response.text


def test_without_javascript_the_browser_is_led_back(conversation: Conversation) -> None:
    plain = Person(make_agent(), conversation, htmx=False)
    response = plain.send("On its way")
    assert (response.status_code, response.headers["Location"]) == (
        303,
        address("thread", conversation.pk),
    )
    assert answers(conversation) == ["On its way"]


def test_sending_the_same_form_twice_sends_once(agent: Person, conversation: Conversation) -> None:
    for _try in range(3):
        assert agent.send("Only once").status_code == 200
    assert answers(conversation) == ["Only once"]


def test_a_text_changed_after_a_first_try_that_arrived_is_not_swallowed(
    agent: Person, conversation: Conversation
) -> None:
    agent.send("First", client_reference="same-reference")
    response = agent.send("Second", client_reference="same-reference")
    assert response.status_code == 409
    assert "An earlier version of this answer has gone out already." in response.text
    assert ">Second</textarea>" in response.text
    assert "same-reference" not in response.text
    assert answers(conversation) == ["First"]


def test_a_reference_of_another_conversation_sends_nothing_there(
    agent: Person, conversation: Conversation
) -> None:
    other = open_conversation(account=conversation.contact.account)
    Person(agent.user, other).send("Hello", client_reference="same-reference")
    response = agent.send("Hello", client_reference="same-reference")
    assert response.status_code == 409
    assert answers(conversation) == []


def test_a_long_text_is_shown_in_parts_first(agent: Person, conversation: Conversation) -> None:
    text = "სიტყვა " * 120
    response = agent.send(text)
    assert response.status_code == 409
    assert "goes out as 3 messages" in response.text
    assert 'name="parts" value="3"' in response.text
    assert response.text.count('class="si-part"') == 3
    assert "Send anyway" in response.text
    assert answers(conversation) == []
    assert agent.send(text, parts=3).status_code == 200
    assert len(answers(conversation)) == 3


def test_parts_seen_of_another_text_count_for_nothing(
    agent: Person, conversation: Conversation
) -> None:
    assert agent.send("word " * 600, parts=2).status_code == 409
    assert answers(conversation) == []


def test_the_preview_shows_the_parts(agent: Person) -> None:
    response = agent.post("preview", {"text": "word " * 300})
    assert response.text.count('class="si-part"') == 2
    assert "This goes out as 2 messages, in this order:" in response.text
    assert "si-part" not in agent.post("preview", {"text": "short"}).text
    assert agent.post("preview", {"text": ""}).text.strip() == ""


def test_the_preview_says_what_instagram_would_refuse(agent: Person) -> None:
    response = agent.post("preview", {"text": "word " * 6000})
    assert "si-parts-error" in response.text


def test_a_closed_window_keeps_the_text_and_says_why(agent: Person) -> None:
    old = timezone.now() - timedelta(hours=25)
    Conversation.objects.update(last_inbound_at=old)
    response = agent.send("Too late")
    assert response.status_code == 422
    assert "More than 24 hours have passed" in response.text
    assert "Wait until they write again." in response.text
    assert ">Too late</textarea>" in response.text
    assert '<fieldset class="si-fields" disabled>' in response.text
    assert answers(agent.conversation) == []


def test_within_seven_days_a_person_may_answer_where_meta_allows_it(
    agent: Person, settings: Settings
) -> None:
    settings.INSTAGRAM_HUMAN_AGENT = True
    Conversation.objects.update(last_inbound_at=timezone.now() - timedelta(days=3))
    assert "Human agent" in agent.post("window").text
    assert agent.send("Sorry for the wait").status_code == 200
    assert Message.objects.get(text="Sorry for the wait").tag == "HUMAN_AGENT"


def test_answers_of_an_account_on_hold_are_kept(agent: Person, conversation: Conversation) -> None:
    ConnectedAccount.objects.update(status="reauth_required")
    assert "Your answer is kept" in agent.post("window").text
    assert agent.send("Later, then").status_code == 200
    assert answers(conversation) == ["Later, then"]


def test_the_window_is_told_in_the_readers_time_zone(
    agent: Person, conversation: Conversation
) -> None:
    until = policy_for(Conversation.objects.select_related("contact__account").get()).closes_at
    agent.client.cookies["si_timezone"] = "Asia/Kathmandu"  # three quarters past the hour
    assert until is not None
    there = date_format(until.astimezone(ZoneInfo("Asia/Kathmandu")), "DATETIME_FORMAT")
    assert f">{there}</time>" in agent.post("window").text


def test_another_app_that_holds_the_conversation_is_named_with_a_way_out(
    agent: Person, conversation: Conversation
) -> None:
    Conversation.objects.update(last_standby_at=conversation.last_message_at)
    shown = agent.post("window").text
    assert "Another app connected to this Instagram account holds the conversation." in shown
    assert "Take over" in shown
    assert agent.send("Hello").status_code == 422


def test_an_answer_that_came_meanwhile_is_shown_first(
    agent: Person, conversation: Conversation
) -> None:
    seen = newest(conversation)
    colleague = make_agent(first_name="Nino", last_name="")
    late_answer(conversation, source="crm", sent_by=colleague, author="human", text="We have it")
    response = agent.send("Yes", seen=seen)
    assert response.status_code == 409
    assert "Nino has just answered." in response.text
    assert "We have it" in response.text
    assert ">Yes</textarea>" in response.text
    assert f'name="seen" value="{newest(conversation)}"' in response.text
    assert answers(conversation) == ["We have it"]
    assert agent.send("Yes", seen=newest(conversation)).status_code == 200
    assert answers(conversation) == ["We have it", "Yes"]


def test_an_answer_in_the_instagram_app_counts_too(
    agent: Person, conversation: Conversation
) -> None:
    seen = newest(conversation)
    late_answer(conversation, sent_at=timezone.now() - timedelta(minutes=5))
    # Not a plain space: numbers keep to their units.
    assert "Somebody else answered 5\xa0minutes ago." in agent.send("Yes", seen=seen).text


def test_what_is_no_colleagues_answer_stops_nobody(
    agent: Person, conversation: Conversation
) -> None:
    seen = newest(conversation)
    late_answer(conversation, source="crm", sent_by=agent.user, author="human")
    late_answer(conversation, source="crm", author="automation")
    late_answer(conversation, unsent_at=timezone.now())
    late_answer(conversation, sent_at=timezone.now() - timedelta(days=2))
    make_message(conversation=conversation, sent_at=timezone.now())
    assert agent.send("Yes", seen=seen).status_code == 200


def test_a_repeated_form_is_not_stopped_by_an_answer_after_it(
    agent: Person, conversation: Conversation
) -> None:
    seen = newest(conversation)
    agent.send("Mine", seen=seen, client_reference="same-reference")
    late_answer(conversation)
    again = agent.send("Mine", seen=seen, client_reference="same-reference")
    assert again.status_code == 200


def test_nothing_typed_says_so(agent: Person) -> None:
    response = agent.send("   ")
    assert response.status_code == 422
    assert "There is nothing to send yet. Write something, or choose a file." in response.text


def test_a_quoted_message_hangs_on_the_answer(agent: Person, conversation: Conversation) -> None:
    question = conversation.messages.get()
    agent.send("Yes", reply_to=question.pk)
    assert Message.objects.get(text="Yes").reply_to_mid == question.mid


def test_a_quote_that_was_taken_back_is_told(agent: Person, conversation: Conversation) -> None:
    question = conversation.messages.get()
    Message.objects.update(unsent_at=timezone.now())
    response = agent.send("Yes", reply_to=question.pk)
    assert response.status_code == 422
    assert "The message you quote cannot be quoted" in response.text
    assert answers(conversation) == []


def test_messages_of_other_conversations_cannot_be_quoted(agent: Person) -> None:
    other = open_conversation(account=agent.conversation.contact.account)
    response = agent.send("Yes", reply_to=other.messages.get().pk)
    assert response.status_code == 422
    assert answers(agent.conversation) == []


def test_quick_replies_go_out_with_the_text(agent: Person) -> None:
    agent.send(
        "Which size?",
        quick_reply_title=["S", "M", " ", "L"],
        quick_reply_payload=["SIZE_S", "", "", "SIZE_L"],
    )
    assert Message.objects.get(text="Which size?").quick_replies == [
        {"title": "S", "payload": "SIZE_S"},
        {"title": "M", "payload": "M"},
        {"title": "L", "payload": "SIZE_L"},
    ]


def test_quick_replies_come_back_with_an_error(agent: Person) -> None:
    response = agent.send("", quick_reply_title=["Only this"], quick_reply_payload=[""])
    assert response.status_code == 422
    assert 'value="Only this"' in response.text


def test_a_file_is_kept_and_sent(agent: Person, conversation: Conversation) -> None:
    kept = agent.post("upload", {"file": picture()}).json()
    assert (kept["name"], kept["type"]) == ("boots.png", "image")
    assert agent.send("Like these", upload=[kept["id"]]).status_code == 200
    first, second = conversation.messages.filter(direction="outbound").order_by("id")
    assert (first.kind, second.text) == ("image", "Like these")
    assert first.attachments.get().upload_id == kept["id"]


def test_a_file_instagram_refuses_is_refused_with_a_reason(agent: Person) -> None:
    page = SimpleUploadedFile("page.png", b"<html><script>alert(1)</script>", "image/png")
    response = agent.post("upload", {"file": page})
    assert response.status_code == 422
    assert response.json()["error"]
    assert agent.post("upload").status_code == 422
    assert not Upload.objects.exists()


def test_files_come_with_the_form_where_there_is_no_javascript(
    conversation: Conversation,
) -> None:
    plain = Person(make_agent(), conversation, htmx=False)
    assert plain.send("Two of them", files=[picture(), picture("b.png")]).status_code == 303
    first = conversation.messages.filter(direction="outbound").order_by("id")[0]
    assert first.attachments.count() == 2


def test_a_refused_form_keeps_its_files(conversation: Conversation) -> None:
    plain = Person(make_agent(), conversation, htmx=False)
    Conversation.objects.update(last_inbound_at=timezone.now() - timedelta(days=9))
    response = plain.send("Look", files=[picture()])
    assert response.status_code == 422
    assert f'name="upload" value="{Upload.objects.get().pk}"' in response.text
    assert "boots.png" in response.text
    assert ">Look</textarea>" in response.text


def test_files_of_colleagues_and_other_accounts_cannot_be_sent(
    agent: Person, conversation: Conversation
) -> None:
    colleague = Person(make_agent(), conversation)
    theirs = colleague.post("upload", {"file": picture()}).json()["id"]
    elsewhere = Person(agent.user, open_conversation(account=make_account()))
    other = elsewhere.post("upload", {"file": picture()}).json()["id"]
    for foreign in (theirs, other, 10**17):
        response = agent.send("Look", upload=[foreign])
        assert response.status_code == 422
        assert "A file you chose is no longer here." in response.text
    assert answers(conversation) == []


def test_somebody_signed_out_gets_their_text_back(conversation: Conversation) -> None:
    url, data = address("send", conversation.pk), {"text": f"Long answer {HOSTILE}"}
    response = Client().post(url, data)
    assert response.status_code == 401
    assert "You have been signed out" in response.text
    assert "Long answer &quot;&gt;&lt;script&gt;" in response.text
    assert Client(headers=HTMX).post(url, data).status_code == 401
    assert '<html lang="ka">' in Client(headers={"accept-language": "ka"}).post(url, data).text
    assert answers(conversation) == []


def test_a_form_of_another_site_is_refused(agent: Person, conversation: Conversation) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(agent.user)
    for name in ("send", "preview", "upload", "typing", "window"):
        assert client.post(address(name, conversation.pk), {"text": "Hi"}).status_code == 403
    assert answers(conversation) == []


def test_hostile_words_come_back_as_words(agent: Person) -> None:
    response = agent.send(HOSTILE * 40, quick_reply_title=[HOSTILE], quick_reply_payload=[HOSTILE])
    assert "<script>" not in response.text
    assert "&lt;script&gt;" in response.text


def test_typing_tells_colleagues_of_each_other(agent: Person, conversation: Conversation) -> None:
    nino = Person(make_agent(first_name="Nino"), conversation)
    seen = {"seen": newest(conversation)}
    assert "is writing" not in nino.post("typing", seen).text
    assert "Nino is writing an answer here too." in agent.post("typing", seen).text
    nino.send("Done")
    shown = agent.post("typing", seen).text
    assert "is writing" not in shown
    assert "Nino has just answered." in shown
    assert "Done" in shown


def test_typing_is_shown_to_the_customer_now_and_then(agent: Person) -> None:
    for _key in range(5):
        agent.post("typing")
    assert Job.objects.filter(name="sender_action").count() == 1


def test_odd_input_is_no_error(agent: Person) -> None:
    odd = {"seen": "x", "parts": "-1", "reply_to": "1e9", "upload": ["", "\u0661"], "text": "Fine"}
    assert agent.post("send", odd | {"client_reference": "<>"}).status_code == 200
