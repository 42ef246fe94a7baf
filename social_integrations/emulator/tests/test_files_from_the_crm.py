"""The app and the emulator over HTTP: every file we take, the emulator's table takes as well."""

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from social_integrations.models import Conversation, Message
from social_integrations.services import uploads
from social_integrations.services.delivering import deliver
from social_integrations.services.drafts import Draft, OutgoingFile
from social_integrations.services.sending import send
from social_integrations.tests.factories import make_account, make_contact, make_conversation

from .conftest import Client, Crm, echoes, hear, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

MP4 = b"\0\0\0\x18ftypmp42\0\0"
FILES = {
    "a.jpg": b"\xff\xd8\xff\xe0",
    "a.png": b"\x89PNG\r\n\x1a\n",
    "a.gif": b"GIF89a",
    "a.mp4": MP4,
    "a.mov": b"\0\0\0\x14ftypqt  ",
    "a.webm": b"\x1aE\xdf\xa3\x9f\x42\x82\x84webm",
    "a.avi": b"RIFF\x10\0\0\0AVI LIST",
    "a.ogv": b"OggS\0\x02" + b"\0" * 22 + b"\x80theora",
    "a.m4a": b"\0\0\0\x18ftypM4A ",
    "memo.m4a": MP4,
    "a.aac": b"\xff\xf1P\x80",
    "a.wav": b"RIFF\x10\0\0\0WAVEfmt ",
    "a.pdf": b"%PDF-1.7\n",
}


@pytest.fixture
def conversation(client: Client, live_server: LiveServer, settings: Settings) -> Conversation:
    """A customer of the emulator's, who has just written to an account of the app's."""
    page = client.subscribe()
    igsid = hear(client)["igsid"]
    settings.INSTAGRAM_PUBLIC_URL = live_server.url
    settings.INSTAGRAM_FACEBOOK_GRAPH_URL = client.running.url
    settings.INSTAGRAM_APP_SECRET = ["app-secret"]
    account = make_account(
        page_id=page["id"], access_token=page["access_token"], granted_scopes=["pages_messaging"]
    )
    contact = make_contact(account=account, igsid=igsid)
    return make_conversation(contact=contact, last_inbound_at=timezone.now())


def chosen(conversation: Conversation, name: str) -> OutgoingFile:
    content = ContentFile(FILES[name] + b"x" * 100)
    account = conversation.contact.account
    upload = uploads.store(account=account, file=content, name=name, uploaded_by=None)
    return OutgoingFile(type=upload.type, upload_id=upload.pk)


def delivered(conversation: Conversation, **draft: Any) -> list[tuple[str, str, str]]:
    messages = send(conversation=conversation, draft=Draft(**draft))
    deliver(conversation_id=conversation.pk)
    rows = Message.objects.filter(pk__in=[message.pk for message in messages]).order_by("part")
    return list(rows.values_list("kind", "status", "error_text"))


def test_every_format_arrives(client: Client, crm: Crm, conversation: Conversation) -> None:
    one_by_one = [name for name in FILES if not name.endswith((".jpg", ".png", ".gif"))]
    files = tuple(chosen(conversation, name) for name in FILES)
    kinds = ["image", *(each.type for each in files[3:])]
    outcomes = delivered(conversation, files=files)
    assert outcomes == [(kind, "sent", "") for kind in kinds]
    wait_until(lambda: len(echoes(crm)) == 1 + len(one_by_one))
    pictures = next(each for each in echoes(crm) if len(each["attachments"]) > 1)
    assert [each["type"] for each in pictures["attachments"]] == ["image"] * 3


def test_a_long_text_arrives_in_order_with_its_template(
    client: Client, crm: Crm, conversation: Conversation
) -> None:
    text = "გამარჯობა " * 200
    template = {
        "template_type": "button",
        "text": "What next?",
        "buttons": [{"type": "postback", "title": "Agent", "payload": "AGENT"}],
    }
    outcomes = delivered(conversation, text=text, template=template)
    assert {status for _, status, _ in outcomes} == {"sent"}
    wait_until(lambda: len(echoes(crm)) == len(outcomes))
    shown = client.state()["threads"][0]["messages"]
    texts = [each["text"] for each in shown if each["from"] == "business" and each.get("text")]
    assert "".join("".join(texts).split()) == "".join(text.split())
