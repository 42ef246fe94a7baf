"""One row for what we send, whichever comes first: Meta's answer or the echo."""

from itertools import permutations
from typing import Any

import pytest

from social_integrations.models import ConnectedAccount, Conversation, Message
from social_integrations.services.applying import apply_pending
from social_integrations.services.intake import store_delivery
from social_integrations.services.outbound import confirm_sent
from social_integrations.tests.conversations import canonical
from social_integrations.tests.factories import make_account, make_contact, make_message
from social_integrations.tests.payloads import ACCOUNT_ID, CUSTOMER_ID, encode, load

pytestmark = pytest.mark.django_db

MID = "m-005"  # of the fixture `echo`


@pytest.fixture
def account() -> ConnectedAccount:
    return make_account(instagram_account_id=ACCOUNT_ID)


def send(account: ConnectedAccount, **values: Any) -> Message:
    """A message of ours whose call to Meta is under way."""
    contact = make_contact(account=account, igsid=CUSTOMER_ID)
    conversation = Conversation.objects.create(contact=contact)
    defaults = {
        "mid": None,
        "text": "On its way",
        "direction": "outbound",
        "source": "crm",
        "status": "sending",
        "sent_at": "2026-11-22T09:33:00Z",
    }
    return make_message(conversation=conversation, **defaults | values)


def receive(*names: str) -> None:
    for name in names:
        store_delivery(encode(load(name)))
    while apply_pending():
        pass


STEPS = ("answer", "echo", "reaction", "seen")


@pytest.mark.parametrize("order", list(permutations(STEPS)))
@pytest.mark.parametrize("text", ["On its way", "What we asked Meta to send"])
def test_answer_echo_and_what_follows_in_any_order(
    account: ConnectedAccount, order: tuple[str, ...], text: str
) -> None:
    ours = send(account, text=text)
    for step in order:
        if step == "answer":
            confirm_sent(message_id=ours.pk, mid=MID)
        else:
            receive(step)
    message = Message.objects.get()
    assert (message.pk, message.mid, message.text) == (ours.pk, MID, text)
    assert (message.source, message.delivery_status) == ("crm", "seen")
    assert message.reactions.count() == 1
    assert b"2026-11-22T09:33:20.111Z" in canonical()


def test_without_any_answer_the_echo_settles_it(account: ConnectedAccount) -> None:
    ours = send(account, status="unknown")
    receive("echo", "echo")
    message = Message.objects.get()
    assert (message.pk, message.mid, message.status) == (ours.pk, MID, "sent")


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "Something else"},
        {"sent_at": "2026-11-22T08:00:00Z"},
        {"status": "failed"},
        {"mid": "m-other", "status": "sent"},
    ],
)
def test_an_echo_of_something_else_is_a_message_of_its_own(
    account: ConnectedAccount, changes: dict[str, Any]
) -> None:
    send(account, **changes)
    receive("echo")
    assert Message.objects.count() == 2


def test_one_echo_settles_one_of_two_equal_messages(account: ConnectedAccount) -> None:
    first = send(account)
    second = make_message(
        conversation=first.conversation,
        mid=None,
        text=first.text,
        direction="outbound",
        source="crm",
        status="sending",
        sent_at=first.sent_at,
    )
    receive("echo")
    assert Message.objects.get(mid=MID).pk == first.pk
    assert Message.objects.get(mid=None).pk == second.pk


def test_an_erased_message_is_no_trouble() -> None:
    assert confirm_sent(message_id=1, mid=MID) is None
