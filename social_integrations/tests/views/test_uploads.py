"""The doors to files staff send: Meta's by a signed link, and the one for staff."""

from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from social_integrations.access import AccessPolicy
from social_integrations.models import ConnectedAccount, Upload
from social_integrations.services.uploads import link_for
from social_integrations.tests.factories import (
    make_account,
    make_staff,
    make_superuser,
    make_upload,
    make_user,
)

pytestmark = pytest.mark.django_db

READS = ("view_conversation", "view_message")
READER = (*READS, "view_connectedaccount")
CONTENT = b"\xff\xd8\xff\xe0 picture"
PDF = {"type": "file", "content_type": "application/pdf", "name": "ფასები.pdf"}


def path_of(upload: Upload) -> str:
    return link_for(upload).removeprefix("https://testserver")


def door(upload: Upload | int) -> str:
    number = upload if isinstance(upload, int) else upload.pk
    return f"/api/social/instagram/uploads/{number}/"


def body(response: Any) -> bytes:
    return b"".join(response) if response.streaming else response.content


class TestMetasDoor:
    def test_a_signed_link_gives_the_file_without_a_session(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        path = path_of(make_upload(content=CONTENT))
        with django_assert_num_queries(1):
            response = client.get(path)
        assert response.status_code == 200
        assert body(response) == CONTENT
        assert response["Content-Type"] == "image/jpeg"
        assert response["Content-Length"] == str(len(CONTENT))
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert "no-store" in response["Cache-Control"]
        assert not response.cookies

    def test_a_look_ahead_gets_the_headers(self, client: Client) -> None:
        response = client.head(path_of(make_upload(content=CONTENT)))
        assert response["Content-Length"] == str(len(CONTENT))
        assert body(response) == b""

    def test_it_is_a_download_in_a_browser(self, client: Client) -> None:
        response = client.get(path_of(make_upload(**PDF)))
        assert response["Content-Disposition"].startswith("attachment;")
        assert response["Content-Type"] == "application/pdf"

    def test_whatever_is_wrong_looks_the_same(self, client: Client, settings: Settings) -> None:
        upload = make_upload()
        path = path_of(upload)
        lost = make_upload()
        default_storage.delete(str(lost.file.name))
        erased = make_upload()
        erased_path = path_of(erased)
        erased.delete()
        paths = [
            path.replace("outgoing/", "outgoing/9"),
            path[:-3] + "xx/",
            "/api/social/instagram/outgoing/1/",
            "/api/social/instagram/outgoing/%00/",
            "/api/social/instagram/outgoing/" + "a" * 3000 + "/",
            path_of(lost),
            erased_path,
        ]
        answers = [client.get(each) for each in paths]
        settings.INSTAGRAM_UPLOAD_LINK_SECONDS = -1
        answers.append(client.get(path))
        shapes = {
            (each.status_code, body(each), tuple(sorted(each.headers.items()))) for each in answers
        }
        assert len(shapes) == 1
        assert answers[0].status_code == 404
        assert answers[0]["Content-Type"].startswith("text/plain")

    @pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
    def test_only_reading(self, client: Client, method: str) -> None:
        assert getattr(client, method)(path_of(make_upload())).status_code == 405


class TestStaffsDoor:
    def test_who_gets_in(self, client: Client) -> None:
        account = make_account()
        upload = make_upload(account=account)
        owner = make_staff(*READS)
        ConnectedAccount.objects.filter(pk=account.pk).update(connected_by=owner)
        for user, expected in [
            (owner, 200),
            (make_staff(*READER), 200),
            (make_superuser(), 200),
            (make_user(), 404),
            (make_staff("view_connectedaccount"), 404),
            (make_staff("view_message", "view_connectedaccount"), 404),
            (make_staff(*READS), 404),  # of another account
        ]:
            client.force_login(user)
            assert client.get(door(upload)).status_code == expected, user

    def test_nobody_goes_to_the_login(self, client: Client) -> None:
        response = client.get(door(make_upload()))
        assert response.status_code == 302
        assert "/login/" in response["Location"]

    def test_the_hosts_policy_counts(self, client: Client, settings: Settings) -> None:
        settings.INSTAGRAM_ACCESS_POLICY = f"{__name__}.Nobody"
        client.force_login(make_superuser())
        assert client.get(door(make_upload())).status_code == 404

    @pytest.mark.parametrize("number", [0, 987_654_321, 2**63])
    def test_a_number_without_a_file(self, client: Client, number: int) -> None:
        client.force_login(make_superuser())
        assert client.get(door(number)).status_code in (400, 404)

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ({}, "inline"),
            ({"type": "video", "content_type": "video/mp4"}, "inline"),
            ({"type": "audio", "content_type": "audio/mp4"}, "inline"),
            (PDF, "attachment"),
        ],
    )
    def test_pictures_are_shown_and_documents_downloaded(
        self, client: Client, values: dict[str, str], expected: str
    ) -> None:
        client.force_login(make_superuser())
        response = client.get(door(make_upload(**values)))
        assert response["Content-Disposition"].startswith(f"{expected};")
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response["Content-Security-Policy"]
        assert "no-store" in response["Cache-Control"]
        assert "private" in response["Cache-Control"]

    def test_a_name_cannot_add_a_header(self, client: Client) -> None:
        client.force_login(make_superuser())
        response = client.get(door(make_upload(name='a"; filename="b.exe')))
        assert response["Content-Disposition"] == 'inline; filename="a\\"; filename=\\"b.exe"'

    def test_a_lost_file_is_not_found(self, client: Client) -> None:
        client.force_login(make_superuser())
        upload = make_upload()
        default_storage.delete(str(upload.file.name))
        assert client.get(door(upload)).status_code == 404


