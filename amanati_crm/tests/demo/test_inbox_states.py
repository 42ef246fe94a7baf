"""The inbox as different people meet it: by keyboard, by screen reader, on a phone, offline."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from social_integrations.emulator.samples import sample_picture

from .browsing import DESK, MARKS, PHONE, Watched, chromium_browser, signed_in
from .conftest import Demo, eventually
from .test_inbox_loop import answer, bubble, texts_of

pytestmark = MARKS

# What axe is asked to look for: in the dark only colours are different.
SCHEMES: dict[Literal["light", "dark"], dict[str, Any]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}},
}
LONG_AGO = 25 * 3600  # seconds


@dataclass(frozen=True)
class Chat:
    """A conversation with a little of everything."""

    demo: Demo
    username: str
    url: str

    @property
    def about(self) -> dict[str, str]:
        """Who writes to whom, for the emulator."""
        return {"account": "demo_shop", "customer": self.username}


@pytest.fixture(scope="module")
def chromium(demo: Demo) -> Iterator[Browser]:
    """One browser for the module, and the shop connected."""
    demo.connect(demo.staff())
    with chromium_browser() as browser:
        yield browser


def chat(demo: Demo, name: str, **first: Any) -> Chat:
    """Let a new customer write; return the conversation once it is in the inbox."""
    username = f"{name}_{time.time_ns() % 10**9}"
    demo.control("customers", username=username, name=f"{name.title()} of the states")
    begun = {"account": "demo_shop", "customer": username, "text": f"Hello from {username}"}
    demo.control("messages", **begun | first)
    headers = {"Authorization": f"Bearer {demo.access_token()}"}

    def found() -> Any:
        url = f"{demo.api}/conversations/"
        page = requests.get(url, params={"search": username}, headers=headers, timeout=30).json()
        return page["results"]

    (row,) = eventually(found)
    return Chat(demo, username, f"{demo.app_url}/inbox/{row['id']}/")


@pytest.fixture(scope="module")
def rich(demo: Demo, chromium: Browser) -> Chat:
    """A conversation that holds every kind of message."""
    made = chat(demo, "rich")
    for kind in (
        "image", "album", "video", "audio", "file", "like_heart", "story_reply", "story_mention",
        "ig_post", "ig_reel", "quick_reply", "postback", "message_ad", "unsupported", "template",
        "ephemeral", "edit", "reaction",
    ):  # fmt: skip
        demo.control("events", kind=kind, **made.about)
    demo.control("reactions", emoji="🔥", **made.about)
    demo.control("messages", text="That is all of it.", **made.about)
    return made


def findings(page: Page, options: dict[str, Any]) -> list[str]:
    """Return whatever axe finds, serious or not."""
    found = Axe().run(page, options=options)
    return [
        f"{one['id']}: {one['nodes'][0]['target']} {one['nodes'][0]['failureSummary']}"
        for one in found.response["violations"]
    ]


def with_choices(page: Page) -> None:
    """Open everything that opens, and type more than fits into one message."""
    page.locator("#si-text").fill("გამარჯობა " * 60)
    page.locator("[data-si-open=si-quick]").click()
    page.locator("[data-si-file-input]").set_input_files(
        {"name": "one.png", "mimeType": "image/png", "buffer": sample_picture(40, 30)}
    )
    expect(page.locator("[data-si-file]")).to_contain_text("Ready to send")
    expect(page.locator("#si-parts")).not_to_be_empty()


def with_menu(page: Page) -> None:
    """Open the canned replies."""
    page.locator("[data-si-canned-open]").click()
    expect(page.locator("[data-si-canned]")).to_be_visible()


def with_note(page: Page) -> None:
    """Open the form for a note."""
    page.locator("[data-si-open=si-note-form]").click()
    expect(page.locator("#si-note-text")).to_be_visible()


COMPOSING: dict[str, Callable[[Page], None]] = {
    "choices": with_choices,
    "menu": with_menu,
    "note": with_note,
}


@pytest.mark.parametrize("device", ["desk", "phone"])
def test_axe_finds_nothing(chromium: Browser, demo: Demo, rich: Chat, device: str) -> None:
    late = chat(demo, "late", ago=LONG_AGO)
    size = {"desk": DESK, "phone": PHONE}[device]
    pages = {
        "list": f"{demo.app_url}/inbox/",
        "empty": f"{demo.app_url}/inbox/?search=nobody+is+called+so",
        "thread": rich.url,
        "closed": late.url,
    }
    found: dict[str, list[str]] = {}
    with signed_in(chromium, demo, viewport=size, has_touch=device == "phone") as agent:
        page = agent.page
        for name, url in (pages | dict.fromkeys(COMPOSING, rich.url)).items():
            page.goto(url)
            COMPOSING.get(name, settled)(page)
            for scheme, options in SCHEMES.items():
                page.emulate_media(color_scheme=scheme)
                agent.shot(f"inbox-{name}-{device}-{scheme}", whole=False)
                found[f"{name} in {scheme}"] = findings(page, options)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], name
            page.evaluate("sessionStorage.clear()")
    assert {name: faults for name, faults in found.items() if faults} == {}


def settled(page: Page) -> None:
    """Wait until everything on a page is there."""
    page.wait_for_load_state("networkidle")


@pytest.fixture
def agent(chromium: Browser, demo: Demo) -> Iterator[Watched]:
    """A member of staff."""
    with signed_in(chromium, demo) as found:
        yield found


def test_a_lost_connection_is_said_and_nothing_typed_is_lost(agent: Watched, demo: Demo) -> None:
    made = chat(demo, "offline")
    page = agent.page
    page.goto(made.url)
    page.locator("#si-text").fill("Typed before the train")
    page.context.set_offline(True)
    page.locator("[data-si-send]").click()
    expect(page.locator("#si-problem")).to_contain_text("your text is kept")
    expect(page.locator("#si-text")).to_have_value("Typed before the train")
    expect(page.locator("#si-status-bar")).to_contain_text("Connection lost")
    agent.shot("inbox-offline")
    demo.control("messages", text="Are you on the train?", **made.about)
    page.context.set_offline(False)
    expect(bubble(page, "Are you on the train?")).to_be_visible()
    expect(page.locator("#si-status-bar")).to_contain_text("Back online")
    page.locator("[data-si-send]").click()
    expect(bubble(page, "Typed before the train")).to_be_visible()
    assert eventually(lambda: texts_of(demo, made.username, 1)) == ["Typed before the train"]


def test_a_draft_is_there_again_after_a_reload(agent: Watched, demo: Demo) -> None:
    first, second = chat(demo, "draft"), chat(demo, "other")
    page = agent.page
    page.goto(first.url)
    page.locator("#si-text").fill("Half a thought")
    page.goto(second.url)
    expect(page.locator("#si-text")).to_have_value("")
    page.goto(first.url)
    expect(page.locator("#si-text")).to_have_value("Half a thought")


def test_by_keyboard_from_the_list_to_a_sent_answer(agent: Watched, demo: Demo) -> None:
    made = chat(demo, "keys")
    other = chat(demo, "later")
    page = agent.page
    page.goto(f"{demo.app_url}/inbox/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    agent.shot("inbox-keys")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#si-search")).to_be_focused()
    page.keyboard.type(made.username)
    expect(page.locator("#si-rows .si-row")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(bubble(page, f"Hello from {made.username}")).to_be_visible()
    expect(bubble(page, other.username)).to_have_count(0)
    page.locator("#si-thread-title").focus()
    page.keyboard.press("r")
    expect(page.locator("#si-text")).to_be_focused()
    page.keyboard.type("Without")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("a mouse")
    page.keyboard.press("Enter")
    expect(bubble(page, "Without")).to_be_visible()
    expect(page.locator("#si-text")).to_be_focused()
    assert eventually(lambda: texts_of(demo, made.username, 1)) == ["Without\na mouse"]
    assert visible_focus(page.locator("#si-text"))


def visible_focus(locator: Locator) -> bool:
    """Return whether one sees that something has the focus."""
    look = """(one) => { const { outlineStyle, boxShadow } = getComputedStyle(one);
        return outlineStyle !== "none" || boxShadow !== "none"; }"""
    return bool(locator.evaluate(look))


def test_without_javascript_one_reads_and_answers(chromium: Browser, demo: Demo) -> None:
    made = chat(demo, "plain")
    with signed_in(chromium, demo, java_script_enabled=False) as agent:
        page = agent.page
        page.goto(f"{demo.app_url}/inbox/?search={made.username}")
        page.locator("#si-rows .si-row-link").click()
        expect(bubble(page, f"Hello from {made.username}")).to_be_visible()
        answer(page, "From a text browser")
        expect(page.get_by_text("From a text browser").first).to_be_visible()
        page.locator("#si-file-input").set_input_files(
            {"name": "p.png", "mimeType": "image/png", "buffer": sample_picture(40, 30)}
        )
        page.locator("[data-si-send]").click()
        agent.shot("inbox-plain")
    sent = eventually(lambda: texts_of(demo, made.username, 2))
    assert sent[0] == "From a text browser"
