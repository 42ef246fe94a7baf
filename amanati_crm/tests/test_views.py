"""The front page, the health answers, and the pages everybody meets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DataError, connection
from django.test import Client
from django.urls import reverse

from social_integrations.api.tokens import AccessToken
from social_integrations.tests.factories import make_user
from social_integrations.tests.services.test_intake import no_database


class TestHome:
    def test_it_needs_neither_sign_in_nor_database(self, client: Client) -> None:
        page = client.get("/").content.decode()
        for name in ("social_integrations:oauth-start", "admin:index", "legal:privacy", "login"):
            assert f'href="{reverse(name)}"' in page
        assert "Sign out" not in page

    @pytest.mark.django_db
    def test_who_is_signed_in_can_sign_out(self, client: Client) -> None:
        client.force_login(make_user(username="customer"))
        page = client.get("/").content.decode()
        assert "customer" in page
        assert f'action="{reverse("logout")}"' in page
        assert client.post(reverse("logout")).headers["Location"] == "/"
        assert "customer" not in client.get("/").content.decode()


class TestHealth:
    def test_live_asks_nobody(self, client: Client) -> None:
        response = client.get("/health/live/")
        assert (response.status_code, response.json()) == (200, {"status": "ok"})
        assert "no-store" in response["Cache-Control"]

    @pytest.mark.django_db
    def test_ready_asks_the_database(self, client: Client) -> None:
        response = client.get("/health/ready/")
        assert (response.status_code, response.json()) == (200, {"status": "ok", "database": "ok"})
        assert "no-store" in response["Cache-Control"]

    @pytest.mark.django_db(transaction=True)
    def test_without_a_database_it_is_alive_but_not_ready(self, client: Client) -> None:
        with no_database():
            assert client.get("/health/live/").status_code == 200
            response = client.get("/health/ready/")
        assert (response.status_code, response["Retry-After"]) == (503, "5")
        assert response.json() == {"status": "unavailable", "database": "unreachable"}
        assert client.get("/health/ready/").status_code == 200

    @pytest.mark.parametrize("path", ["/health/live/", "/health/ready/"])
    def test_nothing_can_be_posted(self, client: Client, path: str) -> None:
        assert client.post(path).status_code == 405


class TestNotFound:
    @pytest.mark.parametrize("path", ["/no-such-page/", "/<script>alert(1)</script>/", "/%00/"])
    def test_a_page_of_ours_says_so_and_repeats_nothing(self, client: Client, path: str) -> None:
        response = client.get(path)
        page = response.content.decode()
        assert response.status_code == 404
        assert "<h1>There is no such page</h1>" in page
        assert 'href="/"' in page
        assert "alert(1)" not in page
        assert "urlpatterns" not in page


class TestErrorsBelowTheApi:
    """What no view of the API answers has its shape all the same; browsers get a page to read."""

    ACCOUNTS = "/api/social/instagram/accounts/"

    @pytest.mark.parametrize("path", ["/api/nowhere/", f"{ACCOUNTS}-1/", f"{ACCOUNTS}null/sync/"])
    def test_no_such_address(self, client: Client, path: str) -> None:
        response = client.post(path)
        assert (response.status_code, response["Cache-Control"]) == (404, "no-store")
        assert response.json() == {
            "error": {"code": "not_found", "message": "Not found.", "details": {}}
        }
        page = client.get(path, headers={"Accept": "text/html,*/*"})
        assert page.status_code == 404
        assert "<h1>There is no such page</h1>" in page.text

    def test_a_wrong_host(self, client: Client) -> None:
        response = client.get(self.ACCOUNTS, headers={"Host": "evil.example"})
        assert (response.status_code, response.json()["error"]["code"]) == (400, "parse_error")

    @pytest.mark.django_db
    def test_a_value_the_database_does_not_take(self, client: Client) -> None:
        with refusing(DataError("too long")):
            response = client.get(self.ACCOUNTS, headers=bearer())
        assert (response.status_code, response.json()["error"]["code"]) == (400, "parse_error")

    @pytest.mark.django_db
    def test_a_fault_of_ours_tells_nothing(self, client: Client) -> None:
        client.raise_request_exception = False
        with refusing(RuntimeError("secret")):
            response = client.get(self.ACCOUNTS, headers=bearer())
        assert (response.status_code, response.json()["error"]["code"]) == (500, "error")
        assert "secret" not in response.text

    @pytest.mark.django_db
    def test_what_is_not_for_everybody(self, client: Client) -> None:
        client.force_login(make_user())
        response = client.get("/api/social/instagram/doctor/")
        assert (response.status_code, response.json()["error"]["code"]) == (
            403,
            "permission_denied",
        )

    def test_elsewhere_it_is_a_page(self, client: Client) -> None:
        assert client.get("/nowhere/").text.startswith("<!doctype html>")
        assert client.get("/inbox/", headers={"Host": "evil.example"}).status_code == 400


@contextmanager
def refusing(error: Exception) -> Iterator[None]:
    """Let the database refuse every look at the accounts."""

    def wrapper(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if "connectedaccount" in sql:
            raise error
        return execute(sql, *rest)

    with connection.execute_wrapper(wrapper):
        yield


def bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {AccessToken.for_user(make_user())}"}


@pytest.mark.django_db
class TestLogin:
    CREDENTIALS = {"username": "customer", "password": "correct horse battery"}

    def test_it_leads_back_to_the_page_asked_for(self, client: Client) -> None:
        make_user(**self.CREDENTIALS)
        target = reverse("social_integrations:oauth-start") + "?login=facebook"
        asked = client.get(target)
        assert asked.headers["Location"].startswith("/login/?next=")
        page = client.get(asked.headers["Location"]).content.decode()
        assert f'name="next" value="{target}"' in page
        answer = client.post("/login/", {**self.CREDENTIALS, "next": target})
        assert (answer.status_code, answer.headers["Location"]) == (302, target)

    @pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:1"])
    def test_it_leads_to_no_other_site(self, client: Client, target: str) -> None:
        make_user(**self.CREDENTIALS)
        answer = client.post("/login/", {**self.CREDENTIALS, "next": target})
        assert answer.headers["Location"] == "/"

    def test_what_next_holds_cannot_break_out_of_the_page(self, client: Client) -> None:
        page = client.get("/login/", {"next": '"><script>alert(1)</script>'}).content.decode()
        assert "<script>alert" not in page

    def test_a_wrong_password_is_said_without_saying_what_was_wrong(self, client: Client) -> None:
        make_user(**self.CREDENTIALS)
        pages = [
            client.post("/login/", {"username": name, "password": "wrong"}).content.decode()
            for name in ("customer", "nobody")
        ]
        for page in pages:
            assert 'role="alert"' in page
            assert "correct username and password" in page

    def test_a_form_from_elsewhere_is_refused_with_a_page_of_ours(self) -> None:
        answer = Client(enforce_csrf_checks=True).post("/login/", self.CREDENTIALS)
        assert answer.status_code == 403
        assert "The form could not be accepted" in answer.content.decode()