class TestParts:
    """Safari plays nothing without them."""

    BYTES = bytes(range(100))

    @pytest.fixture
    def url(self, client: Client) -> str:
        client.force_login(make_superuser())
        values = {"type": "video", "content_type": "video/mp4"}
        return door(make_upload(content=self.BYTES, **values))

    @pytest.mark.parametrize(
        ("asked", "start", "end"),
        [
            ("bytes=0-1", 0, 1),
            ("bytes=10-19", 10, 19),
            ("bytes=90-", 90, 99),
            ("bytes=-5", 95, 99),
            ("bytes=-500", 0, 99),
            ("bytes=0-999", 0, 99),
            ("bytes=99-99", 99, 99),
        ],
    )
    def test_one_part(self, client: Client, url: str, asked: str, start: int, end: int) -> None:
        response = client.get(url, headers={"Range": asked})
        assert response.status_code == 206
        assert body(response) == self.BYTES[start : end + 1]
        assert response["Content-Range"] == f"bytes {start}-{end}/100"
        assert response["Content-Length"] == str(end - start + 1)
        assert response["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize(
        "asked", ["", "bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,5-6", "lines=0-1", "bytes=a-b"]
    )
    def test_what_is_no_part_gives_the_whole(self, client: Client, url: str, asked: str) -> None:
        response = client.get(url, headers={"Range": asked})
        assert (response.status_code, body(response)) == (200, self.BYTES)
        assert response["Accept-Ranges"] == "bytes"

    @pytest.mark.parametrize("asked", ["bytes=100-", "bytes=100-200", "bytes=-0"])
    def test_nothing_is_there(self, client: Client, url: str, asked: str) -> None:
        response = client.get(url, headers={"Range": asked})
        assert response.status_code == 416
        assert response["Content-Range"] == "bytes */100"

    def test_the_file_is_closed_afterwards(self, client: Client, url: str) -> None:
        response = client.get(url, headers={"Range": "bytes=0-1"})
        assert body(response) == self.BYTES[:2]
        response.close()
        assert response.closed


class Nobody(AccessPolicy):
    """A host's own rule: nobody sees any account."""

    def accounts_for(self, user: Any) -> Any:
        return ConnectedAccount.objects.none()
