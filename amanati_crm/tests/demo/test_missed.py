"""What Meta never delivered is found over HTTP, once, and counted; it may still come later."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest
import requests

from .conftest import Demo, eventually
from .test_round_trip import listed

pytestmark = pytest.mark.demo

HOUR_AGO = "strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 hour')"


def api(demo: Demo, account: Any, method: str = "GET") -> requests.Response:
    """Ask what was found for an account, or have it looked for."""
    headers = {"Authorization": f"Bearer {demo.access_token()}"}
    url = f"{demo.api}/accounts/{account['id']}/sync/"
    return requests.request(method, url, headers=headers, timeout=30)


def by_api(demo: Demo, account: Any, _staff: requests.Session) -> None:
    assert api(demo, account, "POST").status_code == 202


def by_admin(demo: Demo, account: Any, staff: requests.Session) -> None:
    url = f"{demo.app_url}/admin/social_integrations/connectedaccount/"
    token = staff.cookies["csrftoken"]
    form = {"action": "reconcile", "_selected_action": account["id"], "csrfmiddlewaretoken": token}
    page = staff.post(url, form, headers={"Referer": url}, timeout=30)
    assert "1 started; see Reconciliations." in page.text


@pytest.mark.parametrize("look_for_it", [by_api, by_admin])
def test_withheld_messages_are_found_once_and_counted(demo: Demo, look_for_it: Any) -> None:
    staff, customer = demo.staff(), f"missed_{look_for_it.__name__}"
    demo.connect(staff)
    account = next(one for one in demo.status()["accounts"] if one["username"] == "demo_shop")
    subscribed_for_long(demo, account)
    eventually(lambda: api(demo, account).json()["run"]["state"] != "running", seconds=90)
    before = api(demo, account).json()["missed_by_meta"]
    demo.control("customers", username=customer)
    sent = [write(demo, customer, number) for number in range(3)]
    assert {one["delivery_status"] for one in sent} == {"withheld"}

    look_for_it(demo, account, staff)
    # At Meta's two calls a second, a run through everybody other tests made takes its time.
    eventually(lambda: listed(demo, staff, "message", f"q={customer}")[0] == 3, seconds=90)
    # Messages of others, imported when the account was connected, may be counted meanwhile.
    eventually(lambda: api(demo, account).json()["missed_by_meta"] >= before + 3)

    ledger = listed(demo, staff, "webhookevent", "status__exact=applied")[0]
    for one in sent:
        demo.control("redeliver", delivery_id=one["delivery_id"])
    eventually(
        lambda: listed(demo, staff, "webhookevent", "status__exact=applied")[0] >= ledger + 3
    )
    assert listed(demo, staff, "message", f"q={customer}")[0] == 3


def write(demo: Demo, customer: str, number: int) -> Any:
    """Let a customer write without the CRM being told, longer ago than webhooks take."""
    return demo.control(
        "messages",
        account="demo_shop",
        customer=customer,
        text=f"Never delivered to {customer}, number {number}",
        ago=300 - number,
        switches={"withhold": 1},
    )


def subscribed_for_long(demo: Demo, account: Any) -> None:
    """Have the account subscribed for an hour: what came before it is history, not missed."""
    with closing(sqlite3.connect(demo.folder / "db.sqlite3", timeout=30)) as database, database:
        database.execute(
            "UPDATE social_integrations_connectedaccount"  # noqa: S608 - words of ours
            f" SET webhook_subscribed_at = {HOUR_AGO} WHERE id = ?",
            (account["id"],),
        )
