"""The connection status: its exact shape, who sees what, and cheap polling."""

from datetime import timedelta
from typing import Any, cast

import pytest
import time_machine
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from social_integrations.access import AccessPolicy, poll
from social_integrations.api.status import FACTS
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


def make_viewer() -> User:
    return make_staff("view_connectedaccount")


def make_group_viewer() -> User:
    user, group = make_user(), Group.objects.create(name="viewers")
    group.permissions.set(Permission.objects.filter(codename="view_connectedaccount"))
    user.groups.add(group)
    return user


def make_outsider() -> User:
    """Holds a permission, but not this one; directly and through a group."""
    user, group = make_staff("change_connectedaccount"), Group.objects.create(name="others")
    group.permissions.set(Permission.objects.filter(codename="view_message"))
    user.groups.add(group)
    return user


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


@pytest.mark.parametrize("make", [make_superuser, make_user, make_viewer, make_group_viewer])
def test_two_queries_for_everybody_however_many_accounts(client: Client, make: Any) -> None:
    """The user, and the accounts along with the permission to see all of them."""
    user = make()
    for accounts in (1, 5):
        for _ in range(accounts):
            make_account(connected_by=user)
        with CaptureQueriesContext(connection) as queries:
            first = ask(client, user)
        assert len(queries) == 2
        with CaptureQueriesContext(connection) as queries:
            again = ask(client, user, **{"If-None-Match": first["ETag"]})
        assert again.status_code == 304
        assert len(queries) == 1
        assert "_message" not in queries[0]["sql"]


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


KINDS = [make_superuser, make_user, make_viewer, make_group_viewer, make_outsider]


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("make", KINDS)
def test_the_short_cut_sees_what_the_policy_sees(make: Any, active: bool) -> None:
    user, other = make(), make_user()
    own = make_account(connected_by=user)
    for someone in (other, None):
        make_account(connected_by=someone)
    if not active:
        User.objects.filter(pk=user.pk).update(is_active=False)
        assert poll(user.pk, FACTS) == []
        return
    seen = poll(user.pk, FACTS)
    assert seen == list(AccessPolicy().accounts_for(user))
    assert own in seen
    assert {account.password for account in cast("Any", seen)} == {user.password}
    assert len(seen) == (3 if user.has_perm("social_integrations.view_connectedaccount") else 1)


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"password": "another"},
    ],
)
def test_who_may_no_longer_come_in_gets_no_304(client: Client, change: dict[str, Any]) -> None:
    user = make_user()
    make_account(connected_by=user)
    bearer = {"Authorization": f"Bearer {AccessToken.for_user(user)}"}
    tag = client.get(STATUS, headers=bearer)["ETag"]
    User.objects.filter(pk=user.pk).update(**change)
    assert client.get(STATUS, headers={**bearer, "If-None-Match": tag}).status_code == 401


@pytest.mark.parametrize("token", ["", "x", "ÿ", "a.b.c", "\x00"])
def test_a_bad_token_with_a_tag_is_401(client: Client, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "If-None-Match": "*"}
    assert client.get(STATUS, headers=headers).status_code == 401


def test_a_permission_given_or_taken_shows_at_once(client: Client) -> None:
    user = make_viewer()
    make_account(connected_by=user)
    make_account(connected_by=None)
    all_of_them = ask(client, user)
    assert all_of_them.json()["accounts_count"] == 2
    user.user_permissions.clear()
    own = ask(client, user, **{"If-None-Match": all_of_them["ETag"]})
    assert (own.status_code, own.json()["accounts_count"]) == (200, 1)


@pytest.mark.parametrize("field", [name for name in FACTS if name != "id"])
def test_whatever_of_the_answer_changes_changes_the_tag(client: Client, field: str) -> None:
    user = make_user()
    account = make_account(connected_by=user)
    before = ask(client, user)["ETag"]
    value: Any = "changed"
    if field.endswith("_at"):
        value = NOON + timedelta(days=1)
    ConnectedAccount.objects.filter(pk=account.pk).update(**{field: value})
    assert ask(client, user, **{"If-None-Match": before}).status_code == 200


def test_the_tag_changes_when_time_alone_changes_the_answer(client: Client) -> None:
    user = make_user()
    now = timezone.now()
    make_account(connected_by=user, token_expires_at=now + timedelta(days=20))
    tags = []
    for days in (0, 1, 7, 10, 19.5, 21):
        with time_machine.travel(now + timedelta(days=days), tick=False):
            tags.append(ask(client, user)["ETag"])
            assert ask(client, user, **{"If-None-Match": tags[-1]}).status_code == 304
    assert tags[0] == tags[1]
    assert len(set(tags)) == len(tags) - 1


@pytest.mark.parametrize("accounts", [0, 1])
def test_an_old_tag_costs_no_more_than_none(client: Client, accounts: int) -> None:
    user = make_user()
    for _ in range(accounts):
        make_account(connected_by=user)
    plain = ask(client, user)
    with CaptureQueriesContext(connection) as queries:
        old = ask(client, user, **{"If-None-Match": '"old"'})
    assert len(queries) == 1
    assert (old.status_code, old.content, old["ETag"]) == (200, plain.content, plain["ETag"])
    assert old["X-Content-Type-Options"] == "nosniff"
    assert ask(client, user, **{"If-None-Match": plain["ETag"]}).status_code == 304


class OnlyNamedShop(AccessPolicy):
    """A host's own rule."""

    def accounts_for(self, user: Any) -> Any:
        return super().accounts_for(user).filter(username="shop")


def test_a_hosts_own_policy_decides_for_polls_too(client: Client, settings: Settings) -> None:
    user = make_superuser()
    make_account(username="shop")
    make_account(username="other")
    everything = ask(client, user)["ETag"]
    settings.INSTAGRAM_ACCESS_POLICY = f"{__name__}.OnlyNamedShop"
    scoped = ask(client, user, **{"If-None-Match": everything})
    assert (scoped.status_code, scoped.json()["accounts_count"]) == (200, 1)
    assert ask(client, user, **{"If-None-Match": scoped["ETag"]}).status_code == 304


class NobodySees(ModelBackend):
    """Another way to give permissions: here, to nobody."""

    def has_perm(self, *_args: Any, **_kwargs: Any) -> bool:
        return False


def test_other_authentication_backends_are_asked(client: Client, settings: Settings) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.NobodySees"]
    user = make_viewer()
    make_account(connected_by=None)
    first = ask(client, user)
    assert first.json()["accounts_count"] == 0
    assert ask(client, user, **{"If-None-Match": first["ETag"]}).status_code == 304
