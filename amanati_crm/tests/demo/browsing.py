"""Headless Chromium for the demo's tests: pages that note whatever a page must never do."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Route,
    expect,
    sync_playwright,
)

from .conftest import Demo

CHROMIUM = shutil.which("chromium")
ARTIFACTS = Path(__file__).resolve().parents[3] / ".artifacts"
MARKS = [
    pytest.mark.demo,
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed (Debian: chromium)"),
]
# How long something may take on a machine that does much else; what is there sooner is seen sooner.
PATIENCE = 20_000  # milliseconds
expect.set_options(timeout=PATIENCE)
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
# The console also tells of every answer that is no success, or none; that is each test's own.
ANSWERS = re.compile(r"^Failed to load resource|^htmx:(afterRequest|sendError|responseError)\b")
POLICY = """addEventListener("securitypolicyviolation", (event) => noteViolation(
    `policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}
    by ${event.sourceFile}:${event.lineNumber}`), true);"""


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

    def note_violation(self, words: str) -> None:
        """The page's policy stopped something: it should not even have been tried."""
        self.faults.append(words)

    def shot(self, name: str, *, whole: bool = True) -> None:
        """Keep a picture to look at."""
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=whole)

    def scripts_and_policy(self) -> list[str]:
        """Return the faults but for answers that were no success."""
        return [fault for fault in self.faults if not ANSWERS.match(fault)]


def watch(context: BrowserContext) -> Watched:
    """Open a page in a browser of its own, and listen to it."""
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    found = Watched(page)
    page.expose_function("noteViolation", found.note_violation)
    page.add_init_script(POLICY)
    page.on("dialog", found.note_dialog)
    page.on("pageerror", lambda error: found.faults.append(str(error)))
    page.on("console", found.note_console)
    page.on("request", lambda request: found.hosts.add(urlsplit(request.url).netloc))
    return found


def keep_at_home(context: BrowserContext, demo: Demo) -> None:
    """Let no request out of this machine; that it was tried is noted all the same."""
    ours = {urlsplit(url).netloc for url in (demo.app_url, demo.emulator_url)}

    def decide(route: Route) -> None:
        route.continue_() if urlsplit(route.request.url).netloc in ours else route.abort()

    context.route("**/*", decide)


@contextmanager
def chromium_browser() -> Iterator[Browser]:
    """Run a headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu"] if os.geteuid() == 0 else ["--disable-gpu"],
        )
        yield browser
        browser.close()


@contextmanager
def signed_in(
    browser: Browser, demo: Demo, username: str = "", **options: Any
) -> Iterator[Watched]:
    """Open a browser somebody has signed in with; errors and violations fail the test."""
    context = browser.new_context(**{"viewport": DESK, **options})
    session = demo.staff(username)
    context.add_cookies(
        [
            {"name": cookie.name, "value": str(cookie.value), "url": demo.app_url}
            for cookie in session.cookies
        ]
    )
    found = watch(context)
    try:
        yield found
    finally:
        context.close()
    assert not found.scripts_and_policy(), found.scripts_and_policy()
