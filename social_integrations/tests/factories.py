"""One builder per model: valid rows with as little as a test wants to say."""

from datetime import UTC, datetime, time
from itertools import count
from typing import Any
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile

from social_integrations.models import (
    Attachment,
    AwayMessage,
    CannedReply,
    ConnectedAccount,
    Contact,
    Conversation,
    DeletionRequest,
    IceBreaker,
    Job,
    MenuEntry,
    Message,
    MessengerProfile,
    Note,
    OpeningHours,
    PrivateReply,
    Reconciliation,
    Upload,
    WebhookEvent,
)

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_numbers = count(1)


def make_account(**values: Any) -> ConnectedAccount:
    number = next(_numbers)
    defaults = {
        "instagram_account_id": f"1784140{number:010}",
        "username": f"shop{number}",
        "name": f"Shop {number}",
        "access_token": f"token-of-shop-{number}",
        "connected_at": NOON,
        "webhook_subscribed_at": NOON,
    }
    return ConnectedAccount.objects.create(**defaults | values)


def make_contact(**values: Any) -> Contact:
    number = next(_numbers)
    account = values.pop("account", None) or make_account()
    defaults = {"igsid": f"9000{number:012}", "username": f"person{number}", "name": ""}
    return Contact.objects.create(account=account, **defaults | values)


def make_conversation(**values: Any) -> Conversation:
    contact = values.pop("contact", None) or make_contact()
    return Conversation.objects.create(contact=contact, **{"last_message_at": NOON} | values)


def make_message(**values: Any) -> Message:
    conversation = values.pop("conversation", None) or make_conversation()
    defaults = {
        "account": conversation.contact.account,
        "mid": f"mid-{next(_numbers)}",
        "direction": Message.Direction.INBOUND,
        "source": Message.Source.CUSTOMER,
        "kind": "text",
        "text": "Good morning",
        "sent_at": NOON,
        "received_at": NOON,
    }
    return Message.objects.create(conversation=conversation, **defaults | values)


def make_attachment(message: Message, **values: Any) -> Attachment:
    defaults = {"type": "image", "url": "https://cdn.example/picture.jpg"}
    return Attachment.objects.create(message=message, **defaults | values)


def make_upload(**values: Any) -> Upload:
    """Return an upload with a file that has no content worth mentioning."""
    account = values.pop("account", None) or make_account()
    content = values.pop("content", b"\xff\xd8\xff\xe0 picture")
    defaults = {"name": "boots.jpg", "type": "image", "content_type": "image/jpeg"}
    upload = Upload(account=account, size=len(content), **defaults | values)
    upload.file.save("boots.jpg", ContentFile(content), save=True)
    return upload


def make_event(**values: Any) -> WebhookEvent:
    number = next(_numbers)
    defaults = {
        "delivery_id": uuid4(),
        "position": 0,
        "received_at": NOON,
        "instagram_account_id": "17841400000000001",
        "wrapper": "messaging",
        "kind": "message",
        "event_key": f"{number:032}",
        "payload": {"message": {"mid": f"mid-{number}"}},
    }
    return WebhookEvent.objects.create(**defaults | values)


def make_canned_reply(**values: Any) -> CannedReply:
    number = next(_numbers)
    defaults = {"shortcut": f"hello-{number}", "title": "Greeting", "text": "Hello {{ name }}"}
    return CannedReply.objects.create(**defaults | values)


def make_job(**values: Any) -> Job:
    return Job.objects.create(**{"name": "fetch_profile", "due_at": NOON} | values)


def make_deletion_request(**values: Any) -> DeletionRequest:
    number = next(_numbers)
    defaults = {
        "confirmation_code": f"{number:032}".replace("0", "A").replace("1", "B"),
        "user_id": f"user-{number}",
        "user_hash": f"{number:064}",
        "state": DeletionRequest.State.NEEDS_PERSON,
        "received_at": NOON,
    }
    return DeletionRequest.objects.create(**defaults | values)


def make_reconciliation(**values: Any) -> Reconciliation:
    account = values.pop("account", None) or make_account()
    defaults = {"reason": "schedule", "state": "done", "started_at": NOON}
    return Reconciliation.objects.create(account=account, **defaults | values)


def make_user(**values: Any) -> User:
    defaults = {"username": f"user{next(_numbers)}", "password": "correct horse battery"}
    return get_user_model().objects.create_user(**defaults | values)


def make_staff(*perms: str) -> User:
    """Return a staff user with the permissions, named as `view_message`."""
    user = make_user(is_staff=True)
    found = Permission.objects.filter(
        content_type__app_label="social_integrations", codename__in=perms
    )
    assert len(found) == len(perms), perms
    user.user_permissions.set(found)
    return user


def make_superuser() -> User:
    return make_user(is_staff=True, is_superuser=True)


def make_away_message(*hours: tuple[int, str, str], **values: Any) -> AwayMessage:
    """Return one that is switched on; each of `hours` is a weekday (0: Monday), from and to."""
    account = values.pop("account", None) or make_account()
    defaults = {"enabled": True, "text": "We are away. This is an automatic answer."}
    away = AwayMessage.objects.create(account=account, **defaults | values)
    for weekday, opens, closes in hours:
        OpeningHours.objects.create(
            away_message=away,
            weekday=weekday,
            opens=time.fromisoformat(opens),
            closes=time.fromisoformat(closes),
        )
    return away


def make_messenger_profile(**values: Any) -> MessengerProfile:
    """Return one with a question and two menu entries."""
    account = values.pop("account", None) or make_account()
    profile = MessengerProfile.objects.create(account=account, **values)
    IceBreaker.objects.create(profile=profile, question="When are you open?", payload="HOURS")
    MenuEntry.objects.create(profile=profile, title="Talk to us", payload="AGENT")
    MenuEntry.objects.create(
        profile=profile, type="web_url", title="Shop", url="https://shop.example/", position=2
    )
    return profile


def make_note(**values: Any) -> Note:
    conversation = values.pop("conversation", None) or make_conversation()
    return Note.objects.create(conversation=conversation, **{"text": "Calls on Monday"} | values)


def make_private_reply(**values: Any) -> PrivateReply:
    account = values.pop("account", None) or make_account()
    defaults = {"comment_id": f"1791111{next(_numbers):010}", "text": "Sent you the details"}
    return PrivateReply.objects.create(account=account, **defaults | values)
