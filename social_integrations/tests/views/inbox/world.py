"""A conversation one may answer in, and the people around it."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from social_integrations.models import Conversation, Message
from social_integrations.tests.factories import (
    make_account,
    make_contact,
    make_conversation,
    make_message,
    make_staff,
)

AGENT = (
    "view_connectedaccount",
    "view_conversation",
    "change_conversation",
    "view_contact",
    "view_message",
    "add_message",
    "view_note",
    "add_note",
)
READER = ("view_connectedaccount", "view_conversation", "view_message")
HTMX = {"HX-Request": "true"}


def make_agent(**values: Any) -> User:
    agent = make_staff(*AGENT)
    for name, value in values.items():
        setattr(agent, name, value)
    agent.save()
    return agent


def make_reader() -> User:
    return make_staff(*READER)


def open_conversation(**values: Any) -> Conversation:
    """Return a conversation the customer wrote in an hour ago."""
    ago = timezone.now() - timedelta(hours=values.pop("hours", 1))
    account = values.pop("account", None) or make_account()
    contact = make_contact(account=account, name=values.pop("name", "Tamar"))
    defaults = {"last_message_at": ago, "last_inbound_at": ago}
    conversation = make_conversation(contact=contact, **defaults | values)
    make_message(conversation=conversation, sent_at=ago, received_at=ago, text="Is it in stock?")
    return conversation


def address(name: str, *keys: int) -> str:
    return reverse(f"instagram_inbox:{name}", args=keys)


def answers(conversation: Conversation) -> list[str]:
    """Return the texts that went into the queue, in order."""
    sent = conversation.messages.filter(direction=Message.Direction.OUTBOUND)
    return list(sent.order_by("id").values_list("text", flat=True))


def newest(conversation: Conversation) -> int:
    return max(conversation.messages.values_list("pk", flat=True))


class Person:
    """A signed-in person whose browser sends the inbox's forms, with htmx or without."""

    def __init__(self, user: User, conversation: Conversation, *, htmx: bool = True) -> None:
        self.user, self.conversation = user, conversation
        self.client = Client(headers=HTMX if htmx else {})
        self.client.force_login(user)

    def post(self, name: str, data: dict[str, Any] | None = None, *keys: int) -> Any:
        return self.client.post(address(name, self.conversation.pk, *keys), data or {})

    def send(self, text: str, **more: Any) -> Any:
        data = {
            "text": text,
            "seen": newest(self.conversation),
            "client_reference": f"reference-of-{self.user.pk}-{text[:20].encode().hex()}"[:64],
        }
        return self.post("send", data | more)
