"""What strangers may write, in every place it is shown: never run, never loaded, shown as it is."""

import json
import sqlite3
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from social_integrations.emulator.samples import sample_picture
from social_integrations.graph.signatures import sign
from social_integrations.showing import one_line, segments
from social_integrations.tests.payloads import encode

from .browsing import MARKS, Watched, chromium_browser, keep_at_home, signed_in, watch
from .conftest import Demo, eventually

pytestmark = MARKS

HOSTILE: list[str] = json.loads((Path(__file__).parent / "hostile.json").read_text())
QUICK_REPLIES = 13
NAME = 60  # characters of a name a row shows
COLLECTOR = "6699000000000000"
PER_TEXT = 6
PLANTED = "iframe, object, embed, base, meta[http-equiv], form[action^=http], [onerror], [onload]"
ROWS = """() => Object.fromEntries([...document.querySelectorAll("#si-rows .si-row")].map((row) => [
    row.dataset.id,
    [".si-row-name", ".si-row-text"].map((part) => row.querySelector(part).textContent)]))"""
OPEN = "(id) => document.querySelector('#si-thread').dataset.conversation === id"
THREAD = """() => ["#si-thread-title", ".si-contact-name", "#si-messages .si-text-body"].map(
    (part) => document.querySelector(part).textContent)"""
ADDRESSES = """() => [...document.querySelectorAll("a[href], form[action], [src], [hx-get]")]
    .map((one) => one.href || one.action || one.src || one.getAttribute("hx-get"))"""


@dataclass(frozen=True)
class Attack:
    """A shop whose customers all mean harm."""

    demo: Demo
    staff: str
    """Who looks at it, and has no other work: uploads are counted."""
    conversations: dict[str, int]
    """Our ids, by the number Instagram gave the customer."""

    def number(self, place: int) -> int:
        """Return the conversation with the customer of one text."""
        return self.conversations[customer(place)]


def customer(place: int) -> str:
    """Return the number of the customer who wrote and is called one of the texts."""
    return str(6600000000000000 + place)


def database(demo: Demo, statement: str, *rows: Sequence[Any]) -> list[Any]:
    """Look into the demo's database, or write many rows."""
    path = demo.folder / "db.sqlite3"
    with closing(sqlite3.connect(path, timeout=20)) as connection, connection:
        if rows:
            connection.executemany(statement, rows)
            return []
        return connection.execute(statement).fetchall()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the module."""
    with chromium_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def attack(demo: Demo) -> Iterator[Attack]:
    """Have every text arrive in every part of a message, and be everybody's name."""
    demo.connect(demo.staff())
    account = next(one for one in demo.status()["accounts"] if one["username"] == "demo_shop")
    for place, text in enumerate(HOSTILE):
        deliver(demo, items(account["instagram_account_id"], place, text))
    arrived = "SELECT count(*) FROM social_integrations_message WHERE mid LIKE 'm-hostile-%'"
    eventually(lambda: database(demo, arrived)[0][0] == PER_TEXT * len(HOSTILE), seconds=60)
    found = database(
        demo,
        "SELECT igsid, c.id FROM social_integrations_conversation c"
        " JOIN social_integrations_contact p ON p.id = contact_id WHERE igsid LIKE '66%'",
    )
    attack = Attack(demo, demo.hire(f"brave_{time.time_ns()}"), dict(found))
    # Meta's own answers are no worse: usernames have no such letters there, but who knows.
    database(
        demo,
        "UPDATE social_integrations_contact SET name = ?, username = ?, profile_state = 'fetched'"
        " WHERE igsid = ?",
        *((text, text, customer(place)) for place, text in enumerate(HOSTILE)),
    )
    collector = attack.conversations[COLLECTOR]
    database(
        demo,
        "INSERT INTO social_integrations_note (text, created_at, conversation_id)"
        " VALUES (?, '2026-01-01 00:00:00', ?)",
        *((text, collector) for text in HOSTILE),
    )
    database(
        demo,
        "INSERT INTO social_integrations_cannedreply (shortcut, title, text) VALUES (?, ?, ?)",
        *((f"hostile{place}", text[:120], text) for place, text in enumerate(HOSTILE)),
    )
    yield attack
    database(
        demo, "DELETE FROM social_integrations_cannedreply WHERE shortcut LIKE ?", ["hostile%"]
    )


