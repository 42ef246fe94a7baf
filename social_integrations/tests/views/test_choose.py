"""The picker: what is shown, who may answer, and that tokens stay in the database, encrypted."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import resolve, reverse
from django.utils import timezone
from pytest_django import Settings

from social_integrations.models import ConnectedAccount, PendingGrant
from social_integrations.services.page_problems import PAGE_PROBLEMS
from social_integrations.services.pending import forget_expired_grants
from social_integrations.tasks import sweep
from social_integrations.tests.factories import make_account, make_staff
from social_integrations.tests.graph.answers import SECRETS, FakeMeta, page_row

pytestmark = pytest.mark.django_db
START, CALLBACK, RESULT = (
    reverse(f"social_integrations:oauth-{name}") for name in ("start", "callback", "result")
)
CODE = "the-code-of-meta"
OWNER_AT_META = "10229876543210001"


@pytest.fixture
def owner(client: Client) -> User:
    user = make_staff("add_connectedaccount")
    client.force_login(user)
    return user


@pytest.fixture
def sixty(meta: FakeMeta) -> FakeMeta:
    meta.pages(*(page_row(number) for number in range(60)), per_answer=20)
    return meta


@pytest.fixture
def two(meta: FakeMeta) -> FakeMeta:
    meta.pages(page_row(1), page_row(2), page_row(3, tasks=["ANALYZE"]))
    return meta


def account_id(number: int) -> str:
    return str(page_row(number)["instagram_business_account"]["id"])


def consent(client: Client) -> str:
    """Go to Meta and back; return the address the browser is sent to."""
    state = parse_qs(urlsplit(client.get(START)["Location"]).query)["state"][0]
    response = client.get(CALLBACK, {"state": state, "code": CODE})
    assert response.status_code == 302, response.content
    return str(response["Location"])


def press(client: Client, page: str, button: str, **fields: Any) -> HttpResponse:
    response = client.post(page, {"do": button, **fields})
    assert isinstance(response, HttpResponse)
    return response


def text(response: Any) -> str:
    return str(response.content.decode())


def ticked(html: str) -> int:
    return len(re.findall(r'type="checkbox"[^>]* checked', html))


def test_nothing_is_saved_before_the_choice(client: Client, owner: User, two: FakeMeta) -> None:
    page = consent(client)
    assert page == reverse(
        "social_integrations:oauth-choose", kwargs={"key": PendingGrant.objects.get().pk}
    )
    assert not ConnectedAccount.objects.exists()
    response = client.get(page)
    html = text(response)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    # A form under no-referrer is sent with `Origin: null`, which Django refuses.
    assert response["Referrer-Policy"] == "same-origin"
    assert ticked(html) == 2
    assert "@shop.01" in html
    assert "Page 03" in html
    assert PAGE_PROBLEMS["no_task"].sentence in html
    assert "search" not in re.sub(r"<[^>]*>", "", html).lower()


def test_only_what_is_ticked_is_connected(client: Client, owner: User, two: FakeMeta) -> None:
    page = consent(client)
    response = press(client, page, "connect", account=[account_id(2), "not-offered"])
    assert response["Location"] == RESULT
    account = ConnectedAccount.objects.get()
    assert (account.instagram_account_id, account.connected_by) == (account_id(2), owner)
    assert "@shop.02" in text(client.get(RESULT))
    assert not PendingGrant.objects.exists()
    assert press(client, page, "connect", account=[account_id(1)]).status_code == 404
    assert ConnectedAccount.objects.count() == 1


def test_an_unusable_account_cannot_be_ticked(client: Client, owner: User, two: FakeMeta) -> None:
    response = press(client, consent(client), "connect", account=[account_id(3)])
    assert response.status_code == 400
    assert "Tick at least one account." in text(response)
    assert not ConnectedAccount.objects.exists()
    assert PendingGrant.objects.exists()


def test_sixty_accounts_can_be_searched_and_ticked(
    client: Client, owner: User, sixty: FakeMeta
) -> None:
    page = consent(client)
    assert ticked(text(client.get(page))) == 60
    none = text(press(client, page, "none", account=[account_id(n) for n in range(60)]))
    assert ticked(none) == 0
    assert "0 of 60 ticked" in none
    found = text(press(client, page, "search", search=" PAGE 4", account=[account_id(7)]))
    assert len(re.findall('type="checkbox"', found)) == 10
    # What the search hides stays ticked.
    assert f'<input type="hidden" name="account" value="{account_id(7)}">' in found
    assert "1 of 60 ticked; 10 found" in found
    all_found = text(press(client, page, "all", search="shop.59", account=[account_id(7)]))
    assert "2 of 60 ticked; 1 found" in all_found
    press(client, page, "connect", search="shop.59", account=[account_id(7), account_id(59)])
    assert {one.username for one in ConnectedAccount.objects.all()} == {"shop.07", "shop.59"}


def test_a_search_that_finds_nothing_is_told_and_escaped(
    client: Client, owner: User, sixty: FakeMeta
) -> None:
    html = text(press(client, consent(client), "search", search="<b>x"))
    assert "No account matches “&lt;b&gt;x”." in html


def test_a_new_consent_shows_what_changes_first(
    client: Client, owner: User, meta: FakeMeta
) -> None:
    known = {"meta_user_id": OWNER_AT_META, "connected_by": owner}
    make_account(instagram_account_id=account_id(1), **known)
    left_out = make_account(username="old.shop", **known)
    meta.pages(page_row(1))
    page = consent(client)
    html = text(client.get(page))
    assert "connected again" in html
    assert "Access withdrawn" in html
    assert "@old.shop" in html
    left_out.refresh_from_db()
    assert left_out.access_withdrawn_at is None
    press(client, page, "connect", account=[account_id(1)])
    left_out.refresh_from_db()
    assert left_out.access_withdrawn_at is not None
    assert left_out.status == "connected"
    assert "It was left out in Meta&#x27;s window." in text(client.get(RESULT)).replace(
        "'", "&#x27;"
    )
    # Told once: it is no news the next time.
    assert consent(client) == RESULT


def test_withdrawn_accounts_alone_can_be_noted(client: Client, owner: User, meta: FakeMeta) -> None:
    make_account(meta_user_id=OWNER_AT_META, connected_by=owner)
    meta.pages(page_row(1, tasks=[]))
    page = consent(client)
    assert "No account can be connected" in text(client.get(page))
    assert press(client, page, "connect")["Location"] == RESULT
    assert "Nothing new is connected" in text(client.get(RESULT))
    assert ConnectedAccount.objects.get().access_withdrawn_at is not None


def test_cancelling_changes_nothing(
    client: Client, owner: User, two: FakeMeta, settings: Settings
) -> None:
    response = press(client, consent(client), "cancel", account=[account_id(1)])
    assert "You cancelled" in text(response)
    assert not ConnectedAccount.objects.exists()
    assert not PendingGrant.objects.exists()
    settings.INSTAGRAM_CONNECT_RETURN_URL = "https://app.example/"
    response = press(client, consent(client), "cancel")
    assert response["Location"] == "https://app.example/?instagram_error=cancelled"


def test_missing_permissions_are_told_before(client: Client, owner: User, meta: FakeMeta) -> None:
    meta.good_day(accounts="accounts_two", permissions="permissions_no_metadata")
    html = text(client.get(consent(client)))
    assert "<code>pages_manage_metadata</code>" in html
    assert "Meta cannot be told to deliver" in html


# --- who may answer ---


@pytest.fixture
def stranger() -> Client:
    other = Client()
    other.force_login(make_staff("add_connectedaccount"))
    return other


def test_another_person_or_browser_finds_nothing(
    client: Client, owner: User, two: FakeMeta, stranger: Client
) -> None:
    page = consent(client)
    elsewhere, nobody = Client(), Client()
    elsewhere.force_login(owner)
    for other in (stranger, elsewhere, nobody):
        other.get(START)
        assert other.get(page).status_code == 404
        assert press(other, page, "connect", account=[account_id(1)]).status_code == 404
    client.force_login(make_staff("add_connectedaccount"))
    assert client.get(page).status_code == 404
    assert not ConnectedAccount.objects.exists()


@pytest.mark.parametrize("key", ["0", "999", "99999999999999999999"])
def test_a_grant_that_does_not_exist(client: Client, owner: User, key: str) -> None:
    assert client.get(f"/api/social/instagram/oauth/choose/{key}/").status_code == 404


def test_it_ends_after_ten_minutes(client: Client, owner: User, two: FakeMeta) -> None:
    page = consent(client)
    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1)):
        assert client.get(page).status_code == 404
        sweep()
    assert not PendingGrant.objects.exists()


def test_a_grant_no_key_fits_is_gone(
    client: Client, owner: User, two: FakeMeta, settings: Settings
) -> None:
    page = consent(client)
    settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert client.get(page).status_code == 404


def test_an_open_choice_outlives_the_housekeeping(
    client: Client, owner: User, two: FakeMeta
) -> None:
    consent(client)
    assert forget_expired_grants() == 0


def test_the_permission_was_taken_away(client: Client, owner: User, two: FakeMeta) -> None:
    page = consent(client)
    owner.user_permissions.clear()
    assert press(client, page, "connect", account=[account_id(1)]).status_code == 403
    assert not ConnectedAccount.objects.exists()


def test_a_form_of_another_site_is_refused(owner: User, two: FakeMeta) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    page = consent(strict)
    assert press(strict, page, "connect", account=[account_id(1)]).status_code == 403
    assert not ConnectedAccount.objects.exists()


@pytest.mark.parametrize("method", ["put", "delete", "head"])
def test_other_methods(client: Client, owner: User, method: str) -> None:
    assert getattr(client, method)("/api/social/instagram/oauth/choose/1/").status_code == 405


def test_meta_is_called_outside_the_transaction_a_host_puts_around_requests() -> None:
    view = resolve("/api/social/instagram/oauth/choose/1/").func
    assert getattr(view, "_non_atomic_requests", None)


@pytest.mark.django_db(transaction=True)
def test_of_parallel_answers_one_wins(owner: User, client: Client, two: FakeMeta) -> None:
    page = consent(client)
    cookies = client.cookies

    def answer(_number: int) -> int:
        other = Client()
        other.cookies = cookies
        try:
            return press(other, page, "connect", account=[account_id(1)]).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(answer, range(6)))
    assert statuses == [302, *[404] * 5]
    assert ConnectedAccount.objects.count() == 1


def test_tokens_are_only_in_the_database_and_encrypted(
    client: Client, owner: User, two: FakeMeta, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    html = text(client.get(consent(client)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM social_integrations_pendinggrant")
        row = str(cursor.fetchall())
    grant = PendingGrant.objects.get()
    assert "EAAPAGE1secretvalue" in grant.content
    kept = str(dict(client.session.items()))
    for place in (html, row, kept, caplog.text, repr(grant), str(grant)):
        assert not [word for word in SECRETS if word in place]
