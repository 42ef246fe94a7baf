"""The whole loop over real HTTP: connect, a customer writes, the message is in the CRM."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import requests

from social_integrations.graph.signatures import sign
from social_integrations.tests.payloads import encode, text_payload

from .conftest import Demo, end, eventually, launch

pytestmark = pytest.mark.demo


@pytest.fixture(scope="module")
def staff(demo: Demo) -> requests.Session:
    """A signed-in session with the shop's account connected."""
    session = demo.staff()
    page = demo.connect(session)
    assert page.url == f"{demo.api}/oauth/result/"
    assert "@demo_shop" in page.text
    return session


def listed(demo: Demo, staff: requests.Session, model: str, query: str = "") -> tuple[int, str]:
    """Return how many rows an admin list has, and its page."""
    url = f"{demo.app_url}/admin/social_integrations/{model}/?{query}"
    page = staff.get(url, timeout=30).text
    count = re.search(r'class="paginator">\s*(?:<.*?>\s*)*([\d,]+) ', page, re.DOTALL)
    assert count, page
    return int(count[1].replace(",", "")), page


def shows(demo: Demo, staff: requests.Session, model: str, text: str, query: str = "") -> bool:
    """Return whether an admin list shows a text."""
    return text in listed(demo, staff, model, query)[1]


