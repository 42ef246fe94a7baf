"""The delivery switches: repeat, gather, shuffle, delay, withhold."""

import json
import time

import pytest
import requests

from .conftest import Client, Crm, items, wait_until


def write(client: Client, count: int, **body: object) -> list[dict[str, object]]:
    return [client.control("messages", text=str(number), **body) for number in range(count)]


def texts(crm: Crm) -> list[str]:
    return [item["message"]["text"] for item in items(crm)]


def sizes(crm: Crm) -> list[list[int]]:
    """How many events the entries of each delivery hold."""
    return [
        [len(entry["messaging"]) for entry in json.loads(body)["entry"]] for _, body in crm.received
    ]


def test_duplicate_delivers_the_same_bytes_again(client: Client, crm: Crm) -> None:
    client.subscribe()
    sent = client.control("messages", text="Hi", switches={"duplicate": 3})
    assert len(sent["delivery_ids"]) == 3
    wait_until(lambda: len(crm.received) == 3)
    assert len({body for _, body in crm.received}) == 1


def test_batch_gathers_events_and_flush_sends_the_rest(client: Client, crm: Crm) -> None:
    client.subscribe()
    client.control("switches", batch=3)
    held = write(client, 5)
    assert [row["delivery_status"] for row in held] == [
        "held", "held", "pending", "held", "held",
    ]  # fmt: skip
    wait_until(lambda: len(crm.received) == 1)
    assert client.state()["held"] == 2
    client.control("flush")
    wait_until(lambda: len(crm.received) == 2)
    assert sizes(crm) == [[3], [2]]
    assert texts(crm) == ["0", "1", "2", "3", "4"]


def test_a_batch_holds_several_entries_and_accounts(client: Client, crm: Crm) -> None:
    page = client.subscribe()
    tokens = client.get("/me/accounts", access_token=client.user_token()).json()["data"]
    second = next(row for row in tokens if row["id"] != page["id"])
    client.post(
        f"/{second['id']}/subscribed_apps",
        access_token=second["access_token"],
        subscribed_fields="messages",
    )
    client.control("switches", batch=3, merge=False)
    write(client, 2)
    write(client, 1, account="second_shop")
    wait_until(lambda: len(crm.received) == 1)
    assert sizes(crm) == [[1, 1, 1]]
    ids = {entry["id"] for entry in json.loads(crm.received[0][1])["entry"]}
    assert len(ids) == 2


def test_reorder_shuffles_what_it_held(client: Client, crm: Crm) -> None:
    client.subscribe()
    client.control("switches", reorder=40, batch=40)
    write(client, 40)
    wait_until(lambda: len(crm.received) == 1)
    assert sorted(texts(crm), key=int) == [str(number) for number in range(40)]
    assert texts(crm) != [str(number) for number in range(40)]


def test_delay_waits_and_flush_does_not(client: Client, crm: Crm) -> None:
    client.subscribe()
    client.control("messages", text="Late", switches={"delay": 0.4})
    started = time.monotonic()
    wait_until(lambda: len(crm.received) == 1, seconds=8)
    assert time.monotonic() - started > 0.25
    client.control("messages", text="Much later", switches={"delay": 600})
    assert client.control("flush")["hurried"] == 1
    wait_until(lambda: len(crm.received) == 2)


def test_withheld_events_are_never_sent_but_can_be_read(client: Client, crm: Crm) -> None:
    page = client.subscribe()
    client.control("switches", withhold=2)
    sent = write(client, 4)
    assert [row["delivery_status"] for row in sent] == ["pending", "withheld"] * 2
    wait_until(lambda: len(crm.received) == 2)
    requests.delete(f"{client.running.url}/_control/switches", timeout=5)
    missing = client.get(
        f"/{sent[1]['mid']}", access_token=page["access_token"], fields="message"
    ).json()
    assert missing["message"] == "1"
    assert texts(crm) == ["0", "2"]


def test_switching_off_sends_what_is_held(client: Client, crm: Crm) -> None:
    client.subscribe()
    client.control("switches", batch=10, wrapper="standby")
    write(client, 2)
    answer = requests.delete(f"{client.running.url}/_control/switches", timeout=5).json()
    assert answer["held"] == 0
    assert all(row["value"] == row["default"] for row in answer["switches"])
    wait_until(lambda: texts(crm) == ["0", "1"])


@pytest.mark.parametrize(
    "body",
    [
        {"nonsense": 1},
        {"duplicate": 0},
        {"duplicate": 21},
        {"duplicate": "many"},
        {"delay": float("inf")},
        {"merge": 1},
        {"wrapper": "paper"},
    ],
)
def test_a_wrong_switch_is_refused_and_none_is_set(client: Client, body: dict[str, object]) -> None:
    wrong = json.dumps({"batch": 5, **body})
    answer = requests.post(f"{client.running.url}/_control/switches", data=wrong, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].endswith(".")
    rows = client.get("/_control/switches").json()["switches"]
    assert all(row["value"] == row["default"] for row in rows)


def test_what_is_late_on_purpose_is_not_hurried_by_what_comes_through(
    client: Client, crm: Crm
) -> None:
    client.subscribe()
    client.control("messages", text="late", switches={"delay": 0.6})
    client.control("messages", text="at once")
    wait_until(lambda: texts(crm) == ["at once"])
    time.sleep(0.2)
    assert texts(crm) == ["at once"]
    wait_until(lambda: texts(crm) == ["at once", "late"])
