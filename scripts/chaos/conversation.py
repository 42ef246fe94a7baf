"""A conversation with everything in it: all fixtures, and a thread with changes of mind."""

from dataclasses import replace
from typing import Any

from scripts.chaos.sender import Delivery, delivery
from social_integrations.tests.payloads import (
    ACCOUNT_ID,
    CUSTOMER_ID,
    SENT_AT,
    encode,
    load,
    names,
    text_payload,
)

FIRST_ACCOUNT = 17841455501240000
EVERY = 0.02
"""Seconds between deliveries told in order: each is answered before the next one comes."""
TURNS = 6
# Whose account it is, is the point of these.
OTHERS = frozenset({"unknown_account", "test_button", "messenger_page"})


def account_ids(count: int) -> list[str]:
    """Return ids of accounts that hear the conversation."""
    return [str(FIRST_ACCOUNT + number) for number in range(count)]


def told_in_order(account_id: str) -> list[Delivery]:
    """Return the conversation as Meta delivers it on a good day, to this account."""
    told = [Delivery(_to(account_id, encode(payload)), ()) for payload in _fixtures()]
    for turn in range(TURNS):
        told += [delivery(_to(account_id, encode(payload))) for payload in _turn(turn)]
    return [replace(one, at=number * EVERY) for number, one in enumerate(told)]


def _fixtures() -> list[Any]:
    return [load(name) for name in names() if name not in OTHERS]


def _to(account_id: str, body: bytes) -> bytes:
    return body.replace(ACCOUNT_ID.encode(), account_id.encode())


def _turn(number: int) -> list[dict[str, Any]]:
    """Return a message, an answer, and what people do to messages afterwards."""
    # The account's id makes the ids unique; it is taken out again before states are compared.
    asked, answered = f"chaos-{ACCOUNT_ID}-{number}-q", f"chaos-{ACCOUNT_ID}-{number}-a"
    clock = iter(range(SENT_AT + number * 100_000, SENT_AT + (number + 1) * 100_000, 1000))

    def event(**content: Any) -> dict[str, Any]:
        payload = text_payload("", timestamp=next(clock))
        item = payload["entry"][0]["messaging"][0]
        del item["message"]
        item.update(content)
        return payload

    echo = event(message={"mid": answered, "text": "An answer", "is_echo": True})
    item = echo["entry"][0]["messaging"][0]
    item["sender"], item["recipient"] = {"id": ACCOUNT_ID}, {"id": CUSTOMER_ID}
    told = [
        event(message={"mid": asked, "text": f"Question {number}"}),
        echo,
        event(read={"mid": answered}),
        event(reaction={"mid": answered, "action": "react", "reaction": "love", "emoji": "❤"}),
        event(reaction={"mid": answered, "action": "unreact"}),
        event(message_edit={"mid": asked, "text": f"Question {number}!", "num_edit": 1}),
        event(message_edit={"mid": asked, "text": f"Question {number}?", "num_edit": 2}),
    ]
    if number % 3 == 0:
        told.append(event(message={"mid": asked, "is_deleted": True}))
    return told
