"""An agent and a customer, each in a browser of their own: the whole loop of answering."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from social_integrations.emulator.samples import sample_picture

from .browsing import MARKS, PATIENCE, Watched, chromium_browser, signed_in, watch
from .conftest import Demo, eventually

pytestmark = MARKS

CLOSES_IN = 15  # seconds
WINDOW = 24 * 3600 - 60  # the CRM stops a minute early


@pytest.fixture(scope="module")
def chromium(demo: Demo) -> Iterator[Browser]:
    """One browser for the module, and the shop connected."""
    demo.connect(demo.staff())
    with chromium_browser() as browser:
        yield browser


@pytest.fixture
def agent(chromium: Browser, demo: Demo) -> Iterator[Watched]:
    """A member of staff with the inbox open."""
    with signed_in(chromium, demo) as found:
        found.page.goto(f"{demo.app_url}/inbox/")
        yield found


@dataclass
class Phone:
    """The customer's phone, on the emulator's page."""

    page: Page

    @property
    def thread(self) -> Locator:
        """What was written."""
        return self.page.locator("#thread")

    def write(self, text: str) -> None:
        """Send a text."""
        self.page.locator("#text").fill(text)
        self.page.get_by_role("button", name="Send", exact=True).click()

    def turn(self, text: str) -> Locator:
        """Return the turn with a text."""
        return self.thread.locator("li.turn", has_text=text).last


@pytest.fixture
def phone(chromium: Browser, demo: Demo) -> Iterator[Phone]:
    """The phone of a customer nobody else plays."""
    username = f"loop_{time.time_ns() % 10**9}"
    demo.control("customers", username=username, name="Lali of the loop")
    context = chromium.new_context(viewport={"width": 1100, "height": 900})
    found = watch(context)
    found.page.goto(demo.emulator_url)
    found.page.locator("#account").select_option(label="@demo_shop")
    found.page.locator("#customer").select_option(label=f"@{username}")
    yield Phone(found.page)
    context.close()
    assert not found.scripts_and_policy(), found.scripts_and_policy()


def opened(agent: Watched, text: str) -> Page:
    """Open the conversation that shows a text in the list."""
    row = agent.page.locator("#si-rows .si-row-link", has_text=text)
    row.click()
    expect(bubble(agent.page, text)).to_be_visible()
    expect(agent.page).to_have_url(re.compile(r"/inbox/\d+/"))
    return agent.page


def bubble(page: Page, text: str) -> Locator:
    """Return the newest message with a text."""
    return page.locator("#si-messages .si-message", has_text=text).last


def answer(page: Page, text: str) -> None:
    """Type an answer and send it."""
    page.locator("#si-text").fill(text)
    page.locator("[data-si-send]").click()


def test_text_picture_and_quote_go_out_and_typing_seen_and_reaction_come_back(
    agent: Watched, phone: Phone
) -> None:
    question = f"Do you repair sunshades, number {time.time_ns()}?"
    loads: list[str] = []
    agent.page.on("load", lambda page: loads.append(page.url))
    phone.write(question)
    expect(agent.page.locator("#si-rows .si-row", has_text=question)).to_be_visible()
    page = opened(agent, question)
    phone.write("It is a yellow one.")
    expect(bubble(page, "It is a yellow one.")).to_be_visible()

    page.locator("#si-text").press_sequentially("We do: ")
    expect(phone.page.get_by_label("The shop is typing")).to_be_visible()
    answer(page, "We do: 20 ₾, ready on Friday.")
    expect(phone.turn("We do: 20 ₾, ready on Friday.")).to_be_visible()
    expect(page.locator("#si-text")).to_have_value("")
    expect(bubble(page, "We do: 20 ₾")).to_contain_text("Seen")
    agent.shot("inbox-answered")

    page.locator("[data-si-file-input]").set_input_files(
        {"name": "sunshade.png", "mimeType": "image/png", "buffer": sample_picture()}
    )
    expect(page.locator("[data-si-file]")).to_contain_text("Ready to send")
    agent.shot("inbox-attached")
    page.locator("[data-si-send]").click()
    expect(phone.thread.locator("li.business img")).to_be_visible()
    expect(page.locator("#si-messages .si-out img")).to_be_visible()

    asked = page.locator("#si-messages .si-in", has_text=question)
    asked.hover()
    asked.get_by_role("button", name="Answer this message").click()
    expect(page.locator("[data-si-quote]")).to_contain_text(question)
    answer(page, "The yellow one too.")
    quoting = phone.turn("The yellow one too.")
    expect(quoting.locator(".quote")).to_have_text(question)
    expect(bubble(page, "The yellow one too.").locator(".si-quoted")).to_contain_text(question)

    quoting.get_by_role("button", name="React", exact=True).click()
    quoting.get_by_role("button", name="React with love").click()
    expect(
        bubble(page, "The yellow one too.").locator(".si-reactions", has_text="❤")
    ).to_be_visible()

    asked.hover()
    asked.locator("[data-si-react] summary").click()
    asked.locator(".si-react-choices button").first.click()
    expect(phone.turn(question).locator(".reactions")).to_be_visible()
    assert loads == [], "a page was loaded again"
    agent.shot("inbox-loop")


def test_a_window_closes_under_ones_eyes_and_the_composer_says_why(
    agent: Watched, demo: Demo
) -> None:
    username = f"late_{time.time_ns() % 10**9}"
    demo.control("customers", username=username)
    text = f"Is anybody there? {username}"
    about = {"account": "demo_shop", "customer": username, "text": text}
    demo.control("messages", ago=WINDOW - CLOSES_IN, **about)
    page = opened(agent, text)
    shut = page.locator("#si-window .si-shut")
    written = page.locator("#si-text")
    written.fill("I was just about to")
    expect(page.locator("#si-window .si-until")).to_be_visible()
    expect(shut).to_be_visible(timeout=CLOSES_IN * 1000 + PATIENCE)
    expect(shut).to_contain_text("24 hours")
    expect(written).to_be_disabled()
    expect(written).to_have_value("I was just about to")
    agent.shot("inbox-closed")

    demo.control("messages", **about | {"text": f"Hello again {username}"})
    expect(written).to_be_enabled()


def test_two_agents_answering_at_once_both_go_out_and_each_is_told(
    agent: Watched, chromium: Browser, demo: Demo
) -> None:
    username = f"both_{time.time_ns() % 10**9}"
    colleague = demo.hire(f"colleague_of_{username}")
    demo.control("customers", username=username)
    text = f"Who answers me first? {username}"
    demo.control("messages", account="demo_shop", customer=username, text=text)
    first = opened(agent, text)
    with signed_in(chromium, demo, colleague) as other:
        other.page.goto(first.url)
        second = other.page
        second.locator("#si-text").fill(f"The second {username}")
        answer(first, f"The first {username}")
        expect(bubble(second, f"The first {username}")).to_be_visible()
        second.locator("[data-si-send]").click()
        # Somebody answered meanwhile: that is said before the second answer goes out.
        expect(second.locator("#si-problem")).to_contain_text(f"The first {username}")
        other.shot("inbox-answered-meanwhile")
        second.locator("[data-si-send]").click()
        for page in (first, second):
            expect(bubble(page, f"The second {username}")).to_be_visible()
    sent = eventually(lambda: texts_of(demo, username, 2))
    assert sorted(sent) == [f"The first {username}", f"The second {username}"]


def texts_of(demo: Demo, username: str, count: int) -> list[str]:
    """Return what the shop wrote to a customer, once it is that much."""
    threads = demo.state()["threads"]
    customers = {one["username"]: one["id"] for one in demo.state()["customers"]}
    found = next((one for one in threads if one["customer"] == customers[username]), None)
    messages = found["messages"] if found else []
    texts = [one["text"] for one in messages if one["from"] == "business"]
    return texts if len(texts) >= count else []
