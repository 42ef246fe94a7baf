"""Every way a connection breaks: told within a minute, with the next step, and mended."""

import html
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import requests

from .conftest import Demo, end, eventually, launch
from .test_logins import answer_choice, consent

pytestmark = pytest.mark.demo

MINUTE = 60
# Through which login each account is connected here.
LOGINS = {"demo_shop": "facebook", "second_shop": "instagram"}
PAGES = {"pages": ["210000000000001"]}


@dataclass(frozen=True)
class Case:
    """A break of the emulator's panel, and what the product has to say about it."""

    name: str
    code: str
    message: str
    action: str
    accounts: tuple[str, ...] = tuple(LOGINS)


AGAIN = "onnect the"
CASES = (
    # A person leaves the app once, whatever the number of accounts.
    Case("remove_app", "disconnected", "removed", AGAIN, ("second_shop",)),
    Case("remove_app_silently", "disconnected", "removed", AGAIN, ("second_shop",)),
    Case("expire", "reauth_required", "expired", AGAIN),
    Case("password", "reauth_required", "password", AGAIN),
    Case("checkpoint", "reauth_required", "check the account", "follows the steps"),
    Case("role", "reauth_required", "no longer has a role", "connects the account again"),
    Case("permission", "reauth_required", "permission", "leave every permission ticked"),
    Case("unlink", "reauth_required", "no longer linked", "Link them", ("demo_shop",)),
    Case("access_off", "message_access_off", "message access off", "Connected tools"),
    Case("unsubscribe", "resubscribed", "stopped delivering", "Nothing to do"),
    Case("down", "meta_unreachable", "did not answer", "tried again by itself"),
)
# Nothing is wrong until a customer writes.
SILENT = (
    Case("forge", "events_missing", "not delivered", "INSTAGRAM_APP_SECRET", ("second_shop",)),
    Case("withhold", "events_missing", "not delivered", "webhook address", ("demo_shop",)),
)
# Meta says how long to wait, and it is waited: the last of all.
THROTTLE = Case("throttle", "throttled", "slow down", "goes on by itself")


@dataclass(frozen=True)
class Shop:
    """A demo with an account of each login."""

    demo: Demo
    staff: requests.Session
    bearer: dict[str, str]

    def status(self) -> dict[str, Any]:
        """Return what a frontend polls, by username."""
        url = f"{self.demo.api}/connection/status/"
        accounts = requests.get(url, headers=self.bearer, timeout=30).json()["accounts"]
        return {account["username"]: account for account in accounts}

    def connect(self, username: str) -> None:
        """Connect an account as a person does."""
        login = LOGINS[username]
        answer: Any = PAGES if login == "facebook" else {"account": username}
        start = f"{self.demo.api}/oauth/start/?login={login}"
        page = consent(self.demo, self.staff, start, **answer)
        if "/oauth/choose/" in page.url:
            page = answer_choice(self.staff, page)
        assert f"@{username}" in page.text

    def problem(self, username: str, code: str) -> Any:
        """Return the problem with a code, if the status tells it."""
        problems = self.status()[username]["problems"]
        return next((one for one in problems if one["code"] == code), None)

    def fine(self) -> bool:
        """Return whether both accounts are connected and nothing is wrong with them."""
        found = self.status().values()
        return all(one["status"] == "connected" and not one["problems"] for one in found)

    def write(self, username: str, text: str, **more: Any) -> None:
        """Let a customer write."""
        about = {"account": username, "customer": "customer_one", "text": text}
        self.demo.control("messages", **about | more)

    def shows_once(self, text: str) -> bool:
        """Return whether the CRM holds exactly one message with this text."""
        url = f"{self.demo.app_url}/admin/social_integrations/message/"
        page = self.staff.get(url, params={"q": text}, timeout=30).text
        return len(re.findall(rf">\s*{re.escape(html.escape(text))}\s*<", page)) == 1


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A demo of its own: what is broken here is nobody else's connection."""
    launcher, demo = launch(tmp_path_factory.mktemp("breaks"), INSTAGRAM_WATCH_SECONDS="1")
    bearer = {"Authorization": f"Bearer {demo.access_token()}"}
    running = Shop(demo, demo.staff(), bearer)
    for username in LOGINS:
        running.connect(username)
    assert running.fine()
    yield running
    end(launcher)


def hurt(shop: Shop, case: Case) -> None:
    """Break it; a customer writes meanwhile."""
    for username in case.accounts:
        shop.demo.control("break", name=case.name, account=username)
        # The webhook has two minutes before a message counts as not delivered.
        # Meta shows the 20 newest messages of a conversation: these have one of their own.
        text = meanwhile(case, username)
        shop.write(username, text, customer="customer_two", ago=180)


def meanwhile(case: Case, username: str) -> str:
    return f"While {case.name} at {username}"


def told(shop: Shop, case: Case, since: float) -> None:
    """See it told by the API and the admin within a minute."""
    for username in case.accounts:
        left = since + MINUTE - time.monotonic()
        problem = eventually(partial(shop.problem, username, case.code), seconds=left)
        assert case.message in problem["message"]
        assert case.action in problem["action"]
        address = f"{shop.demo.app_url}/admin/social_integrations/connectedaccount/"
        page = shop.staff.get(address, timeout=30).text
        assert html.escape(problem["message"]) in page
        assert html.escape(problem["action"]) in page


def mended(shop: Shop) -> None:
    """Do what the product asked for, and see that all is well."""
    shop.demo.control("break", name="mend")
    for username, account in shop.status().items():
        if account["status"] != "connected":
            shop.connect(username)
    for username in LOGINS:
        shop.write(username, f"Hello again {time.time_ns()}")
    eventually(shop.fine, seconds=MINUTE)


def test_events_that_never_come_are_told_within_a_minute(shop: Shop) -> None:
    started = time.monotonic()
    for case in SILENT:
        hurt(shop, case)
    time.sleep(1)  # Meta tells when a conversation changed in whole seconds
    for username in LOGINS:
        shop.write(username, "Does anybody hear me?")
    for case in SILENT:
        told(shop, case, started)
    mended(shop)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_told_within_a_minute_and_mended(shop: Shop, case: Case) -> None:
    started = time.monotonic()
    hurt(shop, case)
    told(shop, case, started)
    mended(shop)


def test_no_message_was_lost_meanwhile(shop: Shop) -> None:
    for account in shop.status().values():
        url = f"{shop.demo.api}/accounts/{account['id']}/sync/"
        assert requests.post(url, headers=shop.bearer, timeout=30).status_code == 202
    for case in (*SILENT, *CASES):
        for username in case.accounts:
            text = meanwhile(case, username)
            eventually(partial(shop.shows_once, text))


def test_throttling_is_told_and_waited_for(shop: Shop) -> None:
    shop.demo.control("switches", regain=1)
    started = time.monotonic()
    hurt(shop, THROTTLE)
    told(shop, THROTTLE, started)
    shop.demo.control("break", name="mend")
    for username in LOGINS:
        text = f"Meta is slow, {username} is not"
        shop.write(username, text)
        eventually(partial(shop.shows_once, text))
