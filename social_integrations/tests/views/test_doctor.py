"""The doctor's page: who sees it, that looking needs a button, and what is kept of it."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from social_integrations.models import ConnectedAccount
from social_integrations.tests.factories import make_account, make_staff, make_user
from social_integrations.tests.graph.answers import FakeMeta
from social_integrations.tests.services.doctor.world import PAGE, SUBSCRIBED
from social_integrations.views.doctor import REPORT_KEY

pytestmark = pytest.mark.django_db

URL = "/api/social/instagram/doctor/"
VIEW, CHANGE = "view_connectedaccount", "change_connectedaccount"
HOSTILE = "<script>alert(1)</script>"


def signed_in(client: Client, *permissions: str) -> Client:
    client.force_login(make_staff(*permissions))
    return client


def test_who_may_look(client: Client) -> None:
    assert client.get(URL).headers["Location"] == f"/login/?next={URL}"
    assert client.post(URL).headers["Location"] == f"/login/?next={URL}"
    client.force_login(make_user())
    assert client.get(URL).status_code == 403
    signed_in(client)
    assert client.get(URL).status_code == 403
    assert client.post(URL).status_code == 403
    signed_in(client, VIEW)
    assert client.get(URL).status_code == 200


def test_opening_the_page_calls_nobody(client: Client, meta: FakeMeta) -> None:
    response = signed_in(client, VIEW).get(URL)
    assert "Check now" in response.text
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert meta.calls() == []


def test_a_form_of_another_site_is_refused() -> None:
    client = signed_in(Client(enforce_csrf_checks=True), VIEW)
    assert client.post(URL).status_code == 403


def test_the_button_looks_and_the_page_shows_the_result(client: Client, meta: FakeMeta) -> None:
    account = make_account(username=HOSTILE, page_id=PAGE, status="reauth_required")
    signed_in(client, VIEW)
    response = client.post(URL)
    assert (response.status_code, response.headers["Location"]) == (302, URL)
    made = len(meta.calls())
    shown = client.get(URL).text
    assert made
    assert len(meta.calls()) == made
    assert "Mend first" in shown
    assert "Meta no longer accepts our access" in shown
    assert HOSTILE not in shown
    assert "Subscribe again" not in shown
    assert str(account.access_token) not in shown


def test_a_report_belongs_to_the_person_who_asked(client: Client, meta: FakeMeta) -> None:
    assert meta.calls() == []
    signed_in(client, VIEW).post(URL)
    assert "Check again" in client.get(URL).text
    assert "Check now" in signed_in(Client(), VIEW).get(URL).text


class TestSubscribing:
    @pytest.fixture
    def account(self) -> ConnectedAccount:
        return make_account(page_id=PAGE, webhook_subscribed_at=None)

    def press(self, client: Client, key: Any) -> Any:
        return client.post(URL, {"subscribe": str(key)})

    def test_it_is_offered_and_done(
        self, client: Client, meta: FakeMeta, account: ConnectedAccount
    ) -> None:
        meta.answer("GET", SUBSCRIBED, {"data": []})
        meta.answer("POST", SUBSCRIBED, "subscribed")
        signed_in(client, VIEW, CHANGE).post(URL)
        assert f'name="subscribe" value="{account.pk}"' in client.get(URL).text
        assert self.press(client, account.pk).status_code == 302
        account.refresh_from_db()
        assert account.webhook_subscribed_at
        assert f"{account} is subscribed again." in client.get(URL).text

    def test_a_refusal_is_told(
        self, client: Client, meta: FakeMeta, account: ConnectedAccount
    ) -> None:
        meta.answer("POST", SUBSCRIBED, "error_no_metadata")
        self.press(signed_in(client, VIEW, CHANGE), account.pk)
        assert "Meta does not deliver new messages yet" in client.get(URL).text

    def test_looking_does_not_allow_it(
        self, client: Client, meta: FakeMeta, account: ConnectedAccount
    ) -> None:
        assert self.press(signed_in(client, VIEW), account.pk).status_code == 403
        assert meta.calls() == []

    @pytest.mark.parametrize("key", ["0", "x", "", "9" * 30, "-1", "\u0661"])
    def test_another_key_names_nobody(self, client: Client, meta: FakeMeta, key: str) -> None:
        assert self.press(signed_in(client, VIEW, CHANGE), key).status_code == 404
        assert meta.calls() == []


def test_the_admin_leads_there(client: Client, settings: Settings) -> None:
    assert settings.ROOT_URLCONF
    make_account(status="reauth_required")
    shown = signed_in(client, VIEW).get("/admin/social_integrations/connectedaccount/").text
    assert shown.count(f'href="{URL}"') == 2


def test_a_page_looks_at_twenty_accounts_the_worst_first(client: Client, meta: FakeMeta) -> None:
    for _ in range(21):
        make_account(status="disconnected")
    worst = make_account(status="reauth_required")
    signed_in(client, VIEW).post(URL)
    shown = client.get(URL).text
    assert "2 more accounts were not looked at" in shown
    rows = [row for row in client.session[REPORT_KEY]["rows"] if row["code"] == "account_state"]
    assert len(rows) == 20
    assert rows[0]["account_id"] == worst.pk
    assert meta.calls()
