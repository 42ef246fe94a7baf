"""Webhooks: their bytes, their signatures, and how stubbornly they are delivered."""

import dataclasses
import hmac
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from social_integrations.emulator.config import EmulatorConfig
from social_integrations.emulator.server import running_emulator

from .conftest import Client, Crm, wait_until


def item(crm: Crm, index: int = -1) -> dict[str, Any]:
    payload = json.loads(crm.received[index][1])
    assert payload["object"] == "instagram"
    return dict(payload["entry"][0]["messaging"][0])


def test_a_message_is_signed_and_escaped_like_metas(client: Client, crm: Crm) -> None:
    client.subscribe()
    sent = client.control("messages", text="Grüße 🎉 a/b", customer="customer_two")
    wait_until(lambda: len(crm.received) == 1)
    headers, body = crm.received[0]
    assert body.isascii()
    assert b"Gr\\u00fc\\u00dfe \\ud83c\\udf89 a\\/b" in body
    for name, header in (("sha256", "X-Hub-Signature-256"), ("sha1", "X-Hub-Signature")):
        expected = hmac.new(b"app-secret", body, name).hexdigest()
        assert headers[header] == f"{name}={expected}"
    assert headers["User-Agent"] == "facebookexternalua"
    assert headers["Content-Type"] == "application/json"
    entry = json.loads(body)["entry"][0]
    assert entry["id"] == "17841400000000001"
    assert abs(entry["time"] / 1000 - time.time()) < 5
    assert item(crm) == {
        "sender": {"id": sent["igsid"]},
        "recipient": {"id": "17841400000000001"},
        "timestamp": item(crm)["timestamp"],
        "message": {"mid": sent["mid"], "text": "Grüße 🎉 a/b"},
    }
    assert 150 <= len(sent["mid"]) <= 200
    wait_until(lambda: client.delivery(sent["delivery_id"])["status"] == "delivered")


def test_every_kind_of_event_has_its_shape(client: Client, crm: Crm) -> None:
    client.subscribe()
    first = client.control("messages", text="Hi")
    echo = client.control("echoes", text="Yes", reply_to=first["mid"])
    client.control("reactions", mid=echo["mid"], reaction="love")
    client.control("reactions", mid=echo["mid"], action="unreact")
    client.control("seen")
    client.control("unsend", mid=first["mid"])
    wait_until(lambda: len(crm.received) == 6)
    items = [item(crm, index) for index in range(6)]
    assert items[1]["sender"] == {"id": "17841400000000001"}
    assert items[1]["message"] == {
        "mid": echo["mid"],
        "text": "Yes",
        "reply_to": {"mid": first["mid"], "is_self_reply": False},
        "is_echo": True,
    }
    assert items[2]["reaction"] == {
        "mid": echo["mid"],
        "action": "react",
        "reaction": "love",
        "emoji": "❤️",
    }
    assert items[3]["reaction"] == {"mid": echo["mid"], "action": "unreact"}
    assert items[4]["read"] == {"mid": echo["mid"]}
    assert items[5]["message"] == {"mid": first["mid"], "is_deleted": True}
    (thread,) = client.state()["threads"]
    assert [message["unsent"] for message in thread["messages"]] == [True, False]


def test_an_unsubscribed_page_sends_nothing_and_says_so(client: Client, crm: Crm) -> None:
    sent = client.control("messages", text="Anyone?")
    assert sent["delivery_status"] == "not_sent"
    row = client.delivery(sent["delivery_id"])
    assert (row["status"], row["detail"]) == ("not_sent", "Not sent: Page not subscribed.")
    assert crm.received == []


def test_a_delivery_is_repeated_until_200(client: Client, crm: Crm) -> None:
    client.subscribe()
    crm.answers = [500, 302, 204]
    sent = client.control("messages", text="Hello")
    wait_until(lambda: client.delivery(sent["delivery_id"])["status"] == "delivered")
    row = client.delivery(sent["delivery_id"])
    assert (row["attempts"], row["last_status"]) == (4, 200)
    assert len({body for _, body in crm.received}) == 1


def test_a_refused_delivery_does_not_hold_up_the_next(config: EmulatorConfig, crm: Crm) -> None:
    slow = dataclasses.replace(config, retry_delays=(60,))
    with running_emulator(slow) as running:
        client = Client(running)
        client.subscribe()
        crm.answers = [500]
        first = client.control("messages", text="Poison")
        second = client.control("messages", text="Fine")
        wait_until(lambda: client.delivery(second["delivery_id"])["status"] == "delivered")
        assert client.delivery(first["delivery_id"])["status"] == "pending"


