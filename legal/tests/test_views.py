"""The legal pages answer anybody, name the operator and load nothing from elsewhere."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

ROUTES = ["legal:privacy", "legal:terms", "legal:data_deletion"]
every_page = pytest.mark.parametrize("route", ROUTES)


class Tags(HTMLParser):
    """Collects what the tests ask about a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def values(self, *attributes: str) -> list[str]:
        return [attrs[a] for _, attrs in self.elements for a in attributes if a in attrs]

    def names(self) -> set[str]:
        return {tag for tag, _ in self.elements}


@pytest.fixture(autouse=True)
def operator(settings: Settings) -> None:
    settings.LEGAL_OPERATOR_NAME = "<b>Harbour</b> & Books"
    settings.LEGAL_OPERATOR_ADDRESS = "1 Quay Street\n<i>Port Town</i>"
    settings.LEGAL_CONTACT_EMAIL = "privacy+o'neil@harbour-books.ge"
    settings.LEGAL_EFFECTIVE_DATE = "2026-11-23"


def html_of(client: Client, route: str) -> str:
    response = client.get(reverse(route))
    assert response.status_code == 200
    return response.content.decode()


@every_page
def test_its_date_is_in_the_language_of_the_page(client: Client, route: str) -> None:
    page = client.get(reverse(route), headers={"accept-language": "ka"})
    assert "In effect from 23 November 2026" in page.text


@every_page
def test_names_the_operator_escaped(client: Client, route: str) -> None:
    html = html_of(client, route)
    assert "&lt;b&gt;Harbour&lt;/b&gt; &amp; Books" in html
    assert "1 Quay Street<br>&lt;i&gt;Port Town&lt;/i&gt;" in html
    assert "privacy+o&#x27;neil@harbour-books.ge" in html
    assert "23 November 2026" in html
    assert "not set]" not in html
    assert Tags(html).names().isdisjoint({"b", "i", "mark"})


@every_page
def test_links_all_three_pages_and_marks_the_current_one(client: Client, route: str) -> None:
    tags = Tags(html_of(client, route))
    assert {reverse(other) for other in ROUTES} <= set(tags.values("href"))
    current = [attrs["href"] for _, attrs in tags.elements if "aria-current" in attrs]
    assert current == [reverse(route)]


@every_page
def test_obeys_a_strict_content_security_policy(client: Client, route: str) -> None:
    tags = Tags(html_of(client, route))
    assert tags.names().isdisjoint({"script", "style", "iframe", "img"})
    assert not tags.values("style")
    assert not [a for _, attrs in tags.elements for a in attrs if a.startswith("on")]
    links = tags.values("src", "href", "action")
    assert all(link.startswith(("/", "#", "mailto:")) for link in links)
    assert not [link for link in links if link.startswith("//")]


@every_page
def test_every_link_within_the_page_has_a_target(client: Client, route: str) -> None:
    tags = Tags(html_of(client, route))
    ids = tags.values("id")
    local = (link.removeprefix(reverse(route)) for link in tags.values("href"))
    targets = {link[1:] for link in local if link.startswith("#")}
    assert len(targets) > 5
    assert targets <= set(ids)
    assert len(ids) == len(set(ids))
    assert set(tags.values("aria-labelledby")) <= set(ids)


@every_page
def test_links_across_pages_reach_an_existing_heading(client: Client, route: str) -> None:
    ids = {reverse(name): Tags(html_of(client, name)).values("id") for name in ROUTES}
    for link in Tags(html_of(client, route)).values("href"):
        path, _, fragment = link.partition("#")
        assert not fragment or not path or fragment in ids[path]


@every_page
def test_shows_missing_details_as_missing(client: Client, settings: Settings, route: str) -> None:
    for name in ("OPERATOR_NAME", "OPERATOR_ADDRESS", "CONTACT_EMAIL", "EFFECTIVE_DATE"):
        setattr(settings, f"LEGAL_{name}", "CHANGE_ME")
    html = html_of(client, route)
    assert '<mark class="unset">[operator name not set]</mark>' in html
    assert '<mark class="unset">[operator address not set]</mark>' in html
    assert '<mark class="unset">[contact e-mail not set]</mark>' in html
    assert '<mark class="unset">[effective date not set]</mark>' in html
    assert "mailto:" not in html
    assert "CHANGE_ME" not in html


@every_page
def test_may_be_cached_by_anyone(client: Client, route: str) -> None:
    response = client.get(reverse(route))
    assert "public" in response["Cache-Control"]
    assert "Cookie" not in response.get("Vary", "")
    assert not response.cookies


@every_page
def test_is_read_only(client: Client, route: str) -> None:
    assert client.head(reverse(route)).status_code == 200
    for method in (client.post, client.put, client.patch, client.delete, client.options):
        response = method(reverse(route))
        assert response.status_code == 405
        assert response["Allow"] == "GET, HEAD"


def test_deletion_page_prepares_an_encoded_mail(client: Client, settings: Settings) -> None:
    settings.LEGAL_CONTACT_EMAIL = "a?b&c%d@harbour-books.ge"
    mails = [
        link
        for link in Tags(html_of(client, "legal:data_deletion")).values("href")
        if link.startswith("mailto:") and "subject=" in link
    ]
    assert len(mails) == 2
    assert all(mail.startswith("mailto:a%3Fb%26c%25d@harbour-books.ge?subject=") for mail in mails)
    assert all(" " not in mail and "\n" not in mail for mail in mails)


@pytest.mark.parametrize(
    "promise",
    [
        "we erase the access token at once",
        "a confirmation code and a link",
        "all its conversations and ledger entries",
        "a member of staff has to look at it",
        "for 30 days a code calculated from your",
        "We then remove the content of the message",
    ],
)
def test_deletion_page_describes_what_really_happens(client: Client, promise: str) -> None:
    page = html_of(client, "legal:data_deletion").replace("<strong>", "").replace("</strong>", "")
    assert promise in " ".join(page.split())


@pytest.mark.parametrize(
    "promise",
    [
        "Instagram-scoped id",
        "access token, encrypted",
        "not copied to our server",
        "of an unsent message only that it was there",
        "newest 20 of each conversation",
        "Delivery ledger",
        "hosting provider",
        "within 30 days",
        "legitimate interests",
        "do not sell data",
    ],
)
def test_policy_says_what_a_reviewer_looks_for(client: Client, promise: str) -> None:
    assert promise.lower() in " ".join(html_of(client, "legal:privacy").lower().split())


def test_stylesheet_loads_nothing_from_elsewhere() -> None:
    path = finders.find("legal/legal.css")
    assert isinstance(path, str)
    css = Path(path).read_text(encoding="utf-8")
    assert "url(" not in css
    assert "@import" not in css
