"""What shows in a conversation moves its `changed_at`; a later message opens a closed one again."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from social_integrations.models import ConnectedAccount, Conversation, WebhookEvent
from social_integrations.services.applying import apply_pending, requeue
from social_integrations.services.intake import store_delivery
from social_integrations.tests.factories import make_account
from social_integrations.tests.payloads import ACCOUNT_ID, CUSTOMER_ID, encode

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LONG_AGO = START - timedelta(days=30)


@pytest.fixture(autouse=True)
def account() -> ConnectedAccount:
    return make_account(instagram_account_id=ACCOUNT_ID)


def item(minutes: int = 0, *, echo: bool = False, **content: Any) -> dict[str, Any]:
    sender, recipient = (ACCOUNT_ID, CUSTOMER_ID) if echo else (CUSTOMER_ID, ACCOUNT_ID)
    at = START + timedelta(minutes=minutes)
    parties = {"sender": {"id": sender}, "recipient": {"id": recipient}}
    return {**parties, "timestamp": int(at.timestamp() * 1000), **content}


def text(minutes: int, *, echo: bool = False) -> dict[str, Any]:
    message = {"mid": f"m-{minutes}", "text": "Hello"} | ({"is_echo": True} if echo else {})
    return item(minutes, echo=echo, message=message)


def deliver(*items: dict[str, Any], wrapper: str = "messaging") -> None:
    entry = {"id": ACCOUNT_ID, "time": 1, wrapper: list(items)}
    store_delivery(encode({"object": "instagram", "entry": [entry]}))
    while apply_pending():
        pass


def closed(at_minute: int) -> None:
    at = START + timedelta(minutes=at_minute)
    Conversation.objects.update(status="closed", closed_at=at)


CHANGES: dict[str, dict[str, Any]] = {
    "message": text(5),
    "echo": text(6, echo=True),
    "edit": item(7, message_edit={"mid": "m-0", "text": "Hello!", "num_edit": 1}),
    "reaction": item(8, reaction={"mid": "m-0", "action": "react", "emoji": "❤"}),
    "unsend": item(9, message={"mid": "m-0", "is_deleted": True}),
    "seen": item(10, read={"mid": "m-1"}),
    "handover": item(11, pass_thread_control={"new_owner_app_id": "222"}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_shown_is_noted_and_a_repetition_is_none(name: str) -> None:
    deliver(text(0), text(1, echo=True))
    Conversation.objects.update(changed_at=LONG_AGO)
    deliver(CHANGES[name])
    changed_at = Conversation.objects.get().changed_at
    assert changed_at
    assert changed_at > LONG_AGO
    Conversation.objects.update(changed_at=LONG_AGO)
    requeue(WebhookEvent.objects.all())
    while apply_pending():
        pass
    assert Conversation.objects.get().changed_at == LONG_AGO


@pytest.mark.parametrize(
    ("later", "status"),
    [
        (text(5), "open"),
        (item(5, postback={"mid": "m-5", "title": "Hours", "payload": "H"}), "open"),
        (text(2), "closed"),
        (text(5, echo=True), "closed"),
        (item(5, referral={"ref": "poster", "source": "SHORTLINK"}), "closed"),
        (item(5, reaction={"mid": "m-0", "action": "react", "emoji": "❤"}), "closed"),
    ],
)
def test_only_a_later_word_of_the_customer_opens_it_again(
    later: dict[str, Any], status: str
) -> None:
    deliver(text(0))
    closed(3)
    deliver(later)
    assert Conversation.objects.get().status == status


@pytest.mark.parametrize("order", list(permutations([text(1), text(2), text(5)])))
def test_whatever_the_order(order: tuple[dict[str, Any], ...]) -> None:
    deliver(text(0))
    closed(3)
    for one in order:
        deliver(one)
    assert Conversation.objects.get().status == "open"


def test_closed_later_it_stays_closed_when_old_items_are_applied_again() -> None:
    deliver(text(0), text(5))
    closed(9)
    requeue(WebhookEvent.objects.all())
    while apply_pending():
        pass
    assert Conversation.objects.get().status == "closed"
