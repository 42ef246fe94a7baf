"""The door to media: who gets in, where it leads, and that nothing of it runs."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from pytest_django import Settings

from social_integrations.access import AccessPolicy
from social_integrations.models import Attachment, ConnectedAccount, Job, Message
from social_integrations.tests.factories import (
    NOON,
    make_account,
    make_attachment,
    make_contact,
    make_conversation,
    make_message,
    make_staff,
    make_superuser,
    make_user,
)
from social_integrations.tests.media.servers import PNG, SVG, Host, answer, media_host

pytestmark = pytest.mark.django_db

READS = ("view_conversation", "view_message")
READER = (*READS, "view_connectedaccount")
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')  # new on every page
SECRET_PATH = "/ig_messaging_cdn/?asset_id=1&signature=Ab%2fC~{x}|%22y#part"


def door(attachment: Attachment | int) -> str:
    number = attachment if isinstance(attachment, int) else attachment.pk
    return f"/api/social/instagram/media/{number}/"


@pytest.fixture
def reader(client: Client) -> Client:
    client.force_login(make_staff(*READER))
    return client


@pytest.fixture
def host(settings: Settings) -> Iterator[Host]:
    """Meta's CDN, where everything works."""
    with media_host(answer(b"x", "206 Partial Content")) as host:
        settings.INSTAGRAM_MEDIA_HOSTS = [host.entry]
        yield host


@pytest.fixture
def attachment(host: Host) -> Attachment:
    return make_attachment(make_message(text=""), url=host.url(SECRET_PATH))


class TestWhoGetsIn:
    def test_strangers_sign_in_first(self, client: Client, attachment: Attachment) -> None:
        for number in (attachment.pk, 4711):
            response = client.get(door(number))
            assert response.status_code == 302
            assert response["Location"] == f"/login/?next={door(number)}"

    @pytest.mark.parametrize(
        ("perms", "own", "status"),
        [
            (READER, False, 302),
            (READER, True, 302),
            (READS, True, 302),
            (READS, False, 404),
            (("view_message", "view_connectedaccount"), True, 404),
            (("view_connectedaccount",), False, 404),
            (("view_connectedaccount", "view_conversation", "change_message"), True, 404),
            ((), True, 404),
            ((), False, 404),
        ],
    )
    def test_the_account_and_the_permission_both_count(
        self,
        client: Client,
        host: Host,
        attachment: Attachment,
        perms: tuple[str, ...],
        own: bool,
        status: int,
    ) -> None:
        user = make_staff(*perms)
        if own:
            ConnectedAccount.objects.update(connected_by=user)
        client.force_login(user)
        assert client.get(door(attachment)).status_code == status
        assert len(host.requests) == (status == 302)

    def test_a_superuser_and_a_person_without_any_right(
        self, client: Client, attachment: Attachment
    ) -> None:
        client.force_login(make_superuser())
        assert client.get(door(attachment)).status_code == 302
        client.force_login(make_user())
        assert client.get(door(attachment)).status_code == 404

    def test_a_replaced_policy_decides(
        self, reader: Client, attachment: Attachment, settings: Settings
    ) -> None:
        settings.INSTAGRAM_ACCESS_POLICY = f"{__name__}.NothingPolicy"
        assert reader.get(door(attachment)).status_code == 404

    def test_foreign_absent_and_unsent_look_the_same(
        self, client: Client, attachment: Attachment
    ) -> None:
        user = make_staff(*READS)
        own = make_conversation(contact=make_contact(account=make_account(connected_by=user)))
        unsent = make_attachment(make_message(conversation=own, unsent_at=NOON))
        empty = make_attachment(make_message(conversation=own), url="")
        client.force_login(user)
        answers = [client.get(door(n)) for n in (attachment, 4711, unsent, empty, 10**30)]
        assert {one.status_code for one in answers} == {404}
        pages = {CSRF.sub("", one.text) for one in answers}
        assert len(pages) == 1

    @pytest.mark.parametrize("path", ["media/x/", "media/-1/", "media//", f"media/{'9' * 5000}/"])
    def test_odd_addresses_are_not_found(self, reader: Client, path: str) -> None:
        assert reader.get(f"/api/social/instagram/{path}").status_code == 404

    @pytest.mark.parametrize("method", ["post", "put", "delete", "head", "options"])
    def test_it_is_only_read(self, reader: Client, attachment: Attachment, method: str) -> None:
        assert getattr(reader, method)(door(attachment)).status_code == 405


class NothingPolicy(AccessPolicy):
    """A host's rule that shows nobody anything."""

    def accounts_for(self, user: Any) -> Any:
        return ConnectedAccount.objects.none()


