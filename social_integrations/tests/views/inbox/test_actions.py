"""Assigning, closing, reading, retrying, settling, reacting, notes and the host's record."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from social_integrations import signals
from social_integrations.access import AccessPolicy
from social_integrations.models import ConnectedAccount, Conversation, Job, Note, Reaction
from social_integrations.services.colleagues import person_name
from social_integrations.tests.factories import make_message, make_superuser, make_user

from .world import HTMX, Person, address, make_agent, make_reader, open_conversation

pytestmark = pytest.mark.django_db

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def conversation() -> Conversation:
    return open_conversation()


@pytest.fixture
def agent(conversation: Conversation) -> Person:
    return Person(make_agent(), conversation)


def ours(conversation: Conversation, **values: Any) -> Any:
    defaults = {"direction": "outbound", "source": "crm", "author": "human", "text": "Ours"}
    return make_message(conversation=conversation, sent_at=timezone.now(), **defaults | values)


def test_a_conversation_is_given_to_oneself_a_colleague_and_nobody(
    agent: Person, conversation: Conversation
) -> None:
    told: list[Any] = []
    signals.conversation_assigned.connect(
        lambda **given: told.append(given["assigned_to"]), weak=False, dispatch_uid="test-assigned"
    )
    colleague = make_agent(first_name="Nino")
    for wanted, expected in (("me", agent.user), (str(colleague.pk), colleague), ("nobody", None)):
        response = agent.post("assign", {"to": wanted})
        conversation.refresh_from_db()
        assert (response.status_code, conversation.assigned_to) == (200, expected)
        assert response.headers["HX-Trigger"] == "si:changed"
    signals.conversation_assigned.disconnect(dispatch_uid="test-assigned")


def test_the_choice_names_colleagues_who_may_read_here(
    agent: Person, conversation: Conversation
) -> None:
    make_agent(first_name="Nino", last_name=HOSTILE[:20])
    make_user(first_name="Stranger")
    make_agent(first_name="Gone", is_active=False)
    make_superuser()
    shown = agent.post("status", {"status": "open"}).text
    assert "Nino &lt;img" in shown
    assert "Stranger" not in shown
    assert "Gone" not in shown


def test_a_colleague_without_a_full_name_has_the_user_name() -> None:
    assert person_name(make_agent(first_name="Nino", last_name="B")) == "Nino B"
    assert person_name(make_agent(username="nino.b")) == "nino.b"
    # What Django's AbstractBaseUser has.
    assert person_name(SimpleNamespace(get_username=lambda: "nino@shop.example")) == (
        "nino@shop.example"
    )


def test_nobody_who_may_not_read_here_is_given_it(
    agent: Person, conversation: Conversation
) -> None:
    for wanted in (str(make_user().pk), "0", "x", "", "9" * 30):
        response = agent.post("assign", {"to": wanted})
        assert response.status_code == 422
        assert "si-said-problem" in response.text
    conversation.refresh_from_db()
    assert conversation.assigned_to is None


def test_closing_and_opening(agent: Person, conversation: Conversation) -> None:
    assert "Open again" in agent.post("status", {"status": "closed"}).text
    conversation.refresh_from_db()
    assert conversation.status == "closed"
    agent.post("status", {"status": "open"})
    conversation.refresh_from_db()
    assert conversation.status == "open"
    assert agent.post("status", {"status": "gone"}).status_code == 422


def test_reading_and_marking_as_unread(agent: Person, conversation: Conversation) -> None:
    agent.post("read")
    conversation.refresh_from_db()
    assert conversation.staff_read_at is not None
    assert conversation.last_inbound_at is not None
    assert conversation.staff_read_at >= conversation.last_inbound_at
    agent.post("read", {"state": "unread"})
    conversation.refresh_from_db()
    assert conversation.staff_read_at < conversation.last_inbound_at


def test_the_customer_sees_that_whoever_may_answer_has_read(conversation: Conversation) -> None:
    Person(make_reader(), conversation).post("read")
    assert not Job.objects.exists()
    Conversation.objects.update(staff_read_at=None)
    for _ in range(2):
        Person(make_agent(), conversation).post("read")
    seen = {"conversation": conversation.pk, "action": "mark_seen"}
    (payload,) = Job.objects.values_list("payload", flat=True)
    assert payload.items() >= seen.items()


def test_only_a_reaction_of_ours_can_be_taken_back(
    agent: Person, conversation: Conversation
) -> None:
    message, page = conversation.messages.get(), address("thread", conversation.pk)
    message.reactions.create(actor_id=conversation.contact.igsid, emoji="🔥")
    assert "Take it back" not in agent.client.get(page).text
    message.reactions.create(actor_id=message.account.instagram_account_id, emoji="❤️")
    assert "Take it back" in agent.client.get(page).text


def test_a_failed_message_is_tried_again(agent: Person, conversation: Conversation) -> None:
    failed = ours(conversation, status="failed", error_text="It broke")
    response = agent.post("retry", {}, failed.pk)
    failed.refresh_from_db()
    assert (response.status_code, failed.status) == (200, "queued")
    again = agent.post("retry", {}, failed.pk)
    assert again.status_code == 422
    assert "si-said-problem" in again.text


def test_a_failed_message_is_not_tried_once_the_time_is_over(
    agent: Person, conversation: Conversation
) -> None:
    failed = ours(conversation, status="failed")
    Conversation.objects.update(last_inbound_at=timezone.now() - timedelta(days=9))
    response = agent.post("retry", {}, failed.pk)
    assert "More than 24 hours have passed" in response.text
    failed.refresh_from_db()
    assert failed.status == "failed"


@pytest.mark.parametrize(("arrived", "status"), [("yes", "sent"), ("no", "queued")])
def test_an_unknown_outcome_is_settled_by_a_person(
    agent: Person, conversation: Conversation, arrived: str, status: str
) -> None:
    unknown = ours(conversation, status="unknown", mid=None)
    assert agent.post("settle", {"arrived": arrived}, unknown.pk).status_code == 200
    unknown.refresh_from_db()
    assert unknown.status == status
    assert agent.post("settle", {"arrived": arrived}, unknown.pk).status_code == 422


def test_settling_without_an_answer_does_not_count_as_arrived(
    agent: Person, conversation: Conversation
) -> None:
    unknown = ours(conversation, status="unknown", mid=None)
    assert agent.post("settle", {}, unknown.pk).status_code == 422
    unknown.refresh_from_db()
    assert unknown.status == "unknown"


def test_reacting_and_taking_it_back(agent: Person, conversation: Conversation) -> None:
    message = conversation.messages.get()
    assert agent.post("react", {"emoji": "❤️"}, message.pk).status_code == 200
    assert Reaction.objects.get().emoji == "❤️"
    agent.post("react", {"emoji": ""}, message.pk)
    assert Reaction.objects.get().removed_at is not None


def test_an_emoji_facebook_login_does_not_take_is_told(
    agent: Person, conversation: Conversation
) -> None:
    ConnectedAccount.objects.update(login="facebook")
    response = agent.post("react", {"emoji": "🔥"}, conversation.messages.get().pk)
    assert response.status_code == 422
    assert "takes only ❤" in response.text


def test_a_conversation_is_taken_over_by_the_worker(agent: Person) -> None:
    ConnectedAccount.objects.update(login="facebook")
    assert "Instagram has been asked." in agent.post("take-over").text
    assert Job.objects.filter(name="take_over").exists()
    ConnectedAccount.objects.update(login="instagram")
    assert agent.post("take-over").status_code == 422


def test_a_note_is_kept_and_never_sent(agent: Person, conversation: Conversation) -> None:
    response = agent.post("note", {"note": f"Regular customer {HOSTILE}"})
    note = Note.objects.get()
    assert (response.status_code, note.author, note.conversation) == (200, agent.user, conversation)
    assert response.headers["HX-Trigger"] == "si:changed"
    assert not conversation.messages.filter(direction="outbound").exists()
    shown = agent.client.get(address("thread", conversation.pk)).text
    assert "Regular customer &lt;img" in shown
    assert HOSTILE not in shown


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 5001])
def test_a_note_that_cannot_be_kept_comes_back(agent: Person, text: str) -> None:
    response = agent.post("note", {"note": text})
    assert response.status_code == 422
    assert "<details" in response.text
    assert " open>" in response.text
    assert f">{text}</textarea>" in response.text
    assert not Note.objects.exists()


def test_the_reference_of_the_crm_is_set_by_hand(agent: Person, conversation: Conversation) -> None:
    response = agent.post("reference", {"crm_reference": f" C-\x0017 \n{HOSTILE}"})
    conversation.contact.refresh_from_db()
    assert conversation.contact.crm_reference == f"C-17 {HOSTILE}"
    assert "C-17 &lt;img" in response.text
    agent.post("reference", {"crm_reference": ""})
    conversation.contact.refresh_from_db()
    assert conversation.contact.crm_reference == ""


ACTIONS = {
    "send": {"text": "Hi"},
    "preview": {},
    "upload": {},
    "typing": {},
    "window": {},
    "note": {"note": "Hi"},
    "assign": {"to": "me"},
    "status": {"status": "closed"},
    "read": {},
    "reference": {},
    "take-over": {},
    "retry": {},
    "settle": {"arrived": "yes"},
    "react": {"emoji": "❤️"},
}
OF_MESSAGES = {"retry", "settle", "react"}
FOR_READERS = {"read"}
WITH_A_PAGE = {"upload", "preview", "typing", "window", "send"}


def keys(name: str, conversation: Conversation) -> list[int]:
    return [conversation.messages.get().pk] if name in OF_MESSAGES else []


@pytest.mark.parametrize("name", ACTIONS)
def test_who_gets_in(name: str, conversation: Conversation) -> None:
    more = keys(name, conversation)
    url = address(name, conversation.pk, *more)
    assert Client(headers=HTMX).post(url, ACTIONS[name]).status_code == 401
    reader = Person(make_reader(), conversation).post(name, ACTIONS[name], *more)
    assert reader.status_code == (204 if name in FOR_READERS else 403)
    assert Person(make_user(), conversation).post(name, ACTIONS[name], *more).status_code == 404
    agent = Person(make_agent(), conversation)
    assert agent.client.get(url).status_code == 405
    missing = agent.client.post(address(name, 10**9, *more), ACTIONS[name])
    assert missing.status_code == 404
    answer = agent.post(name, ACTIONS[name], *more)
    assert answer.status_code in (200, 204, 422)
    assert "no-store" in answer.headers["Cache-Control"]
    assert Client(enforce_csrf_checks=True).post(url, ACTIONS[name]).status_code == 403


@pytest.mark.parametrize("name", sorted(OF_MESSAGES))
def test_messages_of_other_conversations_do_not_exist_here(
    agent: Person, conversation: Conversation, name: str
) -> None:
    other = open_conversation(account=conversation.contact.account).messages.get()
    assert agent.post(name, ACTIONS[name], other.pk).status_code == 404


@pytest.mark.parametrize(
    "name", sorted(set(ACTIONS) - {"upload", "preview", "typing", "window", "send"})
)
def test_without_javascript_everything_leads_back(name: str, conversation: Conversation) -> None:
    plain = Person(make_agent(), conversation, htmx=False)
    response = plain.post(name, ACTIONS[name], *keys(name, conversation))
    assert (response.status_code, response.headers["Location"]) == (
        303,
        address("thread", conversation.pk),
    )


class OnlyNinos(AccessPolicy):
    """A host's policy: conversations are for people called Nino."""

    def may_be_assigned(self, user: Any, conversation: Conversation) -> bool:
        return bool(user.first_name == "Nino")


def test_a_policy_of_the_hosts_own_says_who_may_be_given_a_conversation(
    agent: Person, conversation: Conversation, settings: Any
) -> None:
    settings.INSTAGRAM_ACCESS_POLICY = f"{__name__}.OnlyNinos"
    make_agent(first_name="Nino")
    make_agent(first_name="Giorgi")
    shown = agent.post("status", {"status": "open"}).text
    assert "Nino" in shown
    assert "Giorgi" not in shown
