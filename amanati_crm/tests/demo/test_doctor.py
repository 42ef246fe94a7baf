"""The doctor against a running installation and the emulator, over real HTTP."""

import re
from typing import Any

import pytest
import requests

from .conftest import Demo, eventually

pytestmark = pytest.mark.demo


@pytest.fixture
def shop(demo: Demo) -> Any:
    """The first of the accounts connected through Facebook Login, all breaks mended afterwards."""
    demo.connect(demo.staff())
    connected = [row for row in demo.status()["accounts"] if row["login"] == "facebook"]
    yield connected[0]
    demo.control("break", name="mend")


def press(demo: Demo, session: requests.Session, **form: Any) -> str:
    """Press a button of the doctor's page and return the page that comes of it."""
    address = f"{demo.api}/doctor/"
    page = session.get(address, timeout=30).text
    token = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', page)[0]
    form |= {"csrfmiddlewaretoken": token}
    answer = session.post(address, form, headers={"Referer": address}, timeout=90)
    assert answer.ok, answer.text
    return answer.text


def health(demo: Demo, account_id: int) -> dict[str, Any]:
    """Return the account's rows by code."""
    headers = {"Authorization": f"Bearer {demo.access_token()}"}
    answer = requests.get(f"{demo.api}/accounts/{account_id}/health/", headers=headers, timeout=90)
    assert answer.ok, answer.text
    return {row["code"]: row for row in answer.json()["rows"]}


def test_the_demo_is_well(demo: Demo, shop: Any) -> None:
    demo.control("messages", account=shop["username"], customer="customer_one", text="Hello")
    eventually(lambda: demo.status()["accounts"][0]["last_event_at"])
    rows = health(demo, shop["id"])
    wrong = [row for row in rows.values() if row["level"] in ("amber", "red")]
    assert wrong == []
    for code in ("handshake", "signed_delivery", "app_credentials", "webhook_address", "token"):
        assert rows[code]["level"] == "green", rows[code]


def test_a_lost_subscription_is_found_and_mended_on_the_page(demo: Demo, shop: Any) -> None:
    demo.control("break", name="unsubscribe", account=shop["username"])
    session = demo.staff()
    page = press(demo, session)
    assert "Meta does not deliver this account&#x27;s messages to our app." in page
    button = f'name="subscribe" value="{shop["id"]}"'
    assert button in page
    page = press(demo, session, subscribe=shop["id"])
    assert "is subscribed again." in page
    assert "Meta does not deliver this account" not in page


def test_the_switch_on_the_phone_is_found(demo: Demo, shop: Any) -> None:
    demo.control("break", name="access_off", account=shop["username"])
    # The reconciliation that connecting started may have used up Meta's allowance.
    tries = (health(demo, shop["id"])["message_access"] for _ in range(3))
    row = next(row for row in tries if row["level"] != "grey")
    assert row["level"] == "red"
    assert "Allow access to messages" in row["next_step"]


def test_a_changed_password_is_found(demo: Demo, shop: Any) -> None:
    demo.control("break", name="password", account=shop["username"])
    row = health(demo, shop["id"])["account_state"]
    assert (row["level"], "password" in row["sentence"]) == ("red", True)
