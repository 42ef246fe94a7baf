"""The open inbox in headless Chromium: what comes by itself, what must not move, what it says."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from .browsing import MARKS, Watched, chromium_browser, signed_in
from .conftest import Demo

pytestmark = MARKS


@dataclass
class Desk:
    """A browser somebody of the staff has signed in with, and a customer to write to them."""

    demo: Demo
    watched: Watched
    customer: str
    name: str

    @property
    def page(self) -> Page:
        """The inbox."""
        return self.watched.page

    def writes(self, text: str, **more: Any) -> str:
        """Let the customer write; return Meta's id of the message."""
        sent = self.demo.control("messages", customer=self.customer, text=text, **more)
        return str(sent["mid"])

    def open(self) -> None:
        """Open the customer's conversation with the keyboard."""
        row = self.page.locator(".si-row", has_text=self.name)
        expect(row).to_be_visible()
        row.locator("a").focus()
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#si-thread-title")).to_have_text(self.name)

    def bubble(self, text: str) -> Any:
        """Find a bubble by its text."""
        return self.page.locator("#si-messages .si-message", has_text=text)

    def place(self) -> int:
        """Return how far down the messages are scrolled."""
        return int(self.page.locator("#si-scroll").evaluate("box => box.scrollTop"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the module."""
    with chromium_browser() as browser:
        yield browser


@pytest.fixture
def desk(chromium: Browser, demo: Demo) -> Iterator[Desk]:
    """Sign in, with an account connected and a customer nobody else writes as."""
    demo.connect(demo.staff())  # another test may have broken this one account
    number = int(time.time() * 1000) % 10**9
    customer, name = f"live_{number}", f"Live {number}"
    demo.control("customers", username=customer, name=name)
    with signed_in(chromium, demo) as watched:
        watched.page.goto(f"{demo.app_url}/inbox/")
        yield Desk(demo, watched, customer, name)
    assert watched.hosts == {urlsplit(demo.app_url).netloc}


def test_what_comes_appears_by_itself_and_moves_nothing(desk: Desk) -> None:
    page = desk.page
    desk.writes("The first one")
    expect(page.locator(".si-row").first).to_contain_text("The first one")
    expect(page).to_have_title(re.compile(r"^\(\d+\) "))
    desk.open()
    expect(desk.bubble("The first one")).to_be_visible()
    row = page.locator(".si-row", has_text=desk.name)
    expect(row.locator(".si-count")).to_have_count(0)

    # A node that is left alone keeps what a script wrote on it.
    desk.bubble("The first one").evaluate("node => { node.untouched = true; }")
    page.locator("#si-text").fill("Half an answ")
    mid = desk.writes("The second one")
    expect(desk.bubble("The second one")).to_be_visible()
    assert desk.bubble("The first one").evaluate("node => node.untouched") is True
    expect(page.locator("#si-text")).to_be_focused()
    expect(page.locator("#si-text")).to_have_value("Half an answ")
    expect(page.locator("#si-announce")).to_contain_text(f"New message from {desk.name}")

    desk.demo.control("edits", customer=desk.customer, mid=mid, text="The second, mended")
    expect(desk.bubble("The second, mended")).to_be_visible()
    expect(desk.bubble("The second, mended").locator("summary", has_text="Edited")).to_be_visible()
    desk.demo.control("unsend", customer=desk.customer, mid=mid)
    expect(desk.bubble("This message was unsent.")).to_be_visible()
    assert "mended" not in page.locator("#si-messages").inner_text()


def test_a_reader_is_not_scrolled_away(desk: Desk) -> None:
    for number in range(50):
        desk.writes(f"Line {number} " + "of many words " * 8, ago=3_000 - number)
    desk.writes("The end")
    desk.open()
    expect(desk.bubble("The end")).to_be_visible()
    # Older ones come when somebody scrolls up, and what they look at stays where it is.
    before = desk.page.locator("#si-messages .si-message").count()
    desk.page.locator("#si-scroll").evaluate("box => { box.scrollTop = 0; }")
    expect(desk.bubble("Line 0 ")).to_be_attached()
    assert desk.page.locator("#si-messages .si-message").count() > before
    assert desk.place() > 500
    expect(desk.page.locator("#si-messages > .si-day")).to_have_count(1)

    desk.page.locator("#si-scroll").evaluate("box => { box.scrollTop = 300; }")
    desk.writes("Meanwhile")
    jump = desk.page.get_by_role("button", name="New messages")
    expect(jump).to_be_visible()
    assert desk.place() == 300
    jump.click()
    expect(desk.bubble("Meanwhile")).to_be_in_viewport()
    expect(jump).to_be_hidden()

    # What is being written covers nothing at the end, and nobody misses an answer of their own.
    desk.page.locator("#si-text").fill("Line by line\n" * 8)
    expect(desk.bubble("Meanwhile")).to_be_in_viewport(ratio=1)
    desk.page.locator("#si-scroll").evaluate("box => { box.scrollTop = 300; }")
    desk.page.locator("#si-text").fill("Ours")
    desk.page.keyboard.press("Enter")
    expect(desk.bubble("Ours")).to_be_in_viewport()
    expect(jump).to_be_hidden()


def test_media_come_through_our_own_door(desk: Desk) -> None:
    for kind in ("image", "video", "audio", "story_mention", "story_reply"):
        desk.demo.control("events", customer=desk.customer, kind=kind)
    desk.open()
    pictures = desk.page.locator("#si-messages img[data-si-media]")
    expect(pictures).to_have_count(3)
    for number in range(3):
        pictures.nth(number).scroll_into_view_if_needed()
        expect(pictures.nth(number)).to_have_js_property("complete", value=True)
        assert pictures.nth(number).evaluate("one => one.naturalWidth") > 0
    player = desk.page.locator("#si-messages video")
    assert player.evaluate("one => one.readyState") == 0  # nothing is loaded before it is played
    assert player.evaluate("one => one.play().then(() => one.readyState > 1, String)") is True
    desk.demo.control("expire-media")
    desk.page.reload()
    expect(desk.page.get_by_text("No longer available at Instagram").first).to_be_visible()
    expect(desk.page.get_by_text("This story is no longer available.").first).to_be_visible()


def test_a_lost_connection_and_an_ended_session_are_told(desk: Desk) -> None:
    status = desk.page.locator("#si-status-bar")
    desk.page.context.set_offline(True)
    expect(status).to_have_text(re.compile("Connection lost . trying again"))
    desk.page.context.set_offline(False)
    expect(status).to_have_text("Back online")
    expect(status).to_be_hidden()
    desk.page.context.clear_cookies()
    expect(status).to_contain_text("You have been signed out.")
    status.get_by_role("link", name="Sign in").click()
    expect(desk.page.get_by_label("Password")).to_be_visible()
    assert desk.page.url.endswith("/login/?next=/inbox/")


def test_the_keyboard_is_enough(desk: Desk) -> None:
    page = desk.page
    desk.writes("By keyboard")
    expect(page.locator(".si-row", has_text=desk.name)).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator(".si-row-link").first).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("#si-search")).to_be_focused()
    lists: list[str] = []
    page.on("request", lambda one: lists.append(one.headers.get("hx-target", "")))
    page.keyboard.type(desk.name)
    page.keyboard.press("ArrowDown")  # before what was found is there
    expect(page).to_have_url(re.compile("search=Live"))
    expect(page.locator(".si-row")).to_have_count(1)
    expect(page.locator(".si-row-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#si-thread-title")).to_be_focused()
    page.keyboard.press("r")
    expect(page.locator("#si-text")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator(".si-row-link[aria-current]")).to_be_focused()
    assert lists.count("si-list") == 1, "rows were drawn again under whoever moved on them"
