"""The phone page in headless Chromium: what the business sends, and what the customer taps."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Dialog,
    Locator,
    Page,
    expect,
    sync_playwright,
)

from social_integrations.emulator.samples import SAMPLES

from .conftest import ALL_SCOPES, Client, Crm, Sender, attached, hear, items, wait_until

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed (Debian: chromium)"),
]

ARTIFACTS = Path(__file__).parents[3] / ".artifacts"
HOSTILE = """<img src=x onerror=alert(1)><script>alert(2)</script>'"><svg onload=alert(3)>"""
# A link that is none, a script, and a picture that would tell a stranger who looks.
BAD_URLS = (
    "javascript:alert(4)",
    "https://stranger.example/a.png",
    "data:text/html,x",
    "//x.example",
)


@dataclass
class Phone:
    """The page, with whatever it must never do written down."""

    page: Page
    faults: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def note_dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(message.text)

    def shot(self, name: str) -> None:
        """Keep a picture to look at."""
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png")

    def turn(self, text: str) -> Locator:
        return self.page.locator(".turn", has_text=text).last


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu"] if os.geteuid() == 0 else ["--disable-gpu"],
        )
        yield browser
        browser.close()


@pytest.fixture
def sends(client: Client) -> Sender:
    client.subscribe()
    token = client.page(f"{ALL_SCOPES},instagram_manage_comments")["access_token"]
    return Sender(client, "/me/messages", token)


@pytest.fixture
def phone(chromium: Browser, client: Client, sends: Sender) -> Iterator[Phone]:
    page = chromium.new_page(viewport={"width": 1200, "height": 850})
    found = Phone(page)
    page.on("dialog", found.note_dialog)
    page.on("pageerror", lambda error: found.faults.append(str(error)))
    page.on("console", found.note_console)
    page.on("request", lambda request: found.hosts.add(urlsplit(request.url).netloc))
    page.goto(client.running.url)
    yield found
    page.close()
    assert found.faults == []
    assert found.hosts == {urlsplit(client.running.url).netloc}


def last(crm: Crm, name: str) -> dict[str, Any]:
    """Wait for an item of a kind and return the newest."""
    wait_until(lambda: any(name in item for item in items(crm)), seconds=5)
    return dict([item for item in items(crm) if name in item][-1][name])


def test_everything_the_business_sends_is_shown(
    phone: Phone, client: Client, sends: Sender, shop: Callable[..., str]
) -> None:
    heard = hear(client, text="Are you open?")
    igsid = heard["igsid"]
    sends(igsid, message={"text": "Until seven"}, reply_to={"mid": heard["mid"]})
    urls = {kind: shop(kind, make()) for kind, make in SAMPLES.items()}
    for kind, url in urls.items():
        sends(igsid, message=attached(kind, url=url))
    expect(phone.turn("Until seven").locator(".quote")).to_have_text("Are you open?")
    for selector in ("img", "video", "audio", "a:has-text('PDF')"):
        expect(phone.page.locator(f".turn.business {selector}")).to_have_count(1)
    sends(igsid, sender_action="react", payload={"message_id": heard["mid"], "reaction": "love"})
    sends(igsid, sender_action="mark_seen")
    expect(phone.page.locator(".turn.customer .reactions")).to_have_text("❤️")
    expect(phone.page.locator(".turn.customer")).to_contain_text("Seen by the shop")
    sends(igsid, sender_action="typing_on")
    expect(phone.page.get_by_label("The shop is typing")).to_be_visible()
    phone.shot("phone-media-and-typing")
    sends(igsid, message={"text": "Bye"})
    expect(phone.page.get_by_label("The shop is typing")).to_have_count(0)


