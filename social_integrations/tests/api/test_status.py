"""The connection status: its exact shape, who sees what, and cheap polling."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from social_integrations.api.tokens import AccessToken
from social_integrations.models import ConnectedAccount
from social_integrations.tests.factories import (
    NOON,
    make_account,
    make_staff,
    make_superuser,
    make_user,
)

pytestmark = pytest.mark.django_db

STATUS = "/api/social/instagram/connection/status/"
ACCOUNT_KEYS = [
    "id", "instagram_account_id", "username", "account_name", "is_active", "connected_at",
    "status", "login", "profile_picture_url", "token_expires_at", "webhook_subscribed",
    "last_event_at", "problems",
]  # fmt: skip


def ask(client: Client, user: User, **headers: str) -> Any:
    bearer = {"Authorization": f"Bearer {AccessToken.for_user(user)}"}
    return client.get(STATUS, headers={**bearer, **headers})


def test_shape_is_the_contract(client: Client) -> None:
    user = make_user()
    account = make_account(
        instagram_account_id="17841400000000001", username="shop", name="Shop", connected_by=user
    )
    response = ask(client, user)
    assert response["Content-Type"] == "application/json"
    assert list(response.json()["accounts"][0]) == ACCOUNT_KEYS
    assert response.json() == {
        "connected": True,
        "accounts_count": 1,
        "accounts": [
            {
                "id": account.pk,
                "instagram_account_id": "17841400000000001",
                "username": "shop",
                "account_name": "Shop",
                "is_active": True,
                "connected_at": "2026-11-22T12:00:00Z",
                "status": "connected",
                "login": "facebook",
                "profile_picture_url": "",
                "token_expires_at": None,
                "webhook_subscribed": True,
                "last_event_at": None,
                "problems": [],
            }
        ],
    }


def test_nothing_connected(client: Client) -> None:
    assert ask(client, make_user()).json() == {
        "connected": False,
        "accounts_count": 0,
        "accounts": [],
    }


def test_an_expired_token_does_not_count_as_connected(client: Client) -> None:
    user = make_user()
    make_account(connected_by=user, token_expires_at=timezone.now() - timedelta(minutes=1))
    body = ask(client, user).json()
    assert body["connected"] is False
    assert [problem["code"] for problem in body["accounts"][0]["problems"]] == ["token_expired"]


@pytest.mark.parametrize("status", ["reauth_required", "disconnected"])
def test_unusable_accounts_are_listed_but_do_not_count_as_connected(
    client: Client, status: str
) -> None:
    user = make_user()
    make_account(connected_by=user, status=status)
    body = ask(client, user).json()
    assert body["connected"] is False
    assert body["accounts"][0]["is_active"] is False
    assert [problem["code"] for problem in body["accounts"][0]["problems"]] == [status]
    make_account(connected_by=user)
    assert ask(client, user).json()["connected"] is True


def test_problems_carry_words_and_a_next_step(client: Client) -> None:
    user = make_user()
    make_account(
        connected_by=user,
        webhook_subscribed_at=None,
        token_expires_at=timezone.now() + timedelta(days=3, hours=1),
    )
    problems = ask(client, user).json()["accounts"][0]["problems"]
    assert [problem["code"] for problem in problems] == ["token_expiring", "webhook_not_subscribed"]
    assert all(set(problem) == {"code", "message", "action"} for problem in problems)
    assert all(problem["message"] and problem["action"] for problem in problems)


def test_people_see_their_own_accounts_and_those_with_permission_all(client: Client) -> None:
    owner, stranger = make_user(), make_user()
    make_account(connected_by=owner)
    make_account(connected_by=None)
    assert ask(client, owner).json()["accounts_count"] == 1
    assert ask(client, stranger).json()["accounts_count"] == 0
    assert ask(client, make_staff("view_connectedaccount")).json()["accounts_count"] == 2
    assert ask(client, make_superuser()).json()["accounts_count"] == 2


def test_session_does_not_open_the_api(client: Client) -> None:
    client.force_login(make_superuser())
    assert client.get(STATUS).status_code == 401


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_read_only(client: Client, method: str) -> None:
    user = make_superuser()
    bearer = {"Authorization": f"Bearer {AccessToken.for_user(user)}"}
    account = make_account()
    response = getattr(client, method)(STATUS, {"status": "disconnected"}, headers=bearer)
    assert response.status_code in {405, 415}
    account.refresh_from_db()
    assert account.status == "connected"


def test_no_token_in_the_answer_and_an_unreadable_one_does_no_harm(client: Client) -> None:
    account = make_account(access_token="EAAG-secret-token")
    assert b"EAAG-secret" not in ask(client, make_superuser()).content
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE social_integrations_connectedaccount SET access_token = 'enc1:broken'"
        )
    body = ask(client, make_superuser()).json()
    assert body["accounts"][0]["id"] == account.pk


def test_hostile_names_are_plain_json(client: Client) -> None:
    user = make_user()
    make_account(connected_by=user, name="<script>alert(1)</script>", username="a" * 255)
    response = ask(client, user)
    assert response.json()["accounts"][0]["account_name"] == "<script>alert(1)</script>"
    assert response["Content-Type"] == "application/json"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(("make", "expected"), [(make_superuser, 2), (make_user, 4)])
def test_queries_do_not_grow_with_accounts(client: Client, make: Any, expected: int) -> None:
    """The user and the accounts; Django's permission check adds two for ordinary users."""
    user = make()
    for accounts in (1, 5):
        for _ in range(accounts):
            make_account(connected_by=user)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            ask(client, user)
        assert len(queries) == expected


def test_polling_is_cheap_until_something_changes(client: Client) -> None:
    user = make_user()
    account = make_account(connected_by=user)
    first = ask(client, user)
    assert first["Cache-Control"] == "private, no-cache"
    assert "Authorization" in first["Vary"]

    again = ask(client, user, **{"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again["ETag"] == first["ETag"]
    assert again["Cache-Control"] == "private, no-cache"
    assert "Authorization" in again["Vary"]

    ConnectedAccount.objects.filter(pk=account.pk).update(last_event_at=NOON)
    changed = ask(client, user, **{"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def test_someone_elses_tag_is_of_no_use(client: Client) -> None:
    owner = make_user()
    make_account(connected_by=owner)
    tag = ask(client, owner)["ETag"]
    assert ask(client, make_user(), **{"If-None-Match": tag}).status_code == 200
    assert client.get(STATUS, headers={"If-None-Match": tag}).status_code == 401
