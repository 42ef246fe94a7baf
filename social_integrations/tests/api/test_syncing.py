"""Reconciling on demand: who may, what it answers, and one run at a time."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from social_integrations.api.tokens import AccessToken
from social_integrations.models import ConnectedAccount, Job, Reconciliation
from social_integrations.services.reconciling import Reason, start
from social_integrations.tests.factories import (
    NOON,
    make_account,
    make_message,
    make_staff,
    make_user,
)

pytestmark = pytest.mark.django_db


def call(client: Client, method: str, account: ConnectedAccount | int, user: User | None) -> Any:
    pk = account if isinstance(account, int) else account.pk
    headers = {"Authorization": f"Bearer {AccessToken.for_user(user)}"} if user else {}
    send = getattr(client, method)
    return send(f"/api/social/instagram/accounts/{pk}/sync/", headers=headers)


def test_the_owner_starts_a_run_and_sees_it(client: Client) -> None:
    user = make_user()
    account = make_account(connected_by=user)
    assert call(client, "get", account, user).json() == {"run": None, "missed_by_meta": 0}

    response = call(client, "post", account, user)
    assert response.status_code == 202
    run = Reconciliation.objects.get()
    shown = response.json()
    started_at = shown["run"].pop("started_at")
    assert started_at.endswith("Z")
    assert shown == {
        "run": {
            "id": run.pk,
            "account": account.pk,
            "reason": "request",
            "state": "running",
            "conversations": 0,
            "messages": 0,
            "imported": 0,
            "unreadable": 0,
            "error": "",
            "finished_at": None,
        },
        "missed_by_meta": 0,
    }
    assert Job.objects.get().name == "reconcile"


def test_the_latest_run_is_shown_with_what_meta_missed(client: Client) -> None:
    user = make_user()
    account = make_account(connected_by=user, webhook_subscribed_at=NOON.replace(hour=1))
    conversation = make_message(account=account, origin="9" + "a" * 32).conversation
    assert conversation.pk
    for state in ("done", "failed"):
        Reconciliation.objects.create(
            account=account, reason="schedule", state=state, started_at=NOON, imported=3
        )
    shown = call(client, "get", account, user).json()
    assert (shown["run"]["state"], shown["run"]["imported"]) == ("failed", 3)
    assert shown["missed_by_meta"] == 1


def test_one_run_at_a_time(client: Client) -> None:
    user = make_user()
    account = make_account(connected_by=user)
    start(account, Reason.SCHEDULE)
    response = call(client, "post", account, user)
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "sync_running"
    assert set(response.json()["error"]) == {"code", "message", "details"}
    assert Reconciliation.objects.count() == 1


@pytest.mark.parametrize("status", ["disconnected", "reauth_required"])
def test_an_account_that_is_not_connected_cannot_be_read(client: Client, status: str) -> None:
    user = make_user()
    account = make_account(connected_by=user, status=status)
    response = call(client, "post", account, user)
    assert (response.status_code, response.json()["error"]["code"]) == (409, "not_connected")
    assert not Reconciliation.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_strangers_do_not_learn_that_it_exists(client: Client, method: str) -> None:
    account = make_account(connected_by=make_user())
    assert call(client, method, account, None).status_code == 401
    stranger = make_user()
    theirs = call(client, method, account, stranger)
    nobodys = call(client, method, account.pk + 1, stranger)
    assert (theirs.status_code, theirs.json()) == (404, nobodys.json())
    assert theirs.json()["error"]["code"] == "not_found"
    assert not Reconciliation.objects.exists()


@pytest.mark.parametrize(
    ("permissions", "code"),
    [
        (["view_connectedaccount"], 403),
        (["view_connectedaccount", "change_connectedaccount"], 202),
    ],
)
def test_looking_is_not_starting(client: Client, permissions: list[str], code: int) -> None:
    account = make_account(connected_by=make_user())
    staff = make_staff(*permissions)
    assert call(client, "get", account, staff).status_code == 200
    assert call(client, "post", account, staff).status_code == code
    assert Reconciliation.objects.count() == (code == 202)


def test_an_account_nobody_owns_is_not_everybodys(client: Client) -> None:
    account = make_account(connected_by=None)
    assert call(client, "post", account, make_staff("view_connectedaccount")).status_code == 403


@pytest.mark.parametrize("number", [0, 2**63, 10**30])
def test_numbers_no_account_can_have(client: Client, number: int) -> None:
    assert call(client, "get", number, make_user()).status_code == 404


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(client: Client, method: str) -> None:
    user = make_user()
    assert call(client, method, make_account(connected_by=user), user).status_code == 405
