"""The JSON door: a one-time link that binds the first browser, and where it may lead back to."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from social_integrations.api.tokens import AccessToken
from social_integrations.logs import redact
from social_integrations.models import ConnectedAccount, OAuthAttempt
from social_integrations.services.connect_problems import PROBLEMS
from social_integrations.tests.factories import make_staff, make_user
from social_integrations.tests.graph.answers import FakeMeta, page_row

pytestmark = pytest.mark.django_db
DOOR = "/api/social/instagram/oauth/start/"
CALLBACK, RESULT = (reverse(f"social_integrations:oauth-{name}") for name in ("callback", "result"))
CODE = "the-code-of-meta"
RETURN = "https://app.operator.org/settings/social/"


@pytest.fixture
def owner() -> User:
    return make_staff("add_connectedaccount")


@pytest.fixture
def both_logins(settings: Settings) -> None:
    settings.INSTAGRAM_LOGIN_APP_ID = "800000000000001"
    settings.INSTAGRAM_LOGIN_APP_SECRET = "i" * 32


def ask(user: User, body: Any = None, host: str = "testserver") -> Any:
    token = str(AccessToken.for_user(user))
    headers = {"Authorization": f"Bearer {token}", "Host": host}
    content = {} if body is None else body
    return Client().post(DOOR, content, content_type="application/json", headers=headers)


def link_for(user: User, **body: str) -> str:
    response = ask(user, body)
    assert response.status_code == 200, response.content
    return str(response.json()["authorization_url"])


def open_link(browser: Client, link: str) -> Any:
    parts = urlsplit(link)
    return browser.get(f"{parts.path}?{parts.query}")


def state_of(response: Any) -> str:
    assert response.status_code == 302, response.content
    return str(parse_qs(urlsplit(response["Location"]).query)["state"][0])


def come_back(browser: Client, state: str) -> Any:
    return browser.get(CALLBACK, {"state": state, "code": CODE})


def says(response: Any, code: str) -> bool:
    title = PROBLEMS[code].title
    return bool(
        response.status_code == PROBLEMS[code].status and title in response.content.decode()
    )


def refused(response: Any) -> tuple[int, str]:
    error = response.json()["error"]
    assert set(error) == {"code", "message", "details"}
    assert "no-store" in response["Cache-Control"]
    return int(response.status_code), str(error["code"])


# --- the door ---


def test_the_link_is_on_the_callbacks_host(owner: User, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    response = ask(owner, host="evil.example")
    assert response.json()["expires_in"] == 120
    link = urlsplit(response.json()["authorization_url"])
    assert (link.scheme, link.netloc) == ("https", "testserver")
    (ticket,) = parse_qs(link.query)["ticket"]
    assert len(ticket) >= 43
    assert ticket not in str(list(OAuthAttempt.objects.values()))
    assert "no-store" in response["Cache-Control"]


def test_it_needs_a_token_and_knows_no_session(owner: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)
    assert refused(browser.post(DOOR)) == (401, "not_authenticated")


def test_it_needs_the_permission() -> None:
    assert refused(ask(make_user())) == (403, "not_allowed")
    assert not OAuthAttempt.objects.exists()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"login": "myspace"}, (400, "invalid")),
        ({"login": ["facebook"]}, (400, "invalid")),
        ({"return_url": ["x"]}, (400, "invalid")),
        ({"login": "instagram"}, (503, "not_configured")),
        ({"return_url": "https://evil.example/"}, (400, "return_refused")),
        ([], (400, "invalid")),
        ("{", (400, "parse_error")),
    ],
)
def test_what_it_does_not_take(owner: User, body: Any, expected: tuple[int, str]) -> None:
    assert refused(ask(owner, body)) == expected


def test_open_links_are_capped_per_person(owner: User) -> None:
    links = [link_for(owner) for _ in range(21)]
    assert OAuthAttempt.objects.count() == 20
    assert says(open_link(Client(), links[0]), "link_unknown")


# --- the browser ---


def test_a_browser_without_a_session_connects_for_the_tokens_user(
    owner: User, meta: FakeMeta
) -> None:
    meta.good_day()
    browser = Client()
    opened = open_link(browser, link_for(owner))
    assert opened["Location"].startswith("https://www.facebook.com/v26.0/dialog/oauth?")
    assert (opened["Referrer-Policy"], "no-store" in opened["Cache-Control"]) == (
        "no-referrer",
        True,
    )
    response = come_back(browser, state_of(opened))
    assert response["Location"] == RESULT
    assert ConnectedAccount.objects.get().connected_by == owner
    assert "@harbour.books" in browser.get(RESULT).content.decode()
    # It is no way to sign in.
    assert browser.get(DOOR)["Location"].startswith("/login/")
    assert "_auth_user_id" not in browser.session


def test_the_picker_works_without_a_session_too(owner: User, meta: FakeMeta) -> None:
    meta.pages(page_row(1), page_row(2))
    browser = Client()
    page = come_back(browser, state_of(open_link(browser, link_for(owner))))["Location"]
    assert browser.get(page).status_code == 200
    chosen = page_row(1)["instagram_business_account"]["id"]
    browser.post(page, {"do": "connect", "account": [chosen]})
    assert ConnectedAccount.objects.get().connected_by == owner
    assert Client().get(page).status_code == 404


def test_a_link_opens_once(owner: User) -> None:
    link = link_for(owner)
    first, second = Client(), Client()
    state = state_of(open_link(first, link))
    assert says(open_link(second, link), "link_used")
    assert says(open_link(first, link), "link_used")
    assert says(come_back(second, state), "other_browser")


def test_a_link_ends_after_two_minutes(owner: User) -> None:
    link = link_for(owner)
    with time_machine.travel(timezone.now() + timedelta(seconds=121)):
        assert says(open_link(Client(), link), "link_expired")


def test_the_consent_has_ten_minutes_from_the_opening(owner: User, meta: FakeMeta) -> None:
    meta.good_day()
    early, late = Client(), Client()
    states = [state_of(open_link(browser, link_for(owner))) for browser in (early, late)]
    with time_machine.travel(timezone.now() + timedelta(minutes=9)):
        assert come_back(early, states[0])["Location"] == RESULT
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert says(come_back(late, states[1]), "state_expired")


@pytest.mark.parametrize("ticket", ["", "made-up", "%00", "x" * 5000])
def test_made_up_tickets_leave_nothing_behind(owner: User, ticket: str) -> None:
    link_for(owner)
    response = Client().get(f"/api/social/instagram/oauth/open/?ticket={ticket}")
    assert says(response, "link_unknown")
    assert not Session.objects.exists()


def test_a_browser_signed_in_as_somebody_else_is_refused(owner: User) -> None:
    link = link_for(owner)
    other = Client()
    other.force_login(make_staff("add_connectedaccount"))
    assert says(open_link(other, link), "other_person")
    # The link is not used up by it.
    state = state_of(open_link(Client(), link))
    assert says(come_back(other, state), "other_person")


@pytest.mark.parametrize("harm", ["inactive", "permission"])
def test_the_user_must_still_be_allowed(owner: User, meta: FakeMeta, harm: str) -> None:
    browser, later = Client(), link_for(owner)
    state = state_of(open_link(browser, link_for(owner)))
    if harm == "inactive":
        User.objects.update(is_active=False)
    else:
        owner.user_permissions.clear()
    assert says(come_back(browser, state), "not_allowed")
    assert says(open_link(Client(), later), "not_allowed")
    assert not meta.calls()


def test_a_state_of_a_signed_in_browser_needs_its_session(owner: User) -> None:
    browser = Client()
    browser.force_login(owner)
    state = state_of(browser.get(DOOR))
    del browser.cookies["sessionid"]
    assert says(come_back(browser, state), "signed_out")


@pytest.mark.django_db(transaction=True)
def test_of_parallel_openings_one_wins(owner: User) -> None:
    link = link_for(owner)

    def run(_number: int) -> int:
        try:
            return int(open_link(Client(), link).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        statuses = sorted(pool.map(run, range(10)))
    assert statuses == [302, *[409] * 9]


# --- which login ---


@pytest.mark.usefixtures("both_logins")
@pytest.mark.parametrize(
    ("login", "address"),
    [
        ("facebook", "https://www.facebook.com/v26.0/dialog/oauth?"),
        ("instagram", "https://www.instagram.com/oauth/authorize?"),
    ],
)
def test_the_login_may_be_chosen_at_the_door_or_on_the_page(
    owner: User, login: str, address: str
) -> None:
    assert open_link(Client(), link_for(owner, login=login))["Location"].startswith(address)
    browser = Client()
    page = open_link(browser, link_for(owner))
    assert page.status_code == 200
    assert (page["Referrer-Policy"], "no-store" in page["Cache-Control"]) == ("no-referrer", True)
    links = re.findall(r'href="(\?[^"]*)"', page.content.decode().replace("&amp;", "&"))
    (chosen,) = [link for link in links if f"login={login}" in link]
    opened = browser.get(f"{reverse('social_integrations:oauth-open')}{chosen}")
    assert opened["Location"].startswith(address)


@pytest.mark.usefixtures("both_logins")
def test_a_login_chosen_at_the_door_stays(owner: User) -> None:
    link = link_for(owner, login="facebook")
    opened = open_link(Client(), f"{link}&login=instagram")
    assert opened["Location"].startswith("https://www.facebook.com/")


# --- where it leads back to ---


ALLOWED = [RETURN, f"{RETURN}?tab=instagram&x=%2F"]
FORBIDDEN = [
    "?x=y",
    "https://evil.example/",
    "//evil.example/",
    "/settings/social/",
    "javascript:alert(1)",
    RETURN.replace("https", "http"),
    RETURN.replace("org", "org.evil.example"),
    RETURN.replace("app.operator.org", "app.operator.org@evil.example"),
    RETURN.replace("app.", "evil."),
    RETURN.upper(),
    RETURN.rstrip("/"),
    f"{RETURN}more/",
    f"{RETURN}../admin/",
    f"{RETURN}#https://evil.example",
    f"{RETURN}?a=b#c",
    f"{RETURN}\\@evil.example",
    f"{RETURN}?a=\r\nSet-Cookie: x=y",
    f"{RETURN}?{'x' * 2000}",
    "https://app.operator.org/",
]


@pytest.mark.parametrize("url", ALLOWED)
def test_a_frontend_returns_where_it_may(
    owner: User, meta: FakeMeta, settings: Settings, url: str
) -> None:
    settings.INSTAGRAM_CONNECT_RETURN_URLS = ["https://other.operator.org/", RETURN]
    settings.INSTAGRAM_CONNECT_RETURN_URL = "https://default.operator.org/"
    meta.good_day()
    browser = Client()
    state = state_of(open_link(browser, link_for(owner, return_url=url)))
    location = come_back(browser, state)["Location"]
    assert location == f"{url}{'&' if '?' in url else '?'}instagram=connected"
    state = state_of(open_link(browser, link_for(owner, return_url=url)))
    answer = {"state": state, "error": "access_denied", "error_reason": "user_denied"}
    assert browser.get(CALLBACK, answer)["Location"].endswith("instagram_error=cancelled")
    # Without a state of ours nobody's wish is followed.
    unknown = browser.get(CALLBACK, {"state": "forged", "return_url": url})["Location"]
    assert unknown.startswith("https://default.operator.org/?instagram_error=")


def test_the_default_may_be_asked_for(owner: User, settings: Settings) -> None:
    settings.INSTAGRAM_CONNECT_RETURN_URL = "https://default.operator.org/?tab=social#end"
    assert link_for(owner, return_url="https://default.operator.org/")
    assert refused(ask(owner, {"return_url": "?"})) == (400, "return_refused")


@pytest.mark.parametrize("url", FORBIDDEN)
@pytest.mark.parametrize("default", ["", "https://default.operator.org/"])
def test_no_other_address_is_returned_to(
    owner: User, settings: Settings, url: str, default: str
) -> None:
    settings.INSTAGRAM_CONNECT_RETURN_URL = default
    settings.INSTAGRAM_CONNECT_RETURN_URLS = [RETURN]
    status, code = refused(ask(owner, {"return_url": url}))
    assert (status, code) in {(400, "return_refused"), (400, "invalid")}
    browser = Client()
    browser.force_login(owner)
    assert says(browser.get(DOOR, {"return_url": url}), "return_refused")
    assert not OAuthAttempt.objects.exists()


def test_the_ticket_is_hidden_in_logs() -> None:
    assert "abc" not in redact("GET /api/social/instagram/oauth/open/?ticket=abc-def HTTP/1.1")