class TestToMeta:
    def test_the_link_is_passed_on_to_the_letter(
        self, reader: Client, host: Host, attachment: Attachment
    ) -> None:
        response = reader.get(door(attachment))
        assert response.status_code == 302
        assert response["Location"] == attachment.url == host.url(SECRET_PATH)
        assert response["Referrer-Policy"] == "no-referrer"
        assert "no-store" in response["Cache-Control"]
        assert "private" in response["Cache-Control"]

    def test_our_cookies_and_tokens_stay_here(
        self, reader: Client, host: Host, attachment: Attachment
    ) -> None:
        reader.get(door(attachment), headers={"Authorization": "Bearer x", "X-Test": "y"})
        [request] = host.requests
        for word in ("cookie", "authorization", "x-test", "bearer", "session"):
            assert word not in request.lower()

    def test_asking_happens_outside_any_transaction(
        self, reader: Client, attachment: Attachment, settings: Settings
    ) -> None:
        settings.DATABASES["default"]["ATOMIC_REQUESTS"] = True
        connection.settings_dict["ATOMIC_REQUESTS"] = True
        try:
            assert reader.get(door(attachment)).status_code == 302
        finally:
            connection.settings_dict["ATOMIC_REQUESTS"] = False

    def test_a_host_that_is_away_keeps_nobody_from_trying(
        self, reader: Client, settings: Settings
    ) -> None:
        with media_host(answer()) as gone:
            pass
        settings.INSTAGRAM_MEDIA_HOSTS = [gone.entry]
        attachment = make_attachment(make_message(), url=gone.url())
        response = reader.get(door(attachment))
        assert (response.status_code, response["Location"]) == (302, gone.url())

    @pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found", "410 Gone"])
    def test_a_dead_link_is_told_in_words(
        self, reader: Client, settings: Settings, status: str
    ) -> None:
        with media_host(answer(b"", status)) as host:
            settings.INSTAGRAM_MEDIA_HOSTS = [host.entry]
            attachment = make_attachment(make_message(), url=host.url())
            for _ in range(2):
                response = reader.get(door(attachment))
                assert response.status_code == 410
                assert "This picture has expired at Instagram" in response.text
                assert "asking Instagram for a new link" in response.text
                assert "no-store" in response["Cache-Control"]
                assert host.entry not in response.text
            assert len(host.requests) == 1
        assert Attachment.objects.get().expired_at is not None
        assert [job.name for job in Job.objects.all()] == ["reread_media"]

    def test_a_dead_story_is_told_in_other_words(self, reader: Client, settings: Settings) -> None:
        with media_host(answer(b"", "404 Not Found")) as host:
            settings.INSTAGRAM_MEDIA_HOSTS = [host.entry]
            attachment = make_attachment(make_message(), type="ig_story", url=host.url())
            page = reader.get(door(attachment)).text
        assert "This story has expired at Instagram" in page
        assert "new link" not in page
        assert not Job.objects.exists()


class TestElsewhere:
    @pytest.mark.parametrize(
        "url", ["https://evil.example/x?a=1&b=2", "http://lookaside.fbsbx.com/x"]
    )
    def test_another_site_is_only_shown(self, reader: Client, url: str) -> None:
        response = reader.get(door(make_attachment(make_message(), url=url)))
        assert response.status_code == 200
        assert "Location" not in response
        href = url.replace("&", "&amp;")
        assert f'<a href="{href}" rel="noopener noreferrer nofollow"' in response.text
        assert f"<code>{href}</code>" in response.text
        assert "trust the host" in response.text
        assert response["Referrer-Policy"] == "no-referrer"

    @pytest.mark.parametrize(
        "url",
        [
            "javascript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "https://a.fbcdn.net@evil.example/",
            "https://evil.example\\.fbcdn.net/",
            'https://[evil"><script>alert(1)</script>/',
            "file:///etc/passwd",
            "https://evil.example/\u202egpj.exe",
            "x" * 100_000,
        ],
    )
    def test_what_cannot_be_opened_safely_is_text(self, reader: Client, url: str) -> None:
        response = reader.get(door(make_attachment(make_message(), url=url)))
        assert response.status_code == 200
        assert "<a " not in response.text
        assert "<script" not in response.text
        assert "\u202e" not in response.text
        assert "not a web address that can be opened safely" in response.text
        assert len(response.text) < 10_000

    def test_nobody_is_sent_to_the_canary(self, reader: Client) -> None:
        with media_host(answer()) as canary:
            attachment = make_attachment(make_message(), url=canary.url())
            assert reader.get(door(attachment)).status_code == 200
            assert canary.requests == []


class TestCopy:
    def keep(self, content: bytes, attachment: Attachment, name: str = "copy.html") -> None:
        attachment.file = default_storage.save(f"instagram/{name}", ContentFile(content))
        attachment.save()

    def test_a_copy_is_served_as_a_harmless_download(
        self, reader: Client, host: Host, attachment: Attachment
    ) -> None:
        self.keep(PNG, attachment)
        response = reader.get(door(attachment))
        assert response.getvalue() == PNG
        assert response["Content-Type"] == "image/png"
        assert response["Content-Disposition"] == (
            f'attachment; filename="instagram-{attachment.pk}.png"'
        )
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert response["Cross-Origin-Resource-Policy"] == "same-origin"
        assert set(response["Cache-Control"].split(", ")) == {"private", "no-store"}
        assert host.requests == []

    def test_a_copy_outlives_its_link(self, reader: Client, attachment: Attachment) -> None:
        self.keep(PNG, attachment)
        Attachment.objects.update(url="", expired_at=NOON)
        assert reader.get(door(attachment)).getvalue() == PNG

    @pytest.mark.parametrize("content", [SVG, b"<!doctype html><script>alert(1)</script>", b""])
    def test_what_is_no_media_is_never_served(
        self, reader: Client, attachment: Attachment, content: bytes
    ) -> None:
        self.keep(content, attachment)
        assert reader.get(door(attachment))["Location"] == attachment.url

    def test_a_lost_copy_leads_to_metas_link(self, reader: Client, attachment: Attachment) -> None:
        Attachment.objects.update(file="instagram/lost.png")
        assert reader.get(door(attachment))["Location"] == attachment.url

    def test_a_name_that_climbs_out_is_not_read(
        self, reader: Client, attachment: Attachment
    ) -> None:
        Attachment.objects.update(file="../../etc/passwd")
        assert reader.get(door(attachment)).status_code == 400

    def test_it_goes_with_its_message(self, reader: Client, attachment: Attachment) -> None:
        self.keep(PNG, attachment)
        Message.objects.update(unsent_at=NOON)
        assert reader.get(door(attachment)).status_code == 404
