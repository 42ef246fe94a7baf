"""A GIF is uploaded to Meta before it is sent, where the account may; nothing else is."""

from typing import Any

import pytest
import requests
from django.core.files.base import ContentFile

from social_integrations.exceptions import DraftError, NotYet
from social_integrations.models import ConnectedAccount, Conversation, Message
from social_integrations.services import hosting, uploads
from social_integrations.services.delivering import deliver
from social_integrations.services.drafts import Draft, OutgoingFile
from social_integrations.services.sending import send
from social_integrations.tests.factories import make_account
from social_integrations.tests.graph.answers import FakeMeta
from social_integrations.tests.payloads import ACCOUNT_ID
from social_integrations.tests.sends import (
    MESSAGES,
    accept,
    body_of,
    fresh,
    open_conversation,
    refuse,
)

pytestmark = pytest.mark.django_db

UPLOADS = "me/message_attachments"
GIF = b"GIF89a a dancing boot"
JPEG = b"\xff\xd8\xff\xe0 a boot"


def make(**values: Any) -> ConnectedAccount:
    scopes = ["instagram_manage_messages", "pages_messaging"]
    return make_account(
        **{"instagram_account_id": ACCOUNT_ID, "granted_scopes": scopes, "page_id": "7"} | values
    )


def queue_files(conversation: Conversation, *contents: bytes) -> Message:
    account = conversation.contact.account
    kept = [
        uploads.store(account=account, file=ContentFile(each), name="boot", uploaded_by=None)
        for each in contents
    ]
    files = tuple(OutgoingFile(type="image", upload_id=each.pk) for each in kept)
    [message] = send(conversation=conversation, draft=Draft(files=files))
    return message


@pytest.fixture
def conversation() -> Conversation:
    return open_conversation(make())


def run(conversation: Conversation) -> None:
    deliver(conversation_id=conversation.pk)


class TestWhere:
    @pytest.mark.parametrize(
        "values",
        [
            {"granted_scopes": ["instagram_manage_messages"]},
            {"granted_scopes": []},
            {"login": "instagram", "page_id": ""},
        ],
    )
    def test_an_account_that_cannot_upload_takes_none(self, values: dict[str, Any]) -> None:
        account = make(**values)
        with pytest.raises(DraftError) as caught:
            uploads.store(account=account, file=ContentFile(GIF), name="a", uploaded_by=None)
        assert (caught.value.code, "GIF" in caught.value.message) == ("file_format", True)
        assert "MP4" in caught.value.action
        assert uploads.store(account=account, file=ContentFile(JPEG), name="a", uploaded_by=None)


class TestSending:
    def test_it_is_uploaded_then_sent_by_its_id(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = queue_files(conversation, GIF)
        meta.answer("POST", UPLOADS, {"attachment_id": "880077"})
        accept(meta)
        run(conversation)
        assert fresh(message).status == "sent"
        (upload,) = meta.calls(UPLOADS)
        asked = body_of(upload)
        url = asked["message"]["attachment"]["payload"]["url"]
        assert url.startswith("https://testserver/api/social/instagram/outgoing/")
        assert asked == {
            "platform": "instagram",
            "message": {
                "attachment": {"type": "image", "payload": {"url": url, "is_reusable": True}}
            },
        }
        (sent,) = meta.calls(MESSAGES)
        payload = {"attachment_id": "880077"}
        assert body_of(sent)["message"] == {"attachment": {"type": "image", "payload": payload}}

    def test_its_neighbours_go_by_their_links(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        queue_files(conversation, JPEG, GIF)
        meta.answer("POST", UPLOADS, {"attachment_id": "880077"})
        accept(meta)
        run(conversation)
        assert len(meta.calls(UPLOADS)) == 1
        (sent,) = meta.calls(MESSAGES)
        first, second = body_of(sent)["message"]["attachments"]
        assert first["payload"]["url"].startswith("https://testserver/")
        assert second["payload"] == {"attachment_id": "880077"}

    def test_a_refused_upload_fails_the_message_with_words(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = queue_files(conversation, GIF)
        refuse(meta, 100, 2018047, path=UPLOADS)
        run(conversation)
        failed = fresh(message)
        assert (failed.status, failed.error_code) == ("failed", "100/2018047")
        assert failed.error_text
        assert not meta.calls(MESSAGES)

    def test_a_missing_permission_costs_this_message_not_the_account(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = queue_files(conversation, GIF)
        refuse(meta, 200, path=UPLOADS)
        run(conversation)
        assert fresh(message).status == "failed"
        account = ConnectedAccount.objects.get()
        assert account.status == ConnectedAccount.Status.CONNECTED

    @pytest.mark.parametrize("error", [requests.ReadTimeout(), requests.ConnectionError()])
    def test_a_broken_upload_is_no_doubtful_send(
        self, meta: FakeMeta, conversation: Conversation, error: Exception
    ) -> None:
        message = queue_files(conversation, GIF)
        meta.answer("POST", UPLOADS, error)
        with pytest.raises(NotYet):
            run(conversation)
        assert fresh(message).status == "queued"
        assert not meta.calls(MESSAGES)

    def test_neither_is_one_without_an_id_nor_one_sent_yet_failed(
        self, meta: FakeMeta, conversation: Conversation
    ) -> None:
        message = queue_files(conversation, GIF)
        meta.answer("POST", UPLOADS, {})
        with pytest.raises(NotYet):
            run(conversation)
        Message.objects.filter(pk=message.pk).update(send_attempts=0)
        refuse(meta, 1, 1357046, path=UPLOADS)
        with pytest.raises(NotYet):
            run(conversation)
        assert fresh(message).status == "queued"
        assert not meta.calls(MESSAGES)

    def test_many_slow_ones_end_before_the_lease(
        self, meta: FakeMeta, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        message = queue_files(conversation, GIF, GIF)
        monkeypatch.setattr(hosting, "PATIENCE_SECONDS", -1.0)
        with pytest.raises(NotYet):
            run(conversation)
        assert fresh(message).status == "queued"
        assert not meta.calls(UPLOADS)
