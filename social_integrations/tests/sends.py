"""Shared by the tests of sending: conversations whose window is open, and Meta's answers."""

import json
from datetime import timedelta
from typing import Any

from django.utils import timezone
from requests import PreparedRequest

from social_integrations.models import ConnectedAccount, Conversation, Job, Message
from social_integrations.services import sending
from social_integrations.services.applying import apply_pending
from social_integrations.services.drafts import Draft
from social_integrations.services.intake import store_delivery
from social_integrations.tests.factories import make_account, make_contact, make_message
from social_integrations.tests.graph.answers import FakeMeta
from social_integrations.tests.payloads import ACCOUNT_ID, CUSTOMER_ID, encode

MESSAGES = "me/messages"


def open_conversation(account: ConnectedAccount | None = None, **values: Any) -> Conversation:
    """Return a conversation in which the customer has just written."""
    account = account or make_account(instagram_account_id=ACCOUNT_ID, page_id="700100200301")
    contact = make_contact(account=account, igsid=values.pop("igsid", CUSTOMER_ID))
    now = timezone.now()
    clocks = {"last_inbound_at": now, "last_message_at": now}
    conversation = Conversation.objects.create(contact=contact, **clocks | values)
    make_message(conversation=conversation, sent_at=now, received_at=now)
    return conversation


def queue(conversation: Conversation, text: str = "On its way", **more: Any) -> Message:
    """Queue one message."""
    return sending.send(conversation=conversation, draft=Draft(text=text), **more)[0]


def accept(meta: FakeMeta, mid: str = "m-sent") -> None:
    """Let Meta take a message."""
    meta.answer("POST", MESSAGES, {"recipient_id": CUSTOMER_ID, "message_id": mid})


def refuse(
    meta: FakeMeta, code: int, subcode: int | None = None, path: str = MESSAGES, **more: Any
) -> None:
    """Let Meta refuse a call."""
    error = {"message": "Refused", "type": "IGApiException", "code": code}
    if subcode:
        error["error_subcode"] = subcode
    meta.answer("POST", path, {"error": error}, status=400, **more)


def body_of(request: PreparedRequest) -> dict[str, Any]:
    """Return the JSON a call carried."""
    assert request.body is not None
    found = json.loads(request.body)
    assert isinstance(found, dict)
    return found


def fresh(message: Message) -> Message:
    """Return the row as it stands."""
    return Message.objects.get(pk=message.pk)


def echo(mid: str, text: str = "On its way", **content: Any) -> None:
    """Deliver the echo of a message, and apply it."""
    deliver_item(
        {
            "sender": {"id": ACCOUNT_ID},
            "recipient": {"id": CUSTOMER_ID},
            "timestamp": int(timezone.now().timestamp() * 1000),
            "message": {"mid": mid, "text": text, "is_echo": True} | content,
        }
    )


def deliver_item(item: dict[str, Any]) -> None:
    """Deliver a messaging item, and apply it."""
    entry = {"id": ACCOUNT_ID, "time": 1, "messaging": [item]}
    store_delivery(encode({"object": "instagram", "entry": [entry]}))
    while apply_pending():
        pass


def age(message: Message, **by: float) -> None:
    """Let a message's call have begun so long ago."""
    began = timezone.now() - timedelta(**by)
    Message.objects.filter(pk=message.pk).update(send_started_at=began)


def jobs_named(name: str) -> list[dict[str, Any]]:
    """Return the payloads of the jobs of a name, oldest first."""
    return [job.payload for job in Job.objects.filter(name=name).order_by("id")]