def items(account: str, place: int, text: str) -> list[dict[str, Any]]:
    """Return what a customer called by a text does, and what all do in one more conversation."""
    shared = [
        {"type": "ig_post", "payload": {"url": text, "title": text}},
        {"type": "image", "payload": {"url": text}},
        {"type": "story_mention", "payload": {"url": text}},
        {"type": "file", "payload": {"url": text}},
    ]
    advert = {"ref": text, "ad_id": "1", "ads_context_data": {"ad_title": text, "photo_url": text}}
    element = {"title": text, "subtitle": text, "buttons": [{"type": "web_url", "title": text}]}
    template = {"type": "template", "payload": {"generic": {"elements": [element]}}}
    mid = f"m-hostile-{place}"
    contents: list[dict[str, Any]] = [
        {"message": {"mid": f"{mid}-a", "text": text}},
        {
            "message": {
                "mid": f"{mid}-b",
                "attachments": shared,
                "reply_to": {"story": {"id": "1", "url": text}},
            }
        },
        {"message": {"mid": f"{mid}-c", "text": "From an ad", "referral": advert}},
        {"postback": {"mid": f"{mid}-d", "title": text, "payload": text}},
        {"message": {"mid": f"{mid}-e", "is_echo": True, "attachments": [template]}},
        {"message_edit": {"mid": f"{mid}-a", "text": "Harmless now", "num_edit": 1}},
        {"reaction": {"mid": f"{mid}-e", "action": "react", "emoji": text, "reaction": "other"}},
    ]
    now = int(time.time() * 1000)
    alone = {"message": {"mid": f"{mid}-own", "text": text}}
    placed = [(customer(place), alone), *((COLLECTOR, one) for one in contents)]
    return [
        parties(account, sender, echo="is_echo" in one.get("message", {}))
        | {"timestamp": now + number}
        | one
        for number, (sender, one) in enumerate(placed)
    ]


def parties(account: str, sender: str, *, echo: bool) -> dict[str, Any]:
    """Return who wrote to whom."""
    writes, reads = (account, sender) if echo else (sender, account)
    return {"sender": {"id": writes}, "recipient": {"id": reads}}


def deliver(demo: Demo, messaging: list[dict[str, Any]]) -> None:
    """Deliver as Meta does."""
    account = messaging[0]["recipient"]["id"]
    entry = {"id": account, "time": int(time.time() * 1000), "messaging": messaging}
    body = encode({"object": "instagram", "entry": [entry]})
    headers = {"X-Hub-Signature-256": sign(body, demo.app_secret)}
    answer = requests.post(f"{demo.api}/webhook/", body, headers=headers, timeout=30)
    assert answer.status_code == 200


@pytest.fixture
def agent(chromium: Browser, attack: Attack) -> Iterator[Watched]:
    """A member of staff from whose browser nothing gets out; what was tried fails the test."""
    with signed_in(chromium, attack.demo, attack.staff) as found:
        keep_at_home(found.page.context, attack.demo)
        yield found
        assert {host for host in found.hosts if host} == {attack.demo.app_url.split("/")[2]}


