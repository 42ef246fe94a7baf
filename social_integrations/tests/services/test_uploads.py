"""Files staff send: kept, linked to, given to one conversation only, and deleted in time."""

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.signing import TimestampSigner
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from social_integrations.exceptions import DraftError
from social_integrations.models import (
    Attachment,
    ConnectedAccount,
    Contact,
    Conversation,
    Job,
    Message,
    Upload,
)
from social_integrations.services import uploads
from social_integrations.services.applying import apply_pending
from social_integrations.services.drafts import Draft, OutgoingFile
from social_integrations.services.intake import store_delivery
from social_integrations.services.outbound import confirm_sent
from social_integrations.services.privacy import erase_account, erase_contacts
from social_integrations.services.sending import send
from social_integrations.tasks import run_next_job
from social_integrations.tests.factories import (
    make_account,
    make_attachment,
    make_contact,
    make_conversation,
    make_message,
    make_upload,
    make_user,
)
from social_integrations.tests.payloads import SENT_AT, encode

pytestmark = pytest.mark.django_db

JPEG = b"\xff\xd8\xff\xe0 a picture of boots"


def chosen(content: bytes = JPEG, name: str = "boots.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def store(account: ConnectedAccount, **changes: Any) -> Upload:
    given = {"file": chosen(), "name": "boots.jpg", "uploaded_by": None}
    return uploads.store(account=account, **given | changes)


def answerable(**values: Any) -> Conversation:
    return make_conversation(last_inbound_at=timezone.now(), **values)


def of(upload: Upload | int, kind: str = "image") -> OutgoingFile:
    return OutgoingFile(type=kind, upload_id=upload if isinstance(upload, int) else upload.pk)


def send_file(conversation: Conversation, upload: Upload | int, **values: Any) -> Message:
    [message] = send(conversation=conversation, draft=Draft(files=(of(upload),)), **values)
    return message


def refused(conversation: Conversation, upload: Upload | int, **values: Any) -> str:
    with pytest.raises(DraftError) as caught:
        send_file(conversation, upload, **values)
    assert caught.value.message
    assert caught.value.action
    return caught.value.code


@pytest.fixture
def account() -> ConnectedAccount:
    return make_account()


class TestStoring:
    def test_it_is_what_its_bytes_say_under_a_name_of_ours(self, account: ConnectedAccount) -> None:
        user = make_user()
        upload = store(account, name="C:\\fotos\\ბათ\0უმი\u202e.exe", uploaded_by=user)
        assert (upload.type, upload.content_type) == ("image", "image/jpeg")
        assert (upload.size, upload.uploaded_by) == (len(JPEG), user)
        assert upload.name == "ბათუმი.exe"
        name = str(upload.file.name)
        assert name.startswith("instagram/sent/")
        assert name.endswith(".jpg")
        assert "exe" not in name
        with default_storage.open(name) as kept:
            assert kept.read() == JPEG

    def test_two_never_share_a_file(self, account: ConnectedAccount) -> None:
        assert store(account).file.name != store(account).file.name

    def test_a_file_read_before_is_kept_whole(self, account: ConnectedAccount) -> None:
        file = chosen()
        file.read(5)
        with default_storage.open(str(store(account, file=file).file.name)) as kept:
            assert kept.read() == JPEG

    @pytest.mark.parametrize(
        ("content", "code"),
        [(b"", "file_empty"), (b"<svg></svg>", "file_format"), (b"MZ", "file_type")],
    )
    def test_what_meta_refuses_leaves_nothing(
        self, account: ConnectedAccount, content: bytes, code: str
    ) -> None:
        with pytest.raises(DraftError) as caught:
            store(account, file=ContentFile(content))
        assert caught.value.code == code
        assert not Upload.objects.exists()

    def test_a_name_may_be_missing(self, account: ConnectedAccount) -> None:
        assert store(account, name="/\0").name == "file.jpg"

    def test_a_storage_without_room_is_told(
        self, account: ConnectedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(default_storage, "save", full)
        with pytest.raises(DraftError) as caught:
            store(account)
        assert caught.value.code == "storage"
        assert not Upload.objects.exists()

    def test_nobody_fills_the_disk_with_what_they_do_not_send(
        self, account: ConnectedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(uploads, "MAX_UNUSED", 2)
        user = make_user()
        first = store(account, uploaded_by=user)
        store(account, uploaded_by=user)
        with pytest.raises(DraftError) as caught:
            store(account, uploaded_by=user)
        assert caught.value.code == "too_many_uploads"
        store(account, uploaded_by=make_user())
        make_attachment(make_message(), upload=first)
        store(account, uploaded_by=user)


class TestLinks:
    def test_it_leads_back_and_is_public(self, account: ConnectedAccount) -> None:
        upload = store(account)
        link = uploads.link_for(upload)
        prefix = "https://testserver/api/social/instagram/outgoing/"
        assert link.startswith(prefix)
        assert link.isascii()
        assert uploads.find_by_token(link.removeprefix(prefix).rstrip("/")) == upload

    def test_it_ends(self, account: ConnectedAccount, settings: Settings) -> None:
        token = uploads.link_for(store(account)).rstrip("/").rpartition("/")[2]
        settings.INSTAGRAM_UPLOAD_LINK_SECONDS = -1
        assert uploads.find_by_token(token) is None

    def test_nobody_else_signs_one(self, account: ConnectedAccount) -> None:
        upload = store(account)
        token = TimestampSigner(salt="another").sign(str(upload.pk))
        for forged in (token, str(upload.pk), f"{upload.pk}:1:x", "", "\0", "a:b:c" * 1000):
            assert uploads.find_by_token(forged) is None

    def test_it_ends_with_the_file(self, account: ConnectedAccount) -> None:
        upload = store(account)
        token = uploads.link_for(upload).rstrip("/").rpartition("/")[2]
        upload.delete()
        assert uploads.find_by_token(token) is None


class TestTaking:
    def test_the_row_says_what_it_is(self, account: ConnectedAccount) -> None:
        pdf = store(account, file=chosen(b"%PDF-1.7"), name="prices.pdf")
        conversation = answerable(contact=make_contact(account=account))
        [message] = send(conversation=conversation, draft=Draft(files=(of(pdf, "image"),)))
        assert message.kind == "file"
        attachment = message.attachments.get()
        assert (attachment.type, attachment.title) == ("file", "prices.pdf")
        assert attachment.upload == pdf

    def test_another_accounts_somebody_elses_and_none_at_all_are_the_same(
        self, account: ConnectedAccount
    ) -> None:
        conversation = answerable(contact=make_contact(account=account))
        me, other = make_user(), make_user()
        theirs = store(account, uploaded_by=other)
        elsewhere = store(make_account(), uploaded_by=me)
        for upload in (theirs, elsewhere, 987_654_321):
            assert refused(conversation, upload, sent_by=me) == "upload_gone"
        assert refused(conversation, theirs) == "upload_gone"
        assert not Message.objects.exists()

    def test_my_own_and_nobodys_go(self, account: ConnectedAccount) -> None:
        conversation = answerable(contact=make_contact(account=account))
        me = make_user()
        send_file(conversation, store(account, uploaded_by=me), sent_by=me)
        send_file(conversation, store(account), sent_by=me)
        assert Attachment.objects.exclude(upload=None).count() == 2

    def test_what_one_person_got_no_other_gets(self, account: ConnectedAccount) -> None:
        upload = store(account)
        send_file(answerable(contact=make_contact(account=account)), upload)
        assert refused(answerable(contact=make_contact(account=account)), upload) == "upload_used"

    def test_the_same_person_may_get_it_again(self, account: ConnectedAccount) -> None:
        conversation, upload = answerable(contact=make_contact(account=account)), store(account)
        assert send_file(conversation, upload) != send_file(conversation, upload)

    def test_without_a_public_address_meta_could_not_fetch_it(
        self, account: ConnectedAccount, settings: Settings
    ) -> None:
        settings.INSTAGRAM_REDIRECT_URI = settings.INSTAGRAM_PUBLIC_URL = ""
        conversation = answerable(contact=make_contact(account=account))
        assert refused(conversation, store(account)) == "no_public_address"
        address = OutgoingFile(type="image", url="https://shop.example/a.jpg")
        assert send(conversation=conversation, draft=Draft(files=(address,)))


class TestQuoting:
    def quote(self, conversation: Conversation, mid: str) -> list[Message]:
        return send(conversation=conversation, draft=Draft(text="Yes", reply_to_mid=mid))

    def test_a_message_of_this_conversation(self) -> None:
        conversation = answerable()
        make_message(conversation=conversation, mid="m-1")
        [message] = self.quote(conversation, "m-1")
        assert message.reply_to_mid == "m-1"

    def test_no_other(self) -> None:
        conversation = answerable()
        neighbour = make_conversation(contact=make_contact(account=conversation.contact.account))
        make_message(conversation=neighbour, mid="m-2")
        make_message(conversation=conversation, mid="m-3", unsent_at=timezone.now())
        for mid in ("m-2", "m-3", "m-4", "\0"):
            with pytest.raises(DraftError) as caught:
                self.quote(conversation, mid)
            assert caught.value.code == "reply_to"


class TestReferences:
    @pytest.mark.parametrize("reference", ["x" * 65, "a\0", "\ud800", " a", "a\nb"])
    def test_one_no_row_could_hold_is_refused(self, reference: str) -> None:
        with pytest.raises(DraftError) as caught:
            send(conversation=answerable(), draft=Draft(text="Hi"), client_reference=reference)
        assert caught.value.code == "client_reference"


def gone(upload: Upload) -> bool:
    is_there = default_storage.exists(str(upload.file.name))
    assert is_there == Upload.objects.filter(pk=upload.pk).exists()
    return not is_there


class TestPruning:
    def age(self, upload: Upload, **age: float) -> Upload:
        Upload.objects.filter(pk=upload.pk).update(created_at=timezone.now() - timedelta(**age))
        return upload

    def test_what_nobody_sent_goes_after_a_day(
        self, django_capture_on_commit_callbacks: Any
    ) -> None:
        old = self.age(make_upload(), days=1, seconds=1)
        young = self.age(make_upload(), hours=23, minutes=59)
        used = self.age(make_upload(), days=300)
        make_attachment(make_message(), upload=used)
        with django_capture_on_commit_callbacks(execute=True):
            assert uploads.prune() == 1
        assert (gone(old), gone(young), gone(used)) == (True, False, False)

    def test_however_many(
        self, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
    ) -> None:
        monkeypatch.setattr(uploads, "ROWS_PER_BATCH", 2)
        for _ in range(5):
            self.age(make_upload(), days=2)
        with django_capture_on_commit_callbacks(execute=True):
            assert uploads.prune() == 5
        assert not Upload.objects.exists()

    def test_housekeeping_asks_for_it(self) -> None:
        old = self.age(make_upload(), days=2)
        Job.objects.create(name="housekeeping", due_at=timezone.now() - timedelta(days=1))
        while run_next_job():
            pass
        assert not Upload.objects.filter(pk=old.pk).exists()
        assert not default_storage.exists(str(old.file.name))


class TestGoingAlong:
    def sent(self, account: ConnectedAccount | None = None) -> tuple[Message, Upload]:
        contact = make_contact(account=account or make_account())
        message = make_message(
            conversation=make_conversation(contact=contact),
            direction="outbound",
            source="crm",
            status="sent",
            mid="m-sent",
            kind="image",
            text="",
        )
        upload = make_upload(account=contact.account)
        make_attachment(message, upload=upload, url="")
        return message, upload

    def unsend(self, message: Message) -> None:
        contact = message.conversation.contact
        business = contact.account.instagram_account_id
        item = {
            "sender": {"id": business},
            "recipient": {"id": contact.igsid},
            "timestamp": SENT_AT,
            "message": {"mid": "m-sent", "is_deleted": True, "is_echo": True},
        }
        entry = {"id": business, "time": SENT_AT, "messaging": [item]}
        store_delivery(encode({"object": "instagram", "entry": [entry]}))
        assert apply_pending()

    def test_with_the_message_that_is_unsent(self, django_capture_on_commit_callbacks: Any) -> None:
        message, upload = self.sent()
        with django_capture_on_commit_callbacks(execute=True):
            self.unsend(message)
        message.refresh_from_db()
        assert message.unsent_at
        assert gone(upload)

    def test_nothing_goes_before_the_commit(self, django_capture_on_commit_callbacks: Any) -> None:
        message, upload = self.sent()
        with django_capture_on_commit_callbacks() as callbacks:
            self.unsend(message)
        assert callbacks
        assert default_storage.exists(str(upload.file.name))
        # And a crash right after it leaves a job that does it.
        while run_next_job():
            pass
        assert gone(upload)

    def test_not_while_another_message_shows_it(
        self, django_capture_on_commit_callbacks: Any
    ) -> None:
        message, upload = self.sent()
        again = make_message(conversation=message.conversation, mid="m-again")
        make_attachment(again, upload=upload)
        with django_capture_on_commit_callbacks(execute=True):
            self.unsend(message)
        assert not gone(upload)
        again.unsent_at = timezone.now()
        again.save()
        with django_capture_on_commit_callbacks(execute=True):
            uploads.purge(Message.objects.filter(pk=again.pk))
        assert gone(upload)

    def test_where_the_unsend_overtook_metas_answer(
        self, django_capture_on_commit_callbacks: Any
    ) -> None:
        message, upload = self.sent()
        Message.objects.filter(pk=message.pk).update(mid=None, status="sending")
        make_message(
            conversation=message.conversation,
            mid="m-sent",
            direction="outbound",
            source="instagram_app",
            unsent_at=timezone.now(),
            origin="1x",
        )
        with django_capture_on_commit_callbacks(execute=True):
            confirm_sent(message_id=message.pk, mid="m-sent")
        assert gone(upload)

    def test_with_the_person(self, django_capture_on_commit_callbacks: Any) -> None:
        message, upload = self.sent()
        _, neighbours = self.sent()
        with django_capture_on_commit_callbacks(execute=True):
            erase_contacts(Contact.objects.filter(pk=message.conversation.contact_id))
        assert gone(upload)
        assert not gone(neighbours)

    def test_with_the_account_also_what_was_never_sent(
        self, django_capture_on_commit_callbacks: Any
    ) -> None:
        account = make_account()
        _, upload = self.sent(account)
        never = make_upload(account=account)
        _, neighbours = self.sent()
        with django_capture_on_commit_callbacks(execute=True):
            erase_account(account=account)
        assert gone(upload)
        assert gone(never)
        assert not gone(neighbours)


@pytest.mark.django_db(transaction=True)
def test_sent_to_two_people_at_once_one_gets_it() -> None:
    account = make_account()
    upload = store(account)
    conversations = [answerable(contact=make_contact(account=account)) for _ in range(2)]
    start, outcomes = Barrier(2), []

    def answer(conversation: Conversation) -> None:
        start.wait()
        try:
            send_file(conversation, upload)
            outcomes.append("sent")
        except DraftError as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [Thread(target=answer, args=(each,)) for each in conversations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["sent", "upload_used"]
    assert Attachment.objects.count() == 1