def test_taps_come_back_to_the_crm(phone: Phone, client: Client, sends: Sender, crm: Crm) -> None:
    igsid = hear(client)["igsid"]
    replies = [{"content_type": "text", "title": "Medium", "payload": "SIZE_M"}]
    sends(igsid, message={"text": "Which size?", "quick_replies": replies})
    phone.page.get_by_role("button", name="Medium").click()
    wait_until(lambda: "quick_reply" in items(crm)[-1].get("message", {}), seconds=5)
    assert last(crm, "message")["quick_reply"] == {"payload": "SIZE_M"}
    expect(phone.page.get_by_role("button", name="Medium")).to_have_count(0)
    tap = {"type": "postback", "title": "Buy", "payload": "BUY_1"}
    web = {"type": "web_url", "title": "Look", "url": "https://shop.example/b"}
    card = {"title": "Boots", "buttons": [tap, web]}
    sends(igsid, message=attached("template", template_type="generic", elements=[card]))
    phone.shot("phone-card")
    phone.page.get_by_role("button", name="Buy").click()
    assert last(crm, "postback")["payload"] == "BUY_1"
    expect(phone.page.get_by_role("link", name="Look")).to_have_attribute("href", web["url"])


def test_ice_breakers_and_the_menu_are_offered(
    phone: Phone, client: Client, sends: Sender, crm: Crm
) -> None:
    question = {"question": "When are you open?", "payload": "HOURS"}
    agent = {"type": "postback", "title": "Talk to a person", "payload": "AGENT"}
    profile = {
        "platform": "instagram",
        "ice_breakers": [{"locale": "default", "call_to_actions": [question]}],
        "persistent_menu": [{"locale": "default", "call_to_actions": [agent]}],
    }
    url = f"{client.running.url}/me/messenger_profile?access_token={sends.token}"
    assert requests.post(url, json=profile, timeout=5).status_code == 200
    phone.page.get_by_role("button", name="When are you open?").click()
    assert last(crm, "postback")["payload"] == "HOURS"
    expect(phone.page.get_by_role("button", name="When are you open?")).to_have_count(0)
    phone.page.get_by_role("button", name="Menu").click()
    phone.page.get_by_role("button", name="Talk to a person").click()
    wait_until(lambda: last(crm, "postback")["payload"] == "AGENT", seconds=5)


def test_an_open_chat_is_read_and_a_closed_one_is_not(
    phone: Phone, client: Client, sends: Sender, crm: Crm
) -> None:
    igsid = hear(client)["igsid"]
    phone.page.get_by_label("Reading").uncheck()
    mid = sends(igsid, message={"text": "One"}).json()["message_id"]
    expect(phone.turn("One")).to_be_visible()
    phone.page.wait_for_timeout(1500)
    assert not any("read" in item for item in items(crm))
    phone.page.get_by_label("Reading").check()
    assert last(crm, "read") == {"mid": mid}
    expect(phone.turn("One")).to_contain_text("Seen")


def test_the_customer_reacts_quotes_edits_and_unsends(
    phone: Phone, client: Client, sends: Sender, crm: Crm
) -> None:
    igsid = hear(client)["igsid"]
    sends(igsid, message={"text": "Here it is"})
    turn = phone.turn("Here it is")
    turn.hover()
    turn.get_by_role("button", name="React", exact=True).click()
    turn.get_by_role("button", name="React with laugh").click()
    assert last(crm, "reaction")["reaction"] == "laugh"
    turn.get_by_role("button", name="😆").click()
    wait_until(lambda: last(crm, "reaction")["action"] == "unreact", seconds=5)
    turn.hover()
    turn.get_by_role("button", name="Reply").click()
    phone.page.get_by_placeholder("Message").fill("Thanks")
    phone.page.get_by_role("button", name="Send", exact=True).click()
    expect(phone.turn("Thanks").locator(".quote")).to_have_text("Here it is")
    own = phone.turn("Thanks")
    own.hover()
    own.get_by_role("button", name="Edit").click()
    phone.page.get_by_placeholder("Message").fill("Thanks a lot")
    phone.page.get_by_role("button", name="Send", exact=True).click()
    assert last(crm, "message_edit")["text"] == "Thanks a lot"
    phone.turn("Thanks a lot").hover()
    phone.turn("Thanks a lot").get_by_role("button", name="Unsend").click()
    wait_until(lambda: "is_deleted" in last(crm, "message"), seconds=5)


