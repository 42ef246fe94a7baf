"""The accounts pages: problems at a glance, a way to connect, never a token."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from social_integrations.models import ConnectedAccount, Job
from social_integrations.tests.factories import make_account, make_staff, make_superuser

pytestmark = pytest.mark.django_db

LIST = "/admin/social_integrations/connectedaccount/"


def test_list_shows_status_and_the_worst_problem(client: Client) -> None:
    make_account(username="fine", last_event_at=timezone.now() - timedelta(minutes=5))
    make_account(username="quiet", webhook_subscribed_at=None)
    make_account(username="gone", status="disconnected")
    make_account(username="late", token_expires_at=timezone.now() - timedelta(days=1))
    client.force_login(make_superuser())
    page = client.get(LIST).text
    for words in (
        "@fine",
        "5\xa0minutes ago",
        "ig-state-connected",
        "not been told to deliver",
        "is disconnected",
        "has expired",
        "Connect the account again.",
    ):
        assert words in page


def test_change_page_lists_every_problem_with_its_step(client: Client) -> None:
    account = make_account(
        webhook_subscribed_at=None, token_expires_at=timezone.now() + timedelta(days=2, hours=1)
    )
    client.force_login(make_superuser())
    page = client.get(f"{LIST}{account.pk}/change/").text
    assert "expires in 2 days" in page
    assert "not been told to deliver" in page


def test_connect_button_is_for_those_who_may(client: Client) -> None:
    button = reverse("social_integrations:oauth-start")
    client.force_login(make_staff("view_connectedaccount", "add_connectedaccount"))
    assert f'href="{button}"' in client.get(LIST).text
    client.force_login(make_staff("view_connectedaccount"))
    assert f'href="{button}"' not in client.get(LIST).text


def test_token_is_nowhere(client: Client) -> None:
    account = make_account(access_token="EAAG-secret", status_reason="<b>why</b>")
    client.force_login(make_superuser())
    for path in (LIST, f"{LIST}{account.pk}/change/", f"{LIST}?q=EAAG", f"{LIST}?o=1.2.3"):
        page = client.get(path).text
        assert "EAAG-secret" not in page
        assert "access_token" not in page
        assert "<b>why" not in page


@pytest.mark.parametrize("lookup", ["access_token__startswith=E", "access_token=x", "e=1"])
def test_token_cannot_be_guessed_by_filtering(client: Client, lookup: str) -> None:
    make_account(access_token="EAAG-secret")
    client.force_login(make_superuser())
    assert client.get(f"{LIST}?{lookup}").status_code in {200, 302, 400}


def test_hostile_names_are_text(client: Client) -> None:
    account = make_account(
        name="<script>alert(1)</script>\u202e",
        username='"><img src=x onerror=alert(1)>',
        page_name="<svg onload=alert(1)>",
        page_id="1",
        profile_picture_url="javascript:alert(1)",
    )
    client.force_login(make_superuser())
    for path in (LIST, f"{LIST}{account.pk}/change/"):
        page = client.get(path).text
        for harm in ("<script>alert", "<img src=x", "<svg onload", 'href="javascript', "\u202e"):
            assert harm not in page


def act(client: Client, action: str, *accounts: ConnectedAccount, **more: str) -> Any:
    chosen = [str(account.pk) for account in accounts]
    data = {"action": action, "_selected_action": chosen, **more}
    return client.post(LIST, data, follow=True)


class TestActions:
    def test_check_and_refresh_are_left_to_a_worker(self, client: Client) -> None:
        now = timezone.now()
        old = make_account(
            login="instagram",
            connected_at=now - timedelta(days=3),
            token_expires_at=now + timedelta(days=57),
        )
        page = make_account()
        gone = make_account(status="disconnected")
        client.force_login(make_superuser())
        assert "2 accounts will be checked" in act(client, "check_now", old, page, gone).text
        assert "1 account will be refreshed" in act(client, "refresh_now", old, page).text
        found = {(job.name, job.payload["account"]) for job in Job.objects.all()}
        assert found == {
            ("look_after_account", old.pk),
            ("look_after_account", page.pk),
            ("refresh_token", old.pk),
        }

    def test_disconnecting_asks_first(self, client: Client) -> None:
        account = make_account(username="<b>shop", access_token="")
        client.force_login(make_superuser())
        page = act(client, "disconnect", account).text
        assert "Yes, disconnect" in page
        assert "&lt;b&gt;shop" in page
        assert "<b>shop" not in page
        account.refresh_from_db()
        assert account.status == "connected"
        assert "Disconnected 1 account." in act(client, "disconnect", account, post="yes").text
        account.refresh_from_db()
        assert (account.status, account.access_token) == ("disconnected", "")

    def test_looking_is_not_enough(self, client: Client) -> None:
        account = make_account()
        client.force_login(make_staff("view_connectedaccount"))
        act(client, "disconnect", account, post="yes")
        account.refresh_from_db()
        assert account.status == "connected"


class TestBanner:
    PAGES = ("/admin/", LIST, "/admin/social_integrations/job/")

    def test_it_names_who_has_to_be_connected_again(self, client: Client) -> None:
        make_account(
            username="<i>shop", status="reauth_required", status_reason="Why.", status_action="Do."
        )
        client.force_login(make_superuser())
        for page in self.PAGES:
            text = client.get(page).text
            assert 'role="alert"' in text
            assert "@&lt;i&gt;shop" in text
            assert "<strong>Do.</strong>" in text
            assert "style=" not in text.partition('role="alert"')[2].partition("</ul>")[0]

    def test_many_are_counted(self, client: Client) -> None:
        for _ in range(5):
            make_account(status="reauth_required")
        client.force_login(make_superuser())
        assert "2 more accounts need to be connected again." in client.get("/admin/").text

    def test_without_need_or_right_there_is_none(self, client: Client) -> None:
        make_account(status="disconnected")
        client.force_login(make_superuser())
        assert 'role="alert"' not in client.get("/admin/").text
        make_account(status="reauth_required")
        client.force_login(make_staff("view_job"))
        assert 'role="alert"' not in client.get("/admin/").text


@pytest.mark.parametrize("may", [True, False])
def test_an_accounts_page_offers_to_connect_it_again(client: Client, may: bool) -> None:
    account = make_account(login="instagram", status="reauth_required")
    more = ["add_connectedaccount"] if may else []
    client.force_login(make_staff("view_connectedaccount", *more))
    url = f"/admin/social_integrations/connectedaccount/{account.pk}/change/"
    page = client.get(url).content.decode()
    assert ("oauth/start/?login=instagram" in page) is may