class TestTheGuidesChecks:
    """What the set-up guide's "Testing Your Integration" asks for, as it prints it."""

    def curl(self, *arguments: str) -> str:
        command = ["curl", "--silent", "--show-error", "--max-time", "10", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def test_the_webhook_answers_with_the_challenge(self, demo: Demo) -> None:
        query = f"hub.mode=subscribe&hub.challenge=test&hub.verify_token={demo.verify_token}"
        answer = self.curl("-i", "-X", "GET", f"{demo.api}/webhook/?{query}")
        head, _, body = answer.partition("\n\n")
        assert body == "test" or answer.endswith("\r\n\r\ntest")
        assert "content-type: text/plain" in answer.lower()
        assert "200 OK" in head

    def test_the_oauth_start_leads_to_the_sign_in(self, demo: Demo) -> None:
        answer = self.curl("-i", "-X", "GET", f"{demo.api}/oauth/start/")
        assert "302" in answer.splitlines()[0]
        assert "/login/?next=/api/social/instagram/oauth/start/" in answer

    def test_the_status_answers_to_a_jwt(self, demo: Demo, staff: requests.Session) -> None:
        bearer = f"Authorization: Bearer {demo.access_token()}"
        answer = self.curl("-X", "GET", f"{demo.api}/connection/status/", "-H", bearer)
        assert '"connected":true' in answer.replace(" ", "")


def test_text_and_picture_are_stored_once_and_shown(demo: Demo, staff: requests.Session) -> None:
    text = "გამარჯობა! Do you mend parasols? 👋"
    pictures = listed(demo, staff, "message", "kind=image")[0]
    sent = demo.control("messages", account="demo_shop", customer="customer_one", text=text)
    demo.control("redeliver", delivery_id=sent["delivery_id"])
    picture = [{"type": "image"}]
    demo.control("messages", account="demo_shop", customer="customer_one", attachments=picture)
    eventually(lambda: listed(demo, staff, "message", "kind=image")[0] == pictures + 1)
    eventually(lambda: shows(demo, staff, "message", text))
    assert listed(demo, staff, "message", "q=parasols")[0] == 1
    account = next(a for a in demo.status()["accounts"] if a["username"] == "demo_shop")
    assert account["webhook_subscribed"] is True
    assert account["last_event_at"]


def test_the_conversation_reads_as_a_thread(demo: Demo, staff: requests.Session) -> None:
    demo.control("messages", account="second_shop", customer="customer_one", text="To the second")
    demo.control("echoes", account="second_shop", customer="customer_one", text="Answered by hand")
    eventually(lambda: listed(demo, staff, "message", "q=Answered+by+hand")[0] == 1)
    page = listed(demo, staff, "conversation")[1]
    threads = re.findall(r"/admin/social_integrations/conversation/\d+/change/", page)
    texts = [staff.get(demo.app_url + path, timeout=30).text for path in sorted(set(threads))]
    (thread,) = [text for text in texts if "To the second" in text]
    assert thread.index("To the second") < thread.index("Answered by hand")


def test_the_customers_profile_is_fetched(demo: Demo, staff: requests.Session) -> None:
    demo.control("messages", account="demo_shop", customer="customer_two", text="Who am I?")
    eventually(lambda: shows(demo, staff, "contact", "customer_two"))


def test_the_dashboards_test_button_creates_nobody(demo: Demo, staff: requests.Session) -> None:
    people = listed(demo, staff, "contact")[0]
    demo.control("test-event")
    eventually(lambda: listed(demo, staff, "webhookevent", "status__exact=test")[0] > 0)
    assert listed(demo, staff, "contact")[0] == people


def test_forty_slow_clients_do_not_hold_up_a_delivery(demo: Demo) -> None:
    host, port = demo.app_url.removeprefix("http://").split(":")
    slow = [socket.create_connection((host, int(port))) for _ in range(40)]
    head = "POST /api/social/instagram/webhook/ HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n"
    for number, client in enumerate(slow):
        client.sendall((head + ("\r\n{" if number % 2 else "X-Slow: 1")).encode())
    body = encode(text_payload("m-among-slow-clients"))
    started = time.monotonic()
    response = post(demo, body)
    assert response.status_code == 200
    assert time.monotonic() - started < 10  # what Meta waits
    for client in slow:
        client.close()


def post(demo: Demo, body: bytes) -> requests.Response:
    headers = {"X-Hub-Signature-256": sign(body, demo.app_secret)}
    return requests.post(f"{demo.api}/webhook/", body, headers=headers, timeout=30)


def accepted(demo: Demo, body: bytes) -> bool:
    """Deliver as Meta does, which repeats whatever is not answered with 200."""
    return post(demo, body).status_code == 200


def children(demo: Demo) -> dict[str, int]:
    """Return the demo's processes by their command."""
    # `-ww`: with COLUMNS set, ps cuts lines, and in a long path the command's name is cut off.
    listing = subprocess.run(
        ["ps", "-ww", "--ppid", str(demo.launcher), "-o", "pid=,args="],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = ("meta_emulator", "serve", "instagram_worker")
    return {
        name: int(line.split()[0])
        for line in listing.splitlines()
        for name in names
        if name in line
    }


def is_running(process: int) -> bool:
    """Return whether a process still does anything; a zombie does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_killed_processes_come_back_and_nothing_is_lost(
    demo: Demo, staff: requests.Session
) -> None:
    account = next(a for a in demo.status()["accounts"] if a["username"] == "demo_shop")
    os.kill(children(demo)["instagram_worker"], signal.SIGKILL)
    for number in range(10):
        body = encode(
            text_payload(
                f"m-kill-{number}",
                f"survivor {number}",
                account=account["instagram_account_id"],
                sender="99887766554433",
            )
        )
        if number == 5:
            os.kill(children(demo)["serve"], signal.SIGKILL)
        eventually(partial(accepted, demo, body))
    eventually(lambda: listed(demo, staff, "message", "q=survivor")[0] == 10, seconds=40)


def test_a_second_run_keeps_the_data_and_a_taken_port_is_said(tmp_path: Path) -> None:
    launcher, first = launch(tmp_path)
    session = first.staff()
    first.connect(session)
    first.control("messages", account="demo_shop", text="Kept over night")
    eventually(lambda: shows(first, session, "message", "Kept over night"))
    port = first.app_url.rpartition(":")[2]
    taken = subprocess.run(
        [sys.executable, "scripts/demo.py"],
        env={**os.environ, "PORT": port, "DEMO_DIR": str(tmp_path / "other")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert taken.returncode == 1
    assert f"Port {port} is taken" in taken.stdout
    second = subprocess.run(
        [sys.executable, "scripts/demo.py"],
        env={**os.environ, "DEMO_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert "A demo already runs from" in second.stdout
    assert "Everything has ended" in end(launcher)

    launcher, later = launch(tmp_path)
    running = children(later)
    assert later.password == first.password
    assert shows(later, later.staff(), "message", "Kept over night")
    assert later.status()["connected"] is True
    launcher.kill()
    launcher.communicate()
    eventually(lambda: not any(map(is_running, running.values())))