def test_a_comment_can_be_written_and_shows_its_private_reply(
    phone: Phone, client: Client, sends: Sender, crm: Crm
) -> None:
    phone.page.get_by_role("tab", name="Post").click()
    phone.page.get_by_label("Comment", exact=True).fill("How much?")
    phone.page.get_by_role("button", name="Post", exact=True).click()
    expect(phone.page.locator("#comments")).to_contain_text("How much?")
    comment_id = client.state()["comments"][0]["id"]
    sends.post({"recipient": {"comment_id": comment_id}, "message": {"text": "Ten"}})
    expect(phone.page.locator("#comments")).to_contain_text("answered in private")
    phone.shot("phone-comments")
    phone.page.get_by_role("tab", name="Chat").click()
    expect(phone.turn("Ten")).to_contain_text("Answers your comment: How much?")


def test_clock_answers_and_log_stand_beside_the_phone(
    phone: Phone, client: Client, sends: Sender
) -> None:
    phone.page.get_by_label("Written").select_option("86280")
    phone.page.get_by_placeholder("Message").fill("Long ago")
    phone.page.get_by_role("button", name="Send", exact=True).click()
    expect(phone.page.locator("#window")).to_contain_text("closes in 1 min")
    igsid = client.state()["threads"][0]["igsid"]
    phone.page.get_by_role("button", name="+1 h").click()
    expect(phone.page.locator("#window")).to_contain_text("is closed")
    sends(igsid, message={"text": "Too late"})
    expect(phone.page.locator("#sent")).to_contain_text("error 10/2534022")
    phone.page.get_by_role("button", name="Real time").click()
    phone.page.get_by_label("What happens").select_option("551/1545041")
    phone.page.get_by_role("button", name="Set").click()
    expect(phone.page.locator("#waiting")).to_have_text("1 to fail")
    sends(igsid, message={"text": "Refused"})
    expect(phone.page.locator("#sent")).to_contain_text("error 551/1545041")
    phone.shot("phone-refused")
    expect(phone.page.locator("#waiting")).to_be_hidden()


@pytest.mark.parametrize("width", [390, 1200])
def test_hostile_texts_and_addresses_stay_text(
    phone: Phone, client: Client, sends: Sender, width: int
) -> None:
    phone.page.set_viewport_size({"width": width, "height": 850})
    heard = hear(client, text=HOSTILE)
    igsid = heard["igsid"]
    reply = [{"content_type": "text", "title": HOSTILE[:20], "payload": HOSTILE}]
    tap = {"type": "postback", "title": HOSTILE, "payload": HOSTILE}
    for url in BAD_URLS:
        client.control("echoes", attachments=[{"type": "image", "payload": {"url": url}}])
        client.control("echoes", attachments=[{"type": "ig_post", "payload": {"url": url}}])
        card = {"title": HOSTILE, "image_url": url, "default_action": {"url": url}}
        shown = {**card, "buttons": [tap, {"type": "web_url", "title": "x", "url": url}]}
        payload = {"generic": {"elements": [shown]}}
        client.control("echoes", attachments=[{"type": "template", "payload": payload}])
    quoted = {"reply_to": {"mid": heard["mid"]}}
    sends(igsid, message={"text": HOSTILE, "quick_replies": reply}, **quoted)
    client.event("comment", text=HOSTILE)
    expect(phone.page.locator(".turn.business .quote").last).to_have_text(HOSTILE)
    expect(phone.page.locator(".turn .card")).to_have_count(len(BAD_URLS))
    phone.shot(f"phone-hostile-{width}")
    assert phone.page.locator("a[href^='javascript'], a[href^='data']").count() == 0
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= width
