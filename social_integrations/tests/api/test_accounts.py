"""The accounts' routes: their shape, who may see and do what, and nothing kept in caches."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from social_integrations.api.tokens import AccessToken
from social_integrations.models import ConnectedAccount
from social_integrations.tests.api.test_status import ACCOUNT_KEYS
from social_integrations.tests.factories import make_account, make_staff, make_superuser, make_user
from social_integrations.tests.graph.answers import FakeMeta

pytestmark = pytest.mark.django_db

ACCOUNTS = "/api/social/instagram/accounts/"
EDGE = "700100200301/subscribed_apps"


def ask(client: Client, user: User | None, path: str, method: str = "get") -> Any:
    headers = {"Authorization": f"Bearer {AccessToken.for_user(user)}"} if user else {}
    return getattr(client, method)(path, headers=headers)


def test_an_account_is_the_statuss_and_what_was_granted(client: Client) -> None:
    user = make_user()
    account = make_account(
        connected_by=user, granted_scopes=["instagram_basic"], page_id="7", page_name="Shop"
    )
    one = ask(client, user, f"{ACCOUNTS}{account.pk}/")
    assert list(one.json()) == [*ACCOUNT_KEYS, "granted_scopes", "page"]
    assert one.json()["granted_scopes"] == ["instagram_basic"]
    assert one.json()["page"] == {"id": "7", "name": "Shop"}
    assert ask(client, user, ACCOUNTS).json() == {"accounts": [one.json()]}
    assert account.access_token not in one.text


@pytest.mark.parametrize("pk", ["foreign", "0", "999999", "99999999999999999999999"])
@pytest.mark.parametrize(("path", "method"), [("", "get"), ("disconnect/", "post")])
def test_a_foreign_account_is_as_absent_as_one_that_is(
    client: Client, pk: str, path: str, method: str
) -> None:
    foreign = make_account(connected_by=make_user())
    pk = str(foreign.pk) if pk == "foreign" else pk
    response = ask(client, make_user(), f"{ACCOUNTS}{pk}/{path}", method)
    assert response.status_code == 404
    assert response.json() == {
        "error": {"code": "not_found", "message": "Not found.", "details": {}}
    }
    foreign.refresh_from_db()
    assert foreign.status == "connected"


def test_nothing_is_kept_in_caches_errors_neither(client: Client) -> None:
    user = make_user()
    account = make_account(connected_by=user)
    for who, path, method in (
        (user, ACCOUNTS, "get"),
        (user, f"{ACCOUNTS}{account.pk}/", "get"),
        (user, f"{ACCOUNTS}999/", "get"),
        (None, ACCOUNTS, "get"),
        (user, f"{ACCOUNTS}{account.pk}/disconnect/", "get"),
    ):
        response = ask(client, who, path, method)
        assert response["Cache-Control"] == "private, no-store"
        assert "Authorization" in response["Vary"]


def test_looking_is_not_enough_to_disconnect(client: Client) -> None:
    account = make_account(connected_by=None)
    path = f"{ACCOUNTS}{account.pk}/disconnect/"
    response = ask(client, make_staff("view_connectedaccount"), path, "post")
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "permission_denied"
    account.refresh_from_db()
    assert account.status == "connected"


@pytest.mark.parametrize("who", ["owner", "manager", "superuser"])
def test_disconnecting_shows_the_account_as_it_is_then(
    client: Client,
    meta: FakeMeta,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    who: str,
) -> None:
    meta.answer("DELETE", EDGE, "subscribed")
    user = {
        "owner": make_user,
        "manager": lambda: make_staff("view_connectedaccount", "change_connectedaccount"),
        "superuser": make_superuser,
    }[who]()
    account = make_account(page_id="700100200301", connected_by=user if who == "owner" else None)
    path = f"{ACCOUNTS}{account.pk}/disconnect/"
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            response = ask(client, user, path, "post")
        assert response.status_code == 200
        body = response.json()
        assert (body["status"], body["is_active"]) == ("disconnected", False)
        assert [problem["code"] for problem in body["problems"]] == ["disconnected"]
    assert ConnectedAccount.objects.get().access_token == ""
    assert len(meta.calls()) == 1


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_only_post_disconnects(client: Client, method: str) -> None:
    account = make_account()
    path = f"{ACCOUNTS}{account.pk}/disconnect/"
    assert ask(client, make_superuser(), path, method).status_code == 405
    account.refresh_from_db()
    assert account.status == "connected"


def test_a_session_does_not_disconnect(client: Client) -> None:
    account = make_account()
    client.force_login(make_superuser())
    assert client.post(f"{ACCOUNTS}{account.pk}/disconnect/").status_code == 401
