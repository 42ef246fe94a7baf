"""The doors to media: whose requests leave this server, what comes back, and that nothing runs."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from social_integrations.media.sniffing import PNG as PNG_TYPE
from social_integrations.models import Attachment, Contact, Job, Message
from social_integrations.tests.factories import (
    NOON,
    make_account,
    make_attachment,
    make_contact,
    make_conversation,
    make_message,
    make_staff,
)
from social_integrations.tests.media.servers import PNG, SVG, Behave, Host, answer, media_host
from social_integrations.views.inbox import media

from .conftest import READER

pytestmark = pytest.mark.django_db

MP4 = b"\0\0\0\x18ftypisom" + b"\0" * 5_000
PDF = b"%PDF-1.4\n" + b"x" * 100


@pytest.fixture
def host(settings: Settings) -> Iterator[Host]:
    """Meta's CDN, where everything works."""
    with media_host(answer(PNG)) as found:
        settings.INSTAGRAM_MEDIA_HOSTS = [found.entry]
        yield found


def served(settings: Settings, behave: Behave) -> Iterator[Host]:
    with media_host(behave) as found:
        settings.INSTAGRAM_MEDIA_HOSTS = [found.entry]
        yield found


def picture_of(host: Host, **values: object) -> Attachment:
    return make_attachment(make_message(), url=host.url(), **values)


def hang_up(response: Any) -> None:
    """Do what a server does when the browser leaves; `close` would close the database as well."""
    for close in response._resource_closers:
        close()


class TestWhoGetsIn:
    @pytest.mark.parametrize("kind", ["attachments", "stories", "pictures"])
    def test_what_one_may_not_see_is_not_there(self, client: Client, host: Host, kind: str) -> None:
        message = make_message(story={"url": host.url()})
        Contact.objects.update(profile_picture_url=host.url())
        found = {
            "attachments": make_attachment(message, url=host.url()).pk,
            "stories": message.pk,
            "pictures": message.conversation.contact_id,
        }[kind]
        path = f"/inbox/{kind}/{found}/"
        assert client.get(path).status_code == 302
        client.force_login(make_staff(*READER[:1], READER[2]))
        assert client.get(path).status_code == 403
        client.force_login(make_staff(*READER[:2]))
        assert client.get(path).status_code == 404
        assert client.get(f"/inbox/{kind}/{10**15}/").status_code == 404
        assert host.requests == []
        client.force_login(make_staff(*READER))
        assert client.get(path).getvalue() == PNG  # type: ignore[attr-defined]
        assert len(host.requests) == 1

    def test_what_was_unsent_is_not_there(self, reader: Client, host: Host) -> None:
        found = picture_of(host)
        Message.objects.update(unsent_at=NOON, story={"url": host.url()})
        assert reader.get(f"/inbox/attachments/{found.pk}/").status_code == 404
        assert reader.get(f"/inbox/stories/{found.message_id}/").status_code == 404
        assert host.requests == []

    @pytest.mark.parametrize("method", ["post", "put", "delete"])
    def test_it_is_only_read(self, reader: Client, host: Host, method: str) -> None:
        path = f"/inbox/attachments/{picture_of(host).pk}/"
        assert getattr(reader, method)(path).status_code == 405


