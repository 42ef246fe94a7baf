"""The same loop as a person goes through it, in headless Chromium."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, expect, sync_playwright

from .conftest import Demo

CHROMIUM = shutil.which("chromium")
ARTIFACTS = Path(__file__).resolve().parents[3] / ".artifacts"

pytestmark = [
    pytest.mark.demo,
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed (Debian: chromium)"),
]

HOSTILE = """<img src=x onerror=alert(1)><script>alert(2)</script>'"><svg onload=alert(3)>"""


@dataclass
class Watched:
    """A page that notes whatever a page must never do."""

    page: Page
    faults: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def note_dialog(self, dialog: Dialog) -> None:
        """No page of ours opens dialogs; a script of a stranger would."""
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def note_console(self, message: ConsoleMessage) -> None:
        """Policy violations and failed requests are written here."""
        if message.type == "error":
            self.faults.append(message.text)

    def shot(self, name: str) -> None:
        """Keep a picture to look at."""
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the module."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu"] if os.geteuid() == 0 else ["--disable-gpu"],
        )
        yield browser
        browser.close()


@pytest.fixture
def watched(chromium: Browser) -> Iterator[Watched]:
    """A fresh page; dialogs, script errors and policy violations fail the test at its end."""
    page = chromium.new_page(viewport={"width": 1200, "height": 850})
    found = Watched(page)
    page.on("dialog", found.note_dialog)
    page.on("pageerror", lambda error: found.faults.append(str(error)))
    page.on("console", found.note_console)
    page.on("request", lambda request: found.hosts.add(urlsplit(request.url).netloc))
    yield found
    page.close()
    assert found.faults == []


def test_a_person_connects_writes_and_reads(demo: Demo, watched: Watched) -> None:
    page = watched.page
    page.goto(f"{demo.api}/oauth/start/?login=facebook")
    watched.shot("login")
    page.get_by_label("Username").fill(demo.username)
    page.get_by_label("Password").fill(demo.password)
    page.get_by_role("button", name="Sign in").click()
    watched.shot("consent")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Which accounts")).to_be_visible()
    watched.shot("choose")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("heading", name="accounts are connected")).to_be_visible()
    watched.shot("connected")

    page.goto(demo.emulator_url)
    page.get_by_placeholder("Message").fill(HOSTILE)
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("button", name=re.compile("sample picture", re.IGNORECASE)).click()
    page.get_by_placeholder("Message").fill("Is the blue one still in stock?")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Is the blue one still in stock?")).to_be_visible()
    page.get_by_text("Shop, in its phone app").click()
    page.get_by_placeholder("Message").fill("Yes, two are left. Shall I put one aside?")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("two are left")).to_be_visible()
    watched.shot("phone")

    page.goto("about:blank")  # the phone asks the emulator all the time
    watched.hosts.clear()
    messages = f"{demo.app_url}/admin/social_integrations/message/?q=two+are+left"
    wait_for_text(page, messages, "two are left")
    page.goto(f"{demo.app_url}/admin/social_integrations/conversation/?q=customer_one")
    page.locator("#result_list tbody th a").first.click()
    expect(page.get_by_text("Is the blue one still in stock?")).to_be_visible()
    expect(page.get_by_text(HOSTILE)).to_be_visible()
    # Other tests may have sent pictures to the same demo before.
    expect(page.get_by_role("link", name=re.compile("image", re.IGNORECASE)).last).to_be_visible()
    watched.shot("thread")
    assert watched.hosts == {urlsplit(demo.app_url).netloc}


def wait_for_text(page: Page, url: str, text: str) -> None:
    """Load an address until it shows a text: the worker applies within a second."""
    for _ in range(50):
        page.goto(url)
        if page.locator("#result_list").get_by_text(text).count():
            return
        page.wait_for_timeout(200)
    pytest.fail(f"{url} never showed {text!r}")


@pytest.mark.parametrize("path", ["privacy", "terms", "data-deletion"])
@pytest.mark.parametrize("width", [390, 1200])
def test_public_pages_fit_and_ask_nobody_else(
    demo: Demo, watched: Watched, path: str, width: int
) -> None:
    page = watched.page
    page.set_viewport_size({"width": width, "height": 850})
    page.goto(f"{demo.app_url}/legal/{path}/")
    expect(page.get_by_text("EchoDesk demo").first).to_be_visible()
    assert page.locator("html").bounding_box()["width"] <= width  # type: ignore[index]
    assert watched.hosts == {urlsplit(demo.app_url).netloc}
    watched.shot(f"legal-{path}-{width}")
