"""A host's own policy may close single conversations to somebody who reads others."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from social_integrations.access import AccessPolicy
from social_integrations.models import Conversation, Message
from social_integrations.selectors import feed_start
from social_integrations.services.conversations import add_note
from social_integrations.tests.factories import (
    make_attachment,
    make_conversation,
    make_message,
    make_upload,
)

pytestmark = pytest.mark.django_db

API = "/api/social/instagram"


class OnlyOpen(AccessPolicy):
    """Closed conversations are listed, and not to be read."""

    def may_read(self, user: Any, conversation: Conversation | None = None) -> bool:
        is_open = conversation is None or conversation.status == Conversation.Status.OPEN
        return is_open and super().may_read(user, conversation)


@pytest.fixture
def message(settings: Settings) -> Message:
    """A message nobody may read, with all that can hang on it."""
    settings.INSTAGRAM_ACCESS_POLICY = f"{__name__}.OnlyOpen"
    closed = make_conversation(status=Conversation.Status.CLOSED)
    story = {"id": "1", "url": "https://cdn.example/story.jpg"}
    return make_message(conversation=closed, text="Between us", story=story)


def test_no_page_of_the_inbox_shows_it(reader: Client, message: Message) -> None:
    pk = message.conversation_id
    for address in (f"{pk}/", f"{pk}/older/?before={message.pk}", f"stories/{message.pk}/"):
        assert reader.get(f"/inbox/{address}").status_code == 403, address


def test_no_door_gives_its_files(reader: Client, message: Message) -> None:
    upload = make_upload(account=message.account)
    assert reader.get(f"{API}/uploads/{upload.pk}/").status_code == 200
    sent = make_attachment(message, upload=upload)
    received = make_attachment(message)
    for address in (
        f"{API}/uploads/{upload.pk}/",
        f"{API}/media/{received.pk}/",
        f"/inbox/attachments/{received.pk}/",
        f"/inbox/attachments/{sent.pk}/",
    ):
        assert reader.get(address).status_code == 404, address
    Conversation.objects.update(status=Conversation.Status.OPEN)
    assert reader.get(f"{API}/uploads/{upload.pk}/").status_code == 200


def test_no_look_for_changes_brings_its_messages(reader: Client, message: Message) -> None:
    cursor, pk = feed_start(), message.conversation_id
    add_note(conversation_id=pk, author=None, text="Ours alone")
    for status, is_told in ((Conversation.Status.CLOSED, False), (Conversation.Status.OPEN, True)):
        Conversation.objects.update(status=status)
        for after in (cursor, "none-of-ours"):
            query = f"after={after}&conversation={pk}&status=all"
            told = reader.get(f"/inbox/updates/?{query}")
            assert told.status_code == 200
            assert ("data-messages" in told.text) is is_told