class TestPassedOn:
    def test_a_picture_is_shown_and_cannot_do_anything(self, reader: Client, host: Host) -> None:
        found = picture_of(host)
        response = reader.get(f"/inbox/attachments/{found.pk}/", headers={"Referer": "http://x/"})
        assert response.getvalue() == PNG  # type: ignore[attr-defined]
        assert response["Content-Type"] == PNG_TYPE.content_type
        assert response["Content-Length"] == str(len(PNG))
        assert response["Content-Disposition"] == f'inline; filename="instagram-{found.pk}.png"'
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert response["Cross-Origin-Resource-Policy"] == "same-origin"
        assert {"no-store", "private"} <= set(response["Cache-Control"].split(", "))
        [request] = host.requests
        for word in ("cookie", "authorization", "referer", "session"):
            assert word not in request.lower()

    def test_nothing_is_kept(self, reader: Client, host: Host) -> None:
        found = picture_of(host)
        for _ in range(2):
            reader.get(f"/inbox/attachments/{found.pk}/").getvalue()  # type: ignore[attr-defined]
        assert len(host.requests) == 2
        found.refresh_from_db()
        assert found.file.name == ""

    def test_a_paper_is_a_download(self, reader: Client, settings: Settings) -> None:
        for host in served(settings, answer(PDF)):
            response = reader.get(f"/inbox/attachments/{picture_of(host, type='file').pk}/")
            assert response["Content-Disposition"].startswith("attachment")

    @pytest.mark.parametrize("content", [SVG, b"<!doctype html><script>alert(1)</script>", b"GIF"])
    def test_what_is_no_media_is_not_passed_on(
        self, reader: Client, settings: Settings, content: bytes
    ) -> None:
        for host in served(settings, answer(content, "200 OK", "Content-Type: image/png")):
            response = reader.get(f"/inbox/attachments/{picture_of(host).pk}/")
            assert (response.status_code, response.content) == (415, b"")

    @pytest.mark.parametrize(
        ("behave", "status"),
        [
            (answer(b"", "404 Not Found"), 410),
            (answer(b"", "403 Forbidden"), 410),
            (answer(b"", "503 Busy"), 502),
            (answer(b"", "302 Found", "Location: http://127.0.0.1:1/"), 502),
            (answer(PNG, "200 OK", "Content-Encoding: gzip"), 502),
            (answer(b""), 502),
            (lambda write: write(b"nonsense\r\n\r\n"), 502),
            (answer(PNG, "200 OK", "Content-Length: 99999999999"), 502),
        ],
    )
    def test_trouble_is_a_status_and_nothing_else(
        self, reader: Client, settings: Settings, behave: Behave, status: int
    ) -> None:
        for host in served(settings, behave):
            response = reader.get(f"/inbox/attachments/{picture_of(host).pk}/")
            assert (response.status_code, response.content) == (status, b"")

    def test_a_dead_link_is_noted_and_a_fresh_one_wanted(
        self, reader: Client, settings: Settings
    ) -> None:
        for host in served(settings, answer(b"", "404 Not Found")):
            found = picture_of(host)
            reader.get(f"/inbox/attachments/{found.pk}/")
            found.refresh_from_db()
            assert found.expired_at is not None
            assert [job.name for job in Job.objects.all()] == ["reread_media"]

    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example/x.png",
            "http://169.254.169.254/latest/meta-data/",
            "http://127.0.0.1:1/",
            "file:///etc/passwd",
            "",
        ],
    )
    @pytest.mark.parametrize("kind", ["attachments", "stories", "pictures"])
    def test_no_other_host_is_asked(
        self, reader: Client, settings: Settings, url: str, kind: str
    ) -> None:
        settings.INSTAGRAM_MEDIA_HOSTS = ["lookaside.fbsbx.com"]
        message = make_message(story={"url": url, "id": "1"})
        Contact.objects.update(profile_picture_url=url)
        found = {
            "attachments": make_attachment(message, url=url).pk,
            "stories": message.pk,
            "pictures": message.conversation.contact_id,
        }[kind]
        assert reader.get(f"/inbox/{kind}/{found}/").status_code in (404, 502)

    def test_the_size_has_a_limit_also_where_none_was_declared(
        self, reader: Client, settings: Settings
    ) -> None:
        settings.INSTAGRAM_MEDIA_MAX_BYTES = 100_000

        def endless(write: object) -> None:
            assert callable(write)
            write(b"HTTP/1.1 200 OK\r\n\r\n" + PNG)
            for _ in range(100):
                write(b"\0" * 10_000)

        for host in served(settings, endless):
            response = reader.get(f"/inbox/attachments/{picture_of(host).pk}/")
            assert len(response.getvalue()) <= 100_000  # type: ignore[attr-defined]

    def test_a_profile_is_a_picture_and_nothing_else(
        self, reader: Client, settings: Settings
    ) -> None:
        for host in served(settings, answer(MP4)):
            contact = make_conversation(
                contact=make_contact(profile_picture_url=host.url())
            ).contact
            assert reader.get(f"/inbox/pictures/{contact.pk}/").status_code == 415


class TestPlayers:
    def partial(self, write: object) -> None:
        assert callable(write)
        head = f"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {{}}/{len(MP4)}\r\n"
        if "bytes=100-" in self.host.requests[-1]:
            write((head.format(f"100-{len(MP4) - 1}") + "\r\n").encode() + MP4[100:])
        elif "bytes=0-" in self.host.requests[-1]:
            write((head.format(f"0-{len(MP4) - 1}") + "\r\n").encode() + MP4)
        else:
            write(b"HTTP/1.1 200 OK\r\n\r\n" + MP4)

    def test_a_part_is_a_part_once_we_know_of_what(
        self, reader: Client, settings: Settings
    ) -> None:
        with media_host(self.partial) as self.host:
            settings.INSTAGRAM_MEDIA_HOSTS = [self.host.entry]
            path = f"/inbox/attachments/{picture_of(self.host, type='video').pk}/"

            def get(wanted: str) -> tuple[int, str, int]:
                response = reader.get(path, headers={"Range": wanted})
                body = response.getvalue()  # type: ignore[attr-defined]
                return response.status_code, response["Content-Type"], len(body)

            # From the middle of something unknown: all of it, which shows what it is.
            assert get("bytes=100-") == (200, "video/mp4", len(MP4))
            assert get("bytes=0-") == (206, "video/mp4", len(MP4))
            assert get("bytes=100-") == (206, "video/mp4", len(MP4) - 100)
            assert get("bytes=5-1, 7-9") == (200, "video/mp4", len(MP4))
            assert get("lines=1-\r\nX: y") == (200, "video/mp4", len(MP4))


class TestPlaces:
    def test_each_is_given_back(self, reader: Client, settings: Settings) -> None:
        for behave in (answer(PNG), answer(SVG), answer(b"", "404 Not Found")):
            for host in served(settings, behave):
                path = f"/inbox/attachments/{picture_of(host).pk}/"
                for _ in range(media.STREAMS_AT_ONCE + 1):
                    response = reader.get(path)
                    if response.streaming:
                        response.getvalue()  # type: ignore[attr-defined]

    def test_somebody_who_hangs_up_gives_it_back(
        self, reader: Client, host: Host, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(media, "WAITING_SECONDS", 0.2)
        path = f"/inbox/attachments/{picture_of(host).pk}/"
        held = [reader.get(path) for _ in range(media.STREAMS_AT_ONCE)]
        assert reader.get(path).status_code == 503
        for response in held:
            hang_up(response)
        response = reader.get(path)
        assert response.status_code == 200
        hang_up(response)


def test_the_address_of_a_page_makes_no_request(reader: Client, host: Host) -> None:
    contact = make_contact(account=make_account(), profile_picture_url=host.url())
    message = make_message(
        conversation=make_conversation(contact=contact), story={"url": host.url()}
    )
    make_attachment(message, url=host.url())
    for path in ("/inbox/", f"/inbox/{message.conversation_id}/"):
        page = reader.get(path).text
        assert host.entry not in page.replace(f"<span>{host.entry}</span>", "")
    assert host.requests == []
