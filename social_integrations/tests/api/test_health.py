"""An account's health as JSON: whose, which rows, and how often."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from social_integrations.api.tokens import AccessToken
from social_integrations.tests.factories import make_account, make_staff, make_user
from social_integrations.tests.graph.answers import FakeMeta
from social_integrations.tests.services.doctor.world import PAGE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_throttle() -> None:
    cache.clear()


def ask(client: Client, pk: int, user: User | None) -> Any:
    headers = {"Authorization": f"Bearer {AccessToken.for_user(user)}"} if user else {}
    return client.get(f"/api/social/instagram/accounts/{pk}/health/", headers=headers)


def test_the_owner_sees_the_accounts_rows(client: Client, meta: FakeMeta) -> None:
    user = make_user()
    account = make_account(connected_by=user, page_id=PAGE, status="reauth_required")
    response = ask(client, account.pk, user)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "private, no-store"
    shown = response.json()
    assert (shown["level"], shown["first"]) == ("red", "account_state")
    assert {row["account_id"] for row in shown["rows"]} == {account.pk}
    assert shown["checked_at"].endswith("Z")
    assert shown["rows"][0] == {
        "code": "account_state",
        "title": "Connected",
        "level": "red",
        "sentence": "Meta no longer accepts our access to this account.",
        "next_step": "Connect the account again.",
        "account": str(account),
        "account_id": account.pk,
    }
    assert meta.calls() == []


def test_who_may_see_all_accounts_sees_the_installation_too(client: Client, meta: FakeMeta) -> None:
    account = make_account(page_id=PAGE)
    shown = ask(client, account.pk, make_staff("view_connectedaccount")).json()
    codes = [row["code"] for row in shown["rows"]]
    assert codes[0] == "app_secret"
    assert codes.index("reachable") < codes.index("token") < codes.index("worker")
    assert account.access_token not in str(shown)
    assert meta.calls()


def test_others_accounts_do_not_exist(client: Client, meta: FakeMeta) -> None:
    account = make_account()
    assert ask(client, account.pk, make_user()).status_code == 404
    assert ask(client, account.pk, None).status_code == 401
    assert meta.calls() == []


def test_it_is_throttled_per_user(client: Client, meta: FakeMeta) -> None:
    user = make_user()
    account = make_account(connected_by=user, status="disconnected")
    statuses = [ask(client, account.pk, user).status_code for _ in range(7)]
    assert statuses == [200] * 6 + [429]
    assert meta.calls() == []
