"""The webhook's short cut changes no answer, and a lost database is said politely."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.core.signals import request_finished
from django.db import InterfaceError, OperationalError, ProgrammingError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from amanati_crm.middleware import DatabaseRecoveryMiddleware, WebhookFirstMiddleware
from amanati_crm.wsgi import application
from social_integrations.models import WebhookEvent
from social_integrations.tests.factories import make_superuser, make_user
from social_integrations.tests.payloads import WEBHOOK, encode, post, text_payload
from social_integrations.tests.services.test_intake import end_connection, no_database

SHORT_CUT = "amanati_crm.middleware.WebhookFirstMiddleware"
HANDSHAKE = "?hub.mode=subscribe&hub.challenge=42&hub.verify_token="
TOKEN = "test-verify-token-0123456789abcdefgh"
BODY = encode(text_payload("m-1"))


@pytest.fixture(params=["with", "without"])
def client(request: pytest.FixtureRequest, settings: Settings) -> Client:
    """A client of the project as it is, and of one without the short cut."""
    cache.clear()
    assert SHORT_CUT in settings.MIDDLEWARE
    if request.param == "without":
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != SHORT_CUT]
    return Client(enforce_csrf_checks=True)


def essence(response: Any) -> tuple[Any, ...]:
    assert not response.cookies
    names = ("Content-Type", "Content-Length", "X-Content-Type-Options", "Cache-Control", "Allow")
    return (response.status_code, response.content, *(response.get(name) for name in names))


TEXT = ("text/plain; charset=utf-8",)


@pytest.mark.django_db
class TestWebhookFirst:
    def test_a_delivery_is_taken(self, client: Client) -> None:
        answer = essence(post(client, BODY))
        assert answer == (200, b"EVENT_RECEIVED", *TEXT, "14", "nosniff", "no-store", None)
        assert WebhookEvent.objects.count() == 1

    def test_a_forged_delivery_is_refused(self, client: Client) -> None:
        status, body, *rest = essence(post(client, BODY, "sha256=" + "0" * 64))
        assert (status, body) == (403, b"Forbidden: the signature does not match.\n")
        assert rest[2:] == ["nosniff", "no-store", None]
        assert not WebhookEvent.objects.exists()

    def test_the_handshake_is_answered(self, client: Client) -> None:
        assert essence(client.get(WEBHOOK + HANDSHAKE + TOKEN))[:2] == (200, b"42")
        assert essence(client.get(WEBHOOK + HANDSHAKE + "wrong"))[0] == 403

    def test_other_methods_are_refused(self, client: Client) -> None:
        status, _, *rest = essence(client.put(WEBHOOK))
        assert (status, rest[-1]) == (405, "GET, POST")

    def test_a_session_someone_brings_along_changes_nothing(self, client: Client) -> None:
        client.force_login(make_user())
        session = dict(client.cookies)
        client.cookies["messages"] = "odd"
        assert essence(post(client, BODY))[0] == 200
        assert client.cookies.keys() == {*session, "messages"}

    def test_other_addresses_are_not_its_business(self, client: Client) -> None:
        assert client.get(f"{WEBHOOK}x/").status_code == 404
        assert client.get("/health/live/").json() == {"status": "ok"}


def test_no_database_and_no_later_middleware_is_needed_to_refuse() -> None:
    cache.clear()

    def must_not_run(_request: HttpRequest) -> HttpResponse:
        raise AssertionError

    request = RequestFactory().post(WEBHOOK, b"{}", content_type="application/json")
    assert WebhookFirstMiddleware(must_not_run)(request).status_code == 403


class TestPlainClient:
    @pytest.mark.django_db(transaction=True)
    def test_without_a_database_a_delivery_is_to_be_repeated(self) -> None:
        with no_database():
            response = post(Client(), BODY)
        assert (response.status_code, response["Retry-After"]) == (503, "5")
        assert post(Client(), BODY).status_code == 200
        assert WebhookEvent.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(
        "path", ["/", "/admin/", "/login/", "/api/social/instagram/oauth/start/"]
    )
    def test_without_a_database_pages_say_so_and_nothing_else(self, path: str) -> None:
        client = Client()
        client.force_login(make_user(is_staff=True))
        assert client.get(path).status_code in (200, 302, 403)
        with no_database():
            response = client.get(path)
        assert_polite(response)
        assert client.get(path).status_code in (200, 302, 403)

    @pytest.mark.django_db(transaction=True)
    def test_without_a_database_the_api_says_so_in_its_own_shape(self) -> None:
        credentials = {"username": "somebody", "password": "secret-of-mine"}
        with no_database():
            response = Client().post("/api/auth/token/", credentials, "application/json")
        assert response.status_code == 503
        assert int(response["Retry-After"]) > 0
        assert response.json()["error"]["code"] == "unavailable"
        assert "nowhere" not in response.content.decode()

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("path", ["/", "/health/ready/", "/login/"])
    def test_a_connection_the_server_ended_is_replaced(self, path: str) -> None:
        if connection.vendor != "postgresql":
            pytest.skip("SQLite has no server that could end a connection")
        client = Client()
        client.force_login(make_user())
        end_connection()
        assert client.get(path).status_code == 200


def assert_polite(response: Any) -> None:
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["Cache-Control"] == "no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response.content == b"The database is not available. Please try again in a moment.\n"


class TestRecovery:
    MIDDLEWARE = DatabaseRecoveryMiddleware(lambda _request: HttpResponse("page"))

    @pytest.mark.parametrize("error", [OperationalError, InterfaceError])
    def test_a_lost_database_is_503_without_internals(self, error: type[Exception]) -> None:
        request = RequestFactory().get("/")
        request.user = AnonymousUser()
        response = self.MIDDLEWARE.process_exception(request, error("host=db password=hush"))
        assert response is not None
        assert response.status_code == 503
        assert b"hush" not in response.content

    @pytest.mark.parametrize("error", [ProgrammingError, ValueError, PermissionError])
    def test_any_other_error_is_not_hidden(self, error: type[Exception]) -> None:
        assert self.MIDDLEWARE.process_exception(RequestFactory().get("/"), error()) is None

    @pytest.mark.django_db(transaction=True)
    def test_a_good_connection_is_kept(self) -> None:
        connection.ensure_connection()
        before = connection.connection
        assert self.MIDDLEWARE(RequestFactory().get("/")).content == b"page"
        assert connection.connection is before

    def test_a_page_that_needs_no_database_opens_no_connection(self) -> None:
        assert self.MIDDLEWARE(RequestFactory().get("/")).content == b"page"


class TestOddInput:
    @pytest.mark.django_db
    @pytest.mark.parametrize(
        "query", ["status__exact=%00", "kind=%00", "received_at__year=99999999999999"]
    )
    def test_odd_values_in_an_address_are_no_server_error(self, query: str) -> None:
        client = Client()
        client.force_login(make_superuser())
        response = client.get(f"/admin/social_integrations/webhookevent/?{query}")
        assert response.status_code in {200, 302, 400}

    @pytest.mark.django_db
    def test_a_cookie_with_a_nul_is_forgotten(self, client: Client) -> None:
        client.cookies.load('sessionid="abcdefghijkl\\000abc"')
        assert client.get("/admin/").status_code == 302

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        "content_type",
        [
            "application/json; charset*=utf-8''%00",
            "application/json; charset*=idna''x",
            "application/json; charset=hex",
            "text/html; charset=\x00",
        ],
    )
    def test_no_content_type_makes_a_request_fail(self, content_type: str) -> None:
        answers: list[str] = []
        environ = RequestFactory().post("/api/social/instagram/webhook/").environ
        application(
            environ | {"CONTENT_TYPE": content_type, "QUERY_STRING": "a=%C3%A9"},
            lambda status, *_: answers.append(status),  # type: ignore[arg-type]
        )
        assert answers == ["403 Forbidden"]


class TestHead:
    """Neither waitress nor gunicorn leaves the body out: the next answer would begin with it."""

    @pytest.mark.parametrize("path", ["/legal/privacy/", "/no/such/page/", "/api/no/such/"])
    def test_an_answer_to_head_has_no_body(self, path: str) -> None:
        status, length, sent = self.ask("GET", path)
        assert sent == int(length) > 0
        assert self.ask("HEAD", path) == (status, length, 0)

    @staticmethod
    def ask(method: str, path: str) -> tuple[str, str, int]:
        """Return an answer's status, its length as declared, and how much was sent."""
        given = dict[str, Any]()
        body = application(
            RequestFactory().generic(method, path).environ,
            lambda status, headers, *_: given.update(headers, status=status),  # type: ignore[arg-type]
        )
        return given["status"], given["Content-Length"], sum(map(len, body))

    def test_it_is_ended_all_the_same(self) -> None:
        ended: list[object] = []

        def end(sender: object, **_: object) -> None:
            ended.append(sender)

        request_finished.connect(end)
        application(RequestFactory().head("/health/live/").environ, lambda *_: None)  # type: ignore[arg-type]
        request_finished.disconnect(end)
        assert len(ended) == 1
