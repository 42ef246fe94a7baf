"""Meta's callbacks from outside: who is believed, what is answered, what happens then."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from social_integrations.engine import drain
from social_integrations.models import ConnectedAccount, Contact, DeletionRequest, Job, WebhookEvent
from social_integrations.services.refusals import counts_today
from social_integrations.tests.factories import make_account, make_contact, make_event, make_job
from social_integrations.tests.graph.answers import FakeMeta
from social_integrations.tests.payloads import encode, post, signed_request, text_payload

pytestmark = pytest.mark.django_db

DEAUTHORIZE = "/api/social/instagram/deauthorize/"
DELETION = "/api/social/instagram/data-deletion/"
USER = "9000000001"
both = pytest.mark.parametrize("address", [DEAUTHORIZE, DELETION])
FORM = "application/x-www-form-urlencoded"
A_FILE = (
    "--x\r\nContent-Disposition: form-data; name=signed_request; filename=a\r\n\r\n"
    "GOOD\r\n--x--\r\n"
)


@pytest.fixture(autouse=True)
def _fresh_counters() -> None:
    cache.clear()


def call(client: Client, address: str, text: str, **extra: Any) -> Any:
    """POST as Meta does."""
    return client.post(address, f"signed_request={text}", content_type=FORM, **extra)


def deauthorize(client: Client, user_id: Any = USER) -> Any:
    return call(client, DEAUTHORIZE, signed_request(user_id))


def ask(client: Client, user_id: Any = USER, **changes: Any) -> DeletionRequest:
    response = call(client, DELETION, signed_request(user_id, **changes))
    assert response.status_code == 200
    return DeletionRequest.objects.get(confirmation_code=response.json()["confirmation_code"])


class TestTheDoor:
    @both
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "x",
            "x.y",
            signed_request(USER, "another-secret-0123456789"),
            signed_request(USER, algorithm="HMAC-SHA1"),
            signed_request(USER, algorithm="none"),
            signed_request(""),
            signed_request({"id": USER}),
            signed_request(USER)[:-1],
            signed_request(USER) + "%00",
            "%F0%9F%98%80.%ED%A0%80",
            "A" * 9000,
        ],
    )
    def test_what_meta_did_not_sign_is_403_and_changes_nothing(
        self, client: Client, address: str, text: str
    ) -> None:
        account = make_account(meta_user_id=USER)
        response = call(client, address, text)
        assert response.status_code == 403
        assert response.content == b"Forbidden: the signed request does not match.\n"
        account.refresh_from_db()
        assert account.is_active
        assert not DeletionRequest.objects.exists()
        assert counts_today() == {"signed_request": 1}

    @both
    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            ("application/json", '{"signed_request": "GOOD"}'),
            ("text/plain", "signed_request=GOOD"),
            ("", "signed_request=GOOD"),
            (FORM, ""),
            (FORM, "signed_request=GOOD&signed_request=GOOD"),
            (FORM, "Signed_Request=GOOD"),
            (FORM, "signed_request[]=GOOD"),
            (FORM, "a=1&" * 2000),
            ("multipart/form-data", "x"),
            ("multipart/form-data; boundary=x", "--x\r\nbroken"),
            ("multipart/form-data; boundary=\xff", "x"),
            ("multipart/form-data; boundary=x; charset=base64", "--x--"),
            ("multipart/form-data; boundary=x", A_FILE),
        ],
    )
    def test_anything_but_the_form_is_400(
        self, client: Client, address: str, content_type: str, body: str
    ) -> None:
        make_account(meta_user_id=USER)
        body = body.replace("GOOD", signed_request(USER))
        response = client.generic("POST", address, body, content_type=content_type)
        assert response.status_code == 400
        assert response.content == b"A form with one field signed_request is expected.\n"
        assert ConnectedAccount.objects.get().is_active

    @both
    def test_the_address_is_not_the_form(self, client: Client, address: str) -> None:
        make_account(meta_user_id=USER)
        query = f"{address}?signed_request={signed_request(USER)}"
        assert client.post(query, "", content_type=FORM).status_code == 400
        assert ConnectedAccount.objects.get().is_active

    @both
    @pytest.mark.parametrize("charset", ["utf-16", "base64", "idna", "x" * 200, "utf-8"])
    def test_the_callers_charset_does_not_matter(
        self, client: Client, address: str, charset: str
    ) -> None:
        body = f"signed_request={signed_request(USER)}"
        kind = f"{FORM}; charset={charset}"
        assert client.generic("POST", address, body, content_type=kind).status_code == 200

    @both
    def test_a_multipart_form_is_a_form(self, client: Client, address: str) -> None:
        response = client.post(address, {"signed_request": signed_request(USER)})
        assert response.status_code == 200

    @both
    def test_too_large_is_413_unread(self, client: Client, address: str) -> None:
        assert call(client, address, "A" * 20_000).status_code == 413

    @both
    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def test_only_post(self, client: Client, address: str, method: str) -> None:
        response = client.generic(method, address)
        assert response.status_code == 405
        assert response["Allow"] == "POST"

    @both
    def test_neither_csrf_nor_session(self, address: str) -> None:
        client = Client(enforce_csrf_checks=True)
        response = call(client, address, signed_request(USER))
        assert response.status_code == 200
        assert not response.cookies
        assert "Cookie" not in response.get("Vary", "")
        assert response["Cache-Control"] == "no-store"

    @both
    def test_refusals_are_limited_and_signed_requests_are_not(
        self, client: Client, address: str, settings: Settings
    ) -> None:
        settings.INSTAGRAM_WEBHOOK_REFUSED_RATE = "2/min"
        statuses = [call(client, address, "x.y").status_code for _ in range(3)]
        assert statuses == [403, 403, 429]
        assert call(client, address, signed_request(USER)).status_code == 200

    @both
    def test_any_configured_secret_may_have_signed(
        self, client: Client, address: str, settings: Settings
    ) -> None:
        settings.INSTAGRAM_APP_SECRET = ["new-secret-01234567", "old-secret-01234567"]
        settings.INSTAGRAM_LOGIN_APP_SECRET = "login-secret-01234567"
        for secret in ("new-secret-01234567", "old-secret-01234567", "login-secret-01234567"):
            assert call(client, address, signed_request(USER, secret)).status_code == 200
        settings.INSTAGRAM_APP_SECRET, settings.INSTAGRAM_LOGIN_APP_SECRET = "", []
        assert call(client, address, signed_request(USER, secret)).status_code == 403

    @both
    def test_without_a_database_meta_is_asked_to_repeat(self, client: Client, address: str) -> None:
        def away(*_: Any) -> None:
            raise OperationalError("no connection to 10.0.0.1")

        with connection.execute_wrapper(away):
            response = call(client, address, signed_request(USER))
        assert response.status_code == 503
        assert response["Retry-After"] == "5"
        assert b"10.0.0.1" not in response.content


class TestDeauthorize:
    @pytest.mark.parametrize("field", ["meta_user_id", "app_scoped_id", "instagram_account_id"])
    def test_the_account_is_disconnected_at_once(
        self, client: Client, meta: FakeMeta, field: str
    ) -> None:
        account = make_account(**{field: USER})
        other = make_account(meta_user_id="2")
        contact = make_contact(account=account)
        mine = make_job(payload={"contact": contact.pk})
        stays = make_job(payload={"contact": make_contact(account=other).pk})
        assert deauthorize(client).status_code == 200
        account.refresh_from_db()
        other.refresh_from_db()
        assert account.status == ConnectedAccount.Status.DISCONNECTED
        assert account.access_token == ""
        assert account.webhook_subscribed_at is None
        assert "removed at Meta" in account.status_reason
        assert other.is_active
        assert other.access_token
        assert not Job.objects.filter(pk=mine.pk).exists()
        assert Job.objects.filter(pk=stays.pk).exists()
        assert Contact.objects.filter(pk=contact.pk).exists()

    def test_no_call_to_meta_follows(self, client: Client, meta: FakeMeta) -> None:
        account = make_account(meta_user_id=USER)
        make_job(payload={"contact": make_contact(account=account).pk})
        assert deauthorize(client).status_code == 200
        body = text_payload("m-1", account=account.instagram_account_id)
        assert post(client, encode(body)).status_code == 200
        drain()
        assert WebhookEvent.objects.get().status == WebhookEvent.Status.APPLIED  # still received
        assert meta.calls() == []

    def test_again_or_by_somebody_unknown_is_200(self, client: Client) -> None:
        make_account(meta_user_id=USER)
        assert [deauthorize(client).status_code for _ in range(2)] == [200, 200]
        assert deauthorize(client, "404404").status_code == 200
        reason = ConnectedAccount.objects.get().status_reason
        assert "removed at Meta" in reason

    def test_a_late_one_is_believed_and_noted(
        self, client: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        make_account(meta_user_id=USER)
        long_ago = int((datetime.now(UTC) - timedelta(days=9)).timestamp())
        assert (
            call(client, DEAUTHORIZE, signed_request(USER, issued_at=long_ago)).status_code == 200
        )
        assert not ConnectedAccount.objects.get().is_active
        assert "Deauthorisation written 216 hours ago" in caplog.text
        assert USER not in caplog.text

    def test_reading_the_token_is_not_needed(self, client: Client, settings: Settings) -> None:
        make_account(meta_user_id=USER)
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = []
        assert deauthorize(client).status_code == 200
        assert ConnectedAccount.objects.get().access_token == ""


class TestDataDeletion:
    def test_the_answer_is_what_meta_wants(self, client: Client) -> None:
        response = call(client, DELETION, signed_request(USER), headers={"Host": "localhost"})
        code = response.json()["confirmation_code"]
        assert response.json() == {
            "url": f"https://testserver{DELETION}status/{code}/",
            "confirmation_code": code,
        }
        assert response["Content-Type"] == "application/json"
        assert code.isalnum()
        assert len(code) == 32
        assert client.get(f"{DELETION}status/{code}/").status_code == 200

    def test_the_public_address_may_be_set(self, client: Client, settings: Settings) -> None:
        settings.INSTAGRAM_PUBLIC_URL = "https://crm.operator.org/ignored/"
        url = call(client, DELETION, signed_request(USER)).json()["url"]
        assert url.startswith(f"https://crm.operator.org{DELETION}status/")

    def test_an_installation_that_holds_nothing_says_so_and_keeps_no_id(
        self, client: Client
    ) -> None:
        asked = ask(client)
        assert asked.state == DeletionRequest.State.NOTHING_HELD
        assert asked.user_id == ""
        assert USER not in asked.user_hash
        assert asked.finished_at
        assert not Job.objects.exists()

    @pytest.mark.parametrize("make", [make_account, make_contact, make_event])
    def test_an_unknown_user_waits_for_a_person(self, client: Client, make: Any) -> None:
        make()
        asked = ask(client)
        assert asked.state == DeletionRequest.State.NEEDS_PERSON
        assert asked.user_id == USER
        assert not Job.objects.exists()

    @pytest.mark.parametrize("field", ["meta_user_id", "app_scoped_id", "instagram_account_id"])
    def test_a_known_user_is_erased_and_done_is_said_only_then(
        self, client: Client, meta: FakeMeta, field: str
    ) -> None:
        account = make_account(**{field: USER})
        body = text_payload("m-1", account=account.instagram_account_id)
        assert post(client, encode(body)).status_code == 200
        drain()
        other = make_account()
        calls_before = len(meta.calls())
        asked = ask(client)
        assert asked.state == DeletionRequest.State.RECEIVED
        account.refresh_from_db()
        assert account.access_token == ""
        drain()
        asked.refresh_from_db()
        assert asked.state == DeletionRequest.State.DONE
        assert (asked.user_id, asked.finished_at is not None) == ("", True)
        assert list(ConnectedAccount.objects.all()) == [other]
        assert not Contact.objects.exists()
        assert not WebhookEvent.objects.exists()
        assert (asked.erased_accounts, asked.erased_people, asked.erased_messages) == (1, 1, 1)
        assert asked.erased_events == 1
        assert len(meta.calls()) == calls_before

    def test_the_same_request_again_is_the_same_row(self, client: Client) -> None:
        make_account()
        first = ask(client)
        assert ask(client) == first
        assert ask(client, issued_at=1) == first  # another one of the same user, while it is open
        assert ask(client, "9000000002") != first
        assert DeletionRequest.objects.count() == 2

    def test_a_replay_does_not_erase_what_came_later(self, client: Client) -> None:
        make_account(meta_user_id=USER)
        first = ask(client)
        drain()
        make_account(meta_user_id=USER)  # connected again
        assert ask(client) == first
        drain()
        assert ConnectedAccount.objects.get().is_active
        later = ask(client, issued_at=1795340001)
        assert later != first
        drain()
        assert not ConnectedAccount.objects.exists()

    def test_one_request_takes_few_statements(self, client: Client) -> None:
        account = make_account(meta_user_id=USER)
        for _ in range(20):
            make_contact(account=account)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            ask(client)
        assert len(queries) < 25
