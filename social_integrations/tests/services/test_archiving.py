"""Copies: only when switched on, only of what people send, and gone with their message."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, default_storage
from django.db import connection, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from social_integrations.exceptions import MediaUnavailableError
from social_integrations.models import Attachment, Contact, Job, Message
from social_integrations.services.archiving import (
    ARCHIVED_TYPES,
    archive_attachment,
    enqueue_archiving,
    purge_copies,
)
from social_integrations.services.privacy import erase_account, erase_contacts
from social_integrations.tasks import run_next_job
from social_integrations.tests.factories import (
    NOON,
    make_attachment,
    make_message,
)
from social_integrations.tests.media.servers import PNG, SVG, Behave, Write, answer, media_host

pytestmark = pytest.mark.django_db

Commit = DjangoCaptureOnCommitCallbacks
FORBIDDEN_TYPES = [
    "story_mention",
    "ig_story",
    "story",
    "ig_post",
    "ig_reel",
    "reel",
    "share",
    "template",
    "ephemeral",
    "unsupported_type",
    "media",
    "of_a_later_day",
]


@pytest.fixture(autouse=True)
def switched_on(settings: Settings) -> None:
    settings.INSTAGRAM_ARCHIVE_MEDIA = True


@contextmanager
def served(settings: Settings, behave: Behave, **values: Any) -> Iterator[Attachment]:
    """Give an attachment whose link leads to a host that behaves like this."""
    with media_host(behave) as host:
        settings.INSTAGRAM_MEDIA_HOSTS = [host.entry]
        yield make_attachment(make_message(text=""), url=host.url("/x.svg"), **values)


def with_copy(message: Message | None = None) -> Attachment:
    name = default_storage.save("instagram/copy.png", ContentFile(PNG))
    return make_attachment(message or make_message(text=""), file=name)


def name_of(attachment: Attachment) -> str:
    return attachment.file.name or ""


def stored_files() -> list[str]:
    return default_storage.listdir("instagram")[1] if default_storage.exists("instagram") else []


@pytest.fixture(autouse=True)
def empty_storage() -> Iterator[None]:
    def clear() -> None:
        for name in stored_files():
            default_storage.delete(f"instagram/{name}")

    clear()
    yield
    clear()


class TestAsking:
    @pytest.mark.parametrize("value", [None, False, "", "false", "True", 1])
    def test_only_true_itself_switches_it_on(self, settings: Settings, value: Any) -> None:
        settings.INSTAGRAM_ARCHIVE_MEDIA = value
        enqueue_archiving([make_attachment(make_message())])
        assert not Job.objects.exists()

    def test_off_is_what_nobody_set(self, settings: Settings) -> None:
        del settings.INSTAGRAM_ARCHIVE_MEDIA
        enqueue_archiving([make_attachment(make_message())])
        assert not Job.objects.exists()

    @pytest.mark.parametrize("kind", sorted(ARCHIVED_TYPES))
    def test_what_people_send_is_asked_for_once(self, kind: str) -> None:
        attachment = make_attachment(make_message(), type=kind)
        enqueue_archiving([attachment])
        enqueue_archiving([attachment])
        job = Job.objects.get()
        assert (job.name, job.payload) == ("archive_media", {"attachment": attachment.pk})

    @pytest.mark.parametrize("kind", FORBIDDEN_TYPES)
    def test_stories_and_other_peoples_posts_never(self, settings: Settings, kind: str) -> None:
        with served(settings, answer(), type=kind) as attachment:
            enqueue_archiving([attachment])
            archive_attachment(attachment_id=attachment.pk)
        assert not Job.objects.exists()
        assert not Attachment.objects.get().file

    @pytest.mark.parametrize(
        "values", [{"story": {"id": "1", "url": "https://x/"}}, {"unsent_at": NOON}]
    )
    def test_nothing_of_a_story_reply_or_an_unsent_message(self, values: dict[str, Any]) -> None:
        enqueue_archiving([make_attachment(make_message(**values))])
        assert not Job.objects.exists()

    def test_it_is_rolled_back_with_the_caller(self) -> None:
        with transaction.atomic():
            enqueue_archiving([make_attachment(make_message())])
            transaction.set_rollback(True)
        assert not Job.objects.exists()


class TestKeeping:
    def test_a_copy_gets_a_name_of_ours_whatever_the_link_says(self, settings: Settings) -> None:
        with served(settings, answer(PNG, "200 OK", "Content-Type: text/html")) as attachment:
            enqueue_archiving([attachment])
            assert run_next_job() is True
        assert Job.objects.get().state == "done"
        name = name_of(Attachment.objects.get())
        assert name.startswith("instagram/")
        assert name.endswith(".png")
        assert len(name) > 40
        with default_storage.open(name) as file:
            assert file.read() == PNG

    def test_a_second_run_makes_the_same_copy_in_the_same_place(self, settings: Settings) -> None:
        with served(settings, answer()) as attachment:
            archive_attachment(attachment_id=attachment.pk)
            before = name_of(Attachment.objects.get())
            archive_attachment(attachment_id=attachment.pk)
        assert name_of(Attachment.objects.get()) == before
        assert [f"instagram/{name}" for name in stored_files()] == [before]

    @pytest.mark.parametrize("written", [None, PNG[:20]])
    def test_a_run_after_a_crash_completes_the_file(
        self, settings: Settings, written: bytes | None
    ) -> None:
        if written:
            default_storage.save("instagram/noted.png", ContentFile(written))
        with served(settings, answer()) as attachment:
            Attachment.objects.update(file="instagram/noted.png")
            archive_attachment(attachment_id=attachment.pk)
        assert stored_files() == ["noted.png"]
        with default_storage.open("instagram/noted.png") as file:
            assert file.read() == PNG

    @pytest.mark.parametrize(
        ("behave", "words"),
        [
            (answer(SVG, "200 OK", "Content-Type: image/png"), "not of a type"),
            (answer(b"<!doctype html>"), "not of a type"),
            (answer(PNG * 1000), "larger than"),
            (answer(PNG, "200 OK", "Content-Encoding: gzip"), "compressed"),
            (answer(b"", "302 Found", "Location: http://127.0.0.1:9/"), "HTTP 302"),
        ],
    )
    def test_what_may_not_be_kept_is_told_and_left(
        self, settings: Settings, caplog: pytest.LogCaptureFixture, behave: Behave, words: str
    ) -> None:
        settings.INSTAGRAM_MEDIA_MAX_BYTES = 10_000
        with served(settings, behave) as attachment:
            archive_attachment(attachment_id=attachment.pk)
        assert not Attachment.objects.get().file
        assert stored_files() == []
        assert f"No copy of attachment {attachment.pk}: " in caplog.text
        assert words in caplog.text
        assert "x.svg" not in caplog.text

    def test_a_dead_link_is_marked(self, settings: Settings) -> None:
        with served(settings, answer(b"", "404 Not Found")) as attachment:
            archive_attachment(attachment_id=attachment.pk)
        assert Attachment.objects.get().expired_at is not None

    def test_a_busy_host_is_asked_again_later(self, settings: Settings) -> None:
        busy = served(settings, answer(b"", "503 Busy"))
        with busy as attachment, pytest.raises(MediaUnavailableError):
            archive_attachment(attachment_id=attachment.pk)

    @pytest.mark.parametrize(
        "url", ["https://evil.example/a", "http://169.254.169.254/", "file:///"]
    )
    def test_another_host_is_not_asked(self, url: str, caplog: pytest.LogCaptureFixture) -> None:
        attachment = make_attachment(make_message(), url=url)
        archive_attachment(attachment_id=attachment.pk)
        assert not Attachment.objects.get().file
        assert url not in caplog.text

    def test_switching_off_stops_what_was_asked_for(self, settings: Settings) -> None:
        with served(settings, answer()) as attachment:
            settings.INSTAGRAM_ARCHIVE_MEDIA = False
            archive_attachment(attachment_id=attachment.pk)
        assert not Attachment.objects.get().file

    def test_an_erased_attachment_ends_it_quietly(self) -> None:
        archive_attachment(attachment_id=4711)


class InterruptedStorage(InMemoryStorage):
    """A storage during whose work something happens."""

    happens: Callable[[], object] = staticmethod(lambda: None)

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        self.happens()
        return super().save(name, content, max_length)


HAPPENINGS: list[Callable[[], object]] = [
    lambda: Message.objects.update(unsent_at=NOON),
    lambda: Contact.objects.all().delete(),
    lambda: erase_contacts(Contact.objects.all()),
]


@pytest.mark.parametrize("happens", HAPPENINGS)
def test_a_copy_being_written_does_not_outlive_its_message(
    settings: Settings, happens: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = f"{__name__}.{InterruptedStorage.__name__}"
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": backend}}
    monkeypatch.setattr(InterruptedStorage, "happens", staticmethod(happens))
    with served(settings, answer()) as attachment:
        archive_attachment(attachment_id=attachment.pk)
    assert stored_files() == []
    assert not Attachment.objects.filter(file__endswith=".png", message__unsent_at=None).exists()


@pytest.mark.django_db(transaction=True)
class TestMeanwhile:
    """What happens to the message while its file is on the way."""

    @pytest.mark.parametrize("happens", HAPPENINGS)
    def test_no_copy_is_left_behind(
        self, settings: Settings, happens: Callable[[], object]
    ) -> None:
        asked, go_on = threading.Event(), threading.Event()

        def behave(write: Write) -> None:
            asked.set()
            go_on.wait(5)
            answer()(write)

        def archive() -> None:
            try:
                archive_attachment(attachment_id=attachment.pk)
            finally:
                connection.close()

        with served(settings, behave) as attachment:
            worker = threading.Thread(target=archive)
            worker.start()
            assert asked.wait(5)
            happens()
            go_on.set()
            worker.join(10)
        assert stored_files() == []
        assert not Attachment.objects.exclude(file="").exists()


@pytest.mark.django_db(transaction=True)
def test_a_copy_waits_for_an_unsend_under_way(settings: Settings) -> None:
    def archive() -> None:
        try:
            archive_attachment(attachment_id=attachment.pk)
        finally:
            connection.close()

    with served(settings, answer()) as attachment:
        worker = threading.Thread(target=archive)
        with transaction.atomic():
            purge_copies([attachment.message])
            worker.start()
            worker.join(0.7)
            assert worker.is_alive()
            Message.objects.update(unsent_at=NOON)
        worker.join(10)
    assert stored_files() == []
    assert not Attachment.objects.get().file


class TestPurging:
    def test_copies_go_once_the_change_commits(
        self, django_capture_on_commit_callbacks: Commit, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        message = make_message(text="a secret of theirs")
        copy, other = with_copy(message), with_copy()
        with django_capture_on_commit_callbacks() as callbacks:
            purge_copies([message])
        assert default_storage.exists(name_of(copy))
        for callback in callbacks:
            callback()
        assert not default_storage.exists(name_of(copy))
        assert default_storage.exists(name_of(other))
        assert not Attachment.objects.get(pk=copy.pk).file
        assert "Audit: deleted 1 copies of media with 1 messages" in caplog.text
        for content in ("secret of theirs", "cdn.example", name_of(copy)):
            assert content not in caplog.text

    def test_a_roll_back_keeps_them(self) -> None:
        copy = with_copy()
        with transaction.atomic():
            purge_copies(Message.objects.all())
            transaction.set_rollback(True)
        assert default_storage.exists(name_of(copy))
        assert Attachment.objects.get().file == copy.file
        assert not Job.objects.exists()

    def test_a_job_finishes_what_a_crash_left_undone(self) -> None:
        copy = with_copy()
        purge_copies(Message.objects.all())  # and the process dies before the commit's callback
        assert default_storage.exists(name_of(copy))
        assert run_next_job() is True
        assert not default_storage.exists(name_of(copy))
        assert Job.objects.get().state == "done"

    def test_a_file_that_is_gone_already_is_fine(
        self, django_capture_on_commit_callbacks: Commit
    ) -> None:
        copy = with_copy()
        default_storage.delete(name_of(copy))
        with django_capture_on_commit_callbacks(execute=True):
            purge_copies(Message.objects.all())
        assert run_next_job() is True
        assert Job.objects.get().state == "done"

    def test_without_copies_there_is_nothing_to_do(self) -> None:
        make_attachment(make_message())
        purge_copies(Message.objects.all())
        purge_copies([])
        assert not Job.objects.exists()

    @pytest.mark.parametrize("whole_account", [False, True])
    def test_erasing_takes_the_copies_along(
        self, django_capture_on_commit_callbacks: Commit, whole_account: bool
    ) -> None:
        copy, other = with_copy(), with_copy()
        contact = copy.message.conversation.contact
        with django_capture_on_commit_callbacks(execute=True):
            if whole_account:
                erase_account(account=contact.account)
            else:
                erase_contacts(Contact.objects.filter(pk=contact.pk))
        assert not default_storage.exists(name_of(copy))
        assert list(Attachment.objects.all()) == [other]
        assert default_storage.exists(name_of(other))