def squeezed(text: str) -> str:
    """Return a text without the white space a page folds."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def shown(page: Page, selector: str) -> list[str]:
    """Return the texts of all elements that fit."""
    return [squeezed(text) for text in page.locator(selector).all_text_contents()]


def harmless(page: Page) -> None:
    """See that nothing was planted, and that every address is one of the web."""
    assert page.locator(PLANTED).count() == 0
    odd = [
        url for url in page.evaluate(ADDRESSES) if not url.startswith(("http://", "https://", "/"))
    ]
    assert odd == []


def unroll(page: Page, more: str, rows: str) -> None:
    """Scroll until everything is loaded."""
    count = "(rows) => document.querySelectorAll(rows).length"
    while page.locator(f"#{more}").count():
        before = page.evaluate(count, rows)
        page.evaluate("(more) => document.getElementById(more)?.scrollIntoView()", more)
        grown = f"([rows, before]) => ({count})(rows) > before"
        page.wait_for_function(grown, arg=[rows, before])


def as_message(text: str) -> str:
    """Return a text as a message shows it: addresses with the host they lead to."""
    return squeezed("".join(one.text + one.host + one.rest for one in segments(text)))


def test_as_a_name_and_a_text_in_the_list_and_in_every_thread(
    agent: Watched, attack: Attack
) -> None:
    page = agent.page
    page.goto(f"{attack.demo.app_url}/inbox/?search=66000000000000")
    unroll(page, "si-more", "#si-rows > *")
    agent.shot("hostile-list", whole=False)
    rows = page.evaluate(ROWS)
    for place, text in enumerate(HOSTILE):
        number = str(attack.number(place))
        name, said = map(squeezed, rows[number])
        assert name == squeezed(one_line(text, NAME)), "the name in the list"
        assert said[:80] == squeezed(one_line(text))[:80], "the text in the list"
        page.locator(f"#si-row-{number} a").click()
        page.wait_for_function(OPEN, arg=number)
        title, contact, body = map(squeezed, page.evaluate(THREAD))
        assert squeezed(text)[:20] in title
        assert contact == squeezed(one_line(text))
        assert body == as_message(text)
    harmless(page)
    agent.shot("hostile-name", whole=False)


def test_in_every_part_of_a_message_and_beside_it(agent: Watched, attack: Attack) -> None:
    page = agent.page
    page.goto(f"{attack.demo.app_url}/inbox/{attack.conversations[COLLECTOR]}/")
    unroll(page, "si-older", "#si-messages > *")
    agent.shot("hostile-thread", whole=False)
    places = {
        ".si-part-title": 30,
        ".si-origin": 30,
        ".si-tap-button": 30,
        ".si-edits q": 30,
    }
    # What staff wrote themselves is shown as they wrote it.
    by_staff = {".si-note-text": 12, ".si-canned-name": 30, ".si-canned-text": 30}
    for selector, length in (places | by_staff).items():
        everything = "\n".join(shown(page, selector))
        told = squeezed if selector in by_staff else one_line
        missing = [text for text in HOSTILE if squeezed(told(text)[:length]) not in everything]
        assert missing == [], selector
    harmless(page)


def test_in_what_staff_attach_and_type(agent: Watched, attack: Attack) -> None:
    page = agent.page
    page.goto(f"{attack.demo.app_url}/inbox/{attack.number(0)}/")
    picture = sample_picture(4, 4)
    files: Any = [{"name": text, "mimeType": "image/png", "buffer": picture} for text in HOSTILE]
    # Sixty a minute may be uploaded; what is over is said, beside the name.
    page.locator("[data-si-file-input]").set_input_files(files)
    expect(page.locator("[data-si-file]")).to_have_count(len(HOSTILE))
    expect(page.locator("[data-uploading]")).to_have_count(0)
    page.locator("#si-text").fill("\n".join(HOSTILE))
    expect(page.locator("#si-parts")).not_to_be_empty()
    harmless(page)
    agent.shot("hostile-files", whole=False)
    page.reload()
    expect(page.locator("#si-text")).not_to_have_value("")
    harmless(page)


def test_in_the_admin(agent: Watched, attack: Attack) -> None:
    admin = f"{attack.demo.app_url}/admin/social_integrations"
    page = agent.page
    lists = {
        "conversation/?q=66000000000000": one_line,
        "contact/?q=66000000000000": one_line,
        "message/?q=alert": one_line,
        "cannedreply/?q=hostile": one_line,
        "upload/": None,
        "webhookevent/": None,
        f"conversation/{attack.conversations[COLLECTOR]}/change/": None,
    }
    for path, told in lists.items():
        answer = page.goto(f"{admin}/{path}")
        assert answer is not None
        assert answer.status == 200, path
        harmless(page)
        if told is not None:
            assert "<script>alert(1)</script>" in page.locator("#content").inner_text(), path
    agent.shot("hostile-admin", whole=False)


def test_on_the_phone_from_either_side(chromium: Browser, attack: Attack) -> None:
    demo, username = attack.demo, f"hostile_{time.time_ns() % 10**9}"
    demo.control("customers", username=username, name=HOSTILE[0])
    about = {"account": "demo_shop", "customer": username}
    for text in HOSTILE:
        demo.control("messages", text=text, **about)
        demo.control("events", kind="comment", text=text, **about)
    people = (
        "SELECT p.username, c.id FROM social_integrations_conversation c"
        " JOIN social_integrations_contact p ON p.id = contact_id"
    )
    conversation = eventually(lambda: dict(database(demo, people)).get(username))
    titles = answers(demo, conversation)
    context = chromium.new_context(viewport={"width": 1100, "height": 900})
    keep_at_home(context, demo)
    phone = watch(context)
    page = phone.page
    page.goto(demo.emulator_url)
    page.locator("#account").select_option(label="@demo_shop")
    page.locator("#customer").select_option(label=f"@{username}")
    expect(page.locator("#thread .turn.customer")).to_have_count(len(HOSTILE))
    everything = "\n".join(shown(page, "#thread .bubble"))
    assert [text for text in HOSTILE if squeezed(text) not in everything] == []
    cards = page.locator("#thread .card")
    # The answers leave one after the other.
    expect(cards).to_have_count(len(titles))
    told = "\n".join(shown(page, "#thread .card"))
    assert [title for title in titles if squeezed(title) not in told] == []
    expect(page.locator("#thread .chips button")).to_have_count(QUICK_REPLIES)
    chips = shown(page, "#thread .chips button")
    assert chips == [squeezed(title) for title in titles[:QUICK_REPLIES]]
    harmless(page)
    page.get_by_role("tab", name="Post and comments").click()
    comments = "\n".join(shown(page, "#comments"))
    assert [text for text in HOSTILE if squeezed(text) not in comments] == []
    phone.shot("hostile-phone", whole=False)
    assert phone.scripts_and_policy() == []
    with signed_in(chromium, demo) as agent:
        agent.page.goto(f"{demo.app_url}/inbox/{conversation}/")
        told = "\n".join(shown(agent.page, ".si-card-title, .si-card-sub, .si-card-buttons"))
        assert [title for title in titles[-20:] if squeezed(one_line(title)) not in told] == []
        offered = shown(agent.page, ".si-offered li")
        assert offered == [squeezed(one_line(title)) for title in titles[:QUICK_REPLIES]]
        harmless(agent.page)
        agent.shot("hostile-cards", whole=False)
    assert phone.hosts == {demo.emulator_url.split("/")[2]}
    context.close()


def answers(demo: Demo, conversation: int) -> list[str]:
    """Answer with cards titled by the texts, and quick replies; return the titles."""
    # What cannot be seen is not sent.
    titles = ["".join(filter(str.isprintable, text))[:20].strip() for text in HOSTILE]
    headers = {"Authorization": f"Bearer {demo.access_token()}"}
    url = f"{demo.api}/conversations/{conversation}/messages/"
    replies = [{"title": title, "payload": title} for title in titles[:QUICK_REPLIES]]
    bodies: list[Any] = []
    for start in range(0, len(titles), 10):
        elements = [
            {
                "title": title,
                "subtitle": title,
                "buttons": [{"type": "postback", "title": title, "payload": title}],
            }
            for title in titles[start : start + 10]
        ]
        bodies.append({"template": {"template_type": "generic", "elements": elements}})
    for body in [*bodies, {"text": HOSTILE[0], "quick_replies": replies}]:
        answer = requests.post(url, json=body, headers=headers, timeout=30)
        assert answer.status_code == 202, answer.text
    return titles
