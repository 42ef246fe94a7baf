"""The status page tells the truth in plain words, to whoever has the code and nobody else."""

from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from social_integrations.models import DeletionRequest
from social_integrations.tests.factories import NOON, make_deletion_request

pytestmark = pytest.mark.django_db

State = DeletionRequest.State
STATUS = "/api/social/instagram/data-deletion/status/"
SAYS = {
    State.RECEIVED: ("We have your request", "22 December 2026 at the latest"),
    State.WORKING: ("We are erasing the data", "22 December 2026 at the latest"),
    State.NEEDS_PERSON: ("A member of staff has to look", "22 December 2026 at the latest"),
    State.DONE: ("The data has been erased", "23 November 2026"),
    State.NOTHING_HELD: ("We hold nothing about you", "23 November 2026"),
}


@pytest.fixture(autouse=True)
def _fresh_counters() -> None:
    cache.clear()


def make(state: str) -> DeletionRequest:
    open_ = state in DeletionRequest.OPEN
    finished_at = None if open_ else NOON + timedelta(days=1)
    return make_deletion_request(
        state=state, finished_at=finished_at, user_id="9000000001" if open_ else ""
    )


@pytest.mark.parametrize("state", State.values)
def test_every_state_has_its_words_and_times(client: Client, state: str) -> None:
    asked = make(state)
    # The page is in English only, its dates as well.
    georgian = {"accept-language": "ka"}
    response = client.get(f"{STATUS}{asked.confirmation_code}/", headers=georgian)
    page = " ".join(response.text.split())
    assert response.status_code == 200
    for words in (*SAYS[State(state)], "22 November 2026, 12:00 UTC", "Test Operator Ltd"):
        assert words in page
    assert ("has been erased" in page) is (state == State.DONE)
    assert "9000000001" not in page  # neither who asked nor what was found


@pytest.mark.parametrize("state", State.values)
def test_it_is_kept_by_nobody_and_needs_no_session(client: Client, state: str) -> None:
    response = client.get(f"{STATUS}{make(state).confirmation_code}/")
    assert "no-store" in response["Cache-Control"]
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert response["Referrer-Policy"] == "no-referrer"
    assert '<meta name="robots" content="noindex, nofollow">' in response.text
    assert not response.cookies
    assert "Cookie" not in response.get("Vary", "")


def test_a_late_request_says_so(client: Client, time_is_up: DeletionRequest) -> None:
    assert "This request is late." in client.get(f"{STATUS}{time_is_up.confirmation_code}/").text


@pytest.fixture
def time_is_up() -> DeletionRequest:
    return make_deletion_request(received_at=timezone.now() - timedelta(days=31))


@pytest.mark.parametrize(
    "code",
    ["A" * 32, "a" * 32, "x", "A" * 33, "%00", "%F0%9F%98%80", "A" * 31 + "0", "%27--", "A%0A"],
)
def test_an_unknown_code_is_404_without_repeating_it(client: Client, code: str) -> None:
    make_deletion_request()
    response = client.get(f"{STATUS}{code}/")
    assert response.status_code == 404
    assert "There is no such request" in response.text
    assert "A" * 31 not in response.text
    assert response["X-Robots-Tag"] == "noindex, nofollow"


def test_guessing_is_slowed_down_and_the_right_code_still_works(
    client: Client, settings: Settings
) -> None:
    settings.INSTAGRAM_WEBHOOK_REFUSED_RATE = "5/min"
    asked = make(State.DONE)
    statuses = [client.get(f"{STATUS}{'A' * 31}{letter}/").status_code for letter in "BCDEFGH"]
    assert statuses == [404] * 5 + [429] * 2
    assert client.get(f"{STATUS}{asked.confirmation_code}/").status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_it_is_read_only(client: Client, method: str) -> None:
    assert client.generic(method, f"{STATUS}{'A' * 32}/").status_code == 405


class Tags(HTMLParser):
    """Collects element names and attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def test_it_obeys_a_strict_content_security_policy(client: Client) -> None:
    tags = Tags(client.get(f"{STATUS}{make(State.NEEDS_PERSON).confirmation_code}/").text)
    assert tags.names.isdisjoint({"script", "style", "iframe", "img", "form"})
    assert not [name for name, _ in tags.attributes if name == "style" or name.startswith("on")]
    links = [value for name, value in tags.attributes if name in ("href", "src")]
    assert all(link.startswith(("/", "#", "mailto:")) for link in links)


def test_without_the_legal_app_it_is_a_page_of_our_own(client: Client, settings: Settings) -> None:
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "legal"]
    response = client.get(f"{STATUS}{make(State.DONE).confirmation_code}/")
    assert response.status_code == 200
    assert "The data has been erased" in response.text
    assert "si-panel" in response.text
