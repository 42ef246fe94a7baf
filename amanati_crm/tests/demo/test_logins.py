"""Both of Meta's logins over real HTTP: the same account, the frontend's link, a new consent."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from .conftest import Demo, eventually

pytestmark = pytest.mark.demo


def consent(demo: Demo, session: requests.Session, address: str, **answer: Any) -> Any:
    """Open an address that leads to Meta's dialog, answer it, and follow to the last page."""
    dialog = session.get(address, timeout=30, allow_redirects=False)
    back = demo.control("consent", url=dialog.headers["Location"], **answer)
    # Browsers carry Instagram's `#_` from redirect to redirect.
    page = session.get(back["location"], timeout=30)
    page.url = page.url.removesuffix("#_")
    return page


def answer_choice(session: requests.Session, page: requests.Response) -> requests.Response:
    """Press "Connect" with everything ticked."""
    assert "/oauth/choose/" in page.url, page.text
    form = {
        "csrfmiddlewaretoken": re.findall(r'csrfmiddlewaretoken" value="(\w+)"', page.text)[0],
        "account": re.findall(r'name="account" value="(\d+)"', page.text),
        "do": "connect",
    }
    return session.post(page.url, form, timeout=30)


def account(demo: Demo, username: str) -> Any:
    found = [one for one in demo.status()["accounts"] if one["username"] == username]
    assert len(found) == 1
    return found[0]


def link(demo: Demo, **body: str) -> str:
    """Ask for a frontend's link."""
    headers = {"Authorization": f"Bearer {demo.access_token()}"}
    answer = requests.post(f"{demo.api}/oauth/start/", json=body, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["authorization_url"])


def test_both_are_offered(demo: Demo) -> None:
    page = demo.staff().get(f"{demo.api}/oauth/start/", timeout=30)
    assert "Continue with Instagram" in page.text
    assert "Continue with Facebook" in page.text


@pytest.mark.parametrize("reply", ["wrapped", "flat"])
@pytest.mark.parametrize("ids", ["text", "number"])
@pytest.mark.parametrize("permissions", ["text", "list"])
def test_every_shape_of_instagrams_answers(
    demo: Demo, reply: str, ids: str, permissions: str
) -> None:
    demo.control("switches", login_reply=reply, login_ids=ids, login_permissions=permissions)
    page = consent(
        demo, demo.staff(), f"{demo.api}/oauth/start/?login=instagram", account="demo_shop"
    )
    assert page.url == f"{demo.api}/oauth/result/"
    assert "@demo_shop" in page.text
    found = account(demo, "demo_shop")
    assert (found["login"], found["webhook_subscribed"]) == ("instagram", True)
    assert found["token_expires_at"]


def test_the_same_account_through_the_other_login_stays_one(demo: Demo) -> None:
    session = demo.staff()
    consent(demo, session, f"{demo.api}/oauth/start/?login=instagram", account="second_shop")
    first = account(demo, "second_shop")
    demo.connect(session)
    second = account(demo, "second_shop")
    assert first["id"] == second["id"]
    assert (first["login"], second["login"]) == ("instagram", "facebook")
    text = "Signed by either secret"
    demo.control("messages", account="second_shop", customer="customer_one", text=text)
    eventually(lambda: account(demo, "second_shop")["last_event_at"])


def test_a_frontends_link_works_in_a_browser_without_a_session(demo: Demo) -> None:
    browser = requests.Session()
    address = link(demo, login="instagram")
    assert urlsplit(address).netloc == urlsplit(demo.app_url).netloc
    page = consent(demo, browser, address, account="demo_shop")
    assert page.url == f"{demo.api}/oauth/result/"
    assert requests.get(address, timeout=30).status_code == 409
    # A result of its own, and nothing else.
    assert "/login/" in browser.get(f"{demo.app_url}/admin/", timeout=30).url


def test_an_account_that_is_left_out_is_kept_and_marked(demo: Demo) -> None:
    session = demo.staff()
    demo.connect(session)
    state = requests.get(f"{demo.emulator_url}/_control/state", timeout=30).json()
    pages = [page["id"] for page in state["pages"] if page["name"] == "Demo Shop"]
    start = f"{demo.api}/oauth/start/?login=facebook"
    page = consent(demo, session, start, pages=pages)
    assert "Access withdrawn" in page.text
    assert "access_withdrawn" not in codes(demo, "second_shop")
    answer_choice(session, page)
    assert "access_withdrawn" in codes(demo, "second_shop")
    demo.connect(session)
    assert codes(demo, "second_shop") == []


def test_a_partial_grant_is_told(demo: Demo) -> None:
    scopes = [
        "instagram_basic",
        "instagram_manage_messages",
        "pages_show_list",
        "pages_read_engagement",
        "business_management",
    ]
    session = demo.staff()
    start = f"{demo.api}/oauth/start/?login=facebook"
    page = answer_choice(session, consent(demo, session, start, scopes=scopes))
    assert "<code>pages_manage_metadata</code>" in page.text
    assert "permissions_missing" in codes(demo, "demo_shop")
    demo.connect(session)
    assert codes(demo, "demo_shop") == []


def codes(demo: Demo, username: str) -> list[str]:
    """Return the problems the status names for an account."""
    return [problem["code"] for problem in account(demo, username)["problems"]]
