"""The accounts pages: problems at a glance, a way to connect, never a token."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

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