def test_a_delivery_is_dropped_at_the_limit(config: EmulatorConfig, crm: Crm) -> None:
    with running_emulator(dataclasses.replace(config, retry_limit=0.1)) as running:
        client = Client(running)
        crm.answers = [500] * 50
        sent = client.control("test-event")
        wait_until(lambda: client.delivery(sent["delivery_id"])["status"] == "gave_up")


def test_test_raw_and_repeated_deliveries(client: Client, crm: Crm) -> None:
    first = client.control("test-event")
    wait_until(lambda: len(crm.received) == 1)
    value = json.loads(crm.received[0][1])["entry"][0]["changes"][0]["value"]
    assert (value["sender"]["id"], value["message"]["mid"]) == ("12334", "random_mid")
    client.control("redeliver", delivery_id=first["delivery_id"])
    wait_until(lambda: len(crm.received) == 2)
    assert crm.received[0][1] == crm.received[1][1]
    client.control("deliver", payload={"any": "é"}, sign=False)
    wait_until(lambda: len(crm.received) == 3)
    headers, body = crm.received[2]
    assert body == b'{"any":"\\u00e9"}'
    assert "X-Hub-Signature-256" not in headers


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({}, "exactly the challenge."),
        ({"challenge_type": "application/json"}, "text/plain is needed"),
        ({"challenge_extra": "\n"}, "not exactly the challenge"),
        ({"url": "wrong token"}, "HTTP Status Code = 403"),
    ],
)
def test_the_handshake_demands_the_bare_challenge(
    config: EmulatorConfig, crm: Crm, change: dict[str, str], text: str
) -> None:
    for name, value in change.items():
        setattr(crm, name, value)
    token = "other" if "url" in change else "verify-me"
    with running_emulator(dataclasses.replace(config, verify_token=token)) as running:
        result = Client(running).control("verify-webhook")
        assert text in result["detail"]
        assert result["status"] == ("failed" if change else "verified")


def test_the_handshake_happens_at_start(config: EmulatorConfig) -> None:
    with running_emulator(dataclasses.replace(config, handshake_patience=5)) as running:
        client = Client(running)
        wait_until(lambda: client.state()["handshake"]["status"] == "verified")


def test_a_restart_keeps_the_store(config: EmulatorConfig, crm: Crm, tmp_path: Path) -> None:
    stored = dataclasses.replace(config, store_path=str(tmp_path / "meta.sqlite3"))
    unreachable = dataclasses.replace(stored, webhook_url="http://127.0.0.1:9/webhook/")
    with running_emulator(unreachable) as running:
        client = Client(running)
        page = client.subscribe()
        client.control("customers", username="third", name="Third Customer")
        for number in range(3):
            client.control("messages", text=str(number), customer="third")
        assert crm.received == []
    with running_emulator(stored) as running:
        client = Client(running)
        wait_until(lambda: len(crm.received) == 3)
        # In any order: what was refused steps aside, and Meta promises none either.
        assert {item(crm, index)["message"]["text"] for index in range(3)} == {"0", "1", "2"}
        assert client.get("/me", access_token=page["access_token"]).status_code == 200
        state = client.state()
        assert [person["username"] for person in state["customers"]][-1] == "third"
        assert len(state["threads"][0]["messages"]) == 3


def test_a_store_of_an_earlier_version_is_brought_up_to_date(
    config: EmulatorConfig, tmp_path: Path
) -> None:
    path = tmp_path / "old.sqlite3"
    with closing(sqlite3.connect(path)) as old:
        old.execute(
            "CREATE TABLE message (position INTEGER PRIMARY KEY, mid TEXT UNIQUE NOT NULL,"
            " account_id TEXT NOT NULL, customer_id TEXT NOT NULL, author TEXT NOT NULL, text TEXT,"
            " attachments TEXT NOT NULL, reply_to TEXT, sent_at INTEGER NOT NULL,"
            " unsent_at INTEGER, seen_at INTEGER)"
        )
        old.execute(
            "INSERT INTO message VALUES (1, 'm-old', '17841400000000001', '910000000000001',"
            " 'customer', 'Kept', '[]', NULL, 1795340000111, NULL, NULL)"
        )
        old.commit()
    with running_emulator(dataclasses.replace(config, store_path=str(path))) as running:
        client = Client(running)
        client.control("edits", mid="m-old", text="Kept and edited")
        (thread,) = client.state()["threads"]
        assert thread["messages"][0]["edits"] == 1
