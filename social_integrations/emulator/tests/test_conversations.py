"""The Conversations API, the 20 newest, its pace, and links that expire."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from .conftest import Client, Clock, Crm, error, items, wait_until

NESTED = (
    "id,updated_time,participants,"
    "messages.limit(3){id,created_time,from,to,message,attachments,shares{link},story,reactions,"
    "reply_to,is_unsupported,tags}"
)


@pytest.fixture
def token(client: Client) -> str:
    """A Page token, with nobody counting the calls."""
    client.control("switches", conversation_rate=0)
    return str(client.subscribe()["access_token"])


def listed(client: Client, token: str, **params: str) -> list[dict[str, Any]]:
    answer = client.get(
        "/v26.0/210000000000001/conversations",
        access_token=token,
        platform="instagram",
        **params,
    )
    return list(answer.json()["data"])


def pages(first: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    while True:
        yield first["data"]
        if "next" not in first.get("paging", {}):
            return
        first = requests.get(first["paging"]["next"], timeout=5).json()


def test_conversations_are_listed_newest_first(client: Client, token: str) -> None:
    client.control("messages", text="One", customer="customer_one", ago=60)
    second = client.control("messages", text="Two", customer="customer_two", ago=30)
    client.control("messages", text="Three", account="second_shop")
    found = listed(client, token)
    assert [row.keys() for row in found] == [{"id", "updated_time"}] * 2
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000", found[0]["updated_time"])
    (only,) = listed(client, token, user_id=second["igsid"])
    assert only == found[0]
    assert listed(client, token, user_id="5") == []
    without = client.get("/210000000000001/conversations", access_token=token).json()
    assert without == {"data": []}


def test_a_nested_call_tells_everything(client: Client, token: str) -> None:
    first = client.control("messages", text="Hi")
    client.control("echoes", text="Hello", reply_to=first["mid"])
    answer = client.control("echoes", text="Look")["mid"]
    client.control("reactions", mid=answer)
    client.event("image", text="This one?")
    (thread,) = listed(client, token, fields=NESTED)
    assert [row["username"] for row in thread["participants"]["data"]] == [
        "demo_shop",
        "customer_one",
    ]
    picture, echo, reply = thread["messages"]["data"]
    assert picture["from"] == {"username": "customer_one", "id": first["igsid"]}
    assert picture["to"]["data"][0]["id"] == "17841400000000001"
    (attachment,) = picture["attachments"]["data"]
    assert {"url", "preview_url", "width", "height"} <= attachment["image_data"].keys()
    assert echo["reactions"]["data"][0]["users"][0]["id"] == first["igsid"]
    assert reply["reply_to"] == {"mid": first["mid"], "is_self_reply": False}
    assert "attachments" not in echo
    found = [row["id"] for page in pages(thread["messages"]) for row in page]
    assert found == [picture["id"], answer, reply["id"], first["mid"]]


def test_what_is_shared_has_its_own_places(client: Client, token: str) -> None:
    mids = {
        kind: client.event(kind)["mid"]
        for kind in ("ig_post", "story_mention", "story_reply", "unsupported", "video", "file")
    }

    def read(kind: str, fields: str) -> Any:
        return client.get(f"/{mids[kind]}", access_token=token, fields=fields).json()

    assert read("ig_post", "shares")["shares"]["data"][0].keys() == {"id"}
    assert "link" in read("ig_post", "shares{link}")["shares"]["data"][0]
    assert read("story_mention", "story")["story"]["mention"].keys() == {"link", "id"}
    assert read("story_reply", "story")["story"]["reply_to"].keys() == {"link", "id"}
    assert read("unsupported", "is_unsupported,message") == {
        "is_unsupported": True,
        "id": mids["unsupported"],
    }
    assert "video_data" in read("video", "attachments")["attachments"]["data"][0]
    assert read("file", "attachments")["attachments"]["data"][0]["name"] == "application.pdf"
    assert read("file", "").keys() == {"id", "created_time"}


def test_only_the_newest_twenty_can_be_read(client: Client, token: str) -> None:
    mids = [client.control("messages", text=str(number))["mid"] for number in range(23)]
    client.control("unsend", mid=mids[-1])
    (thread,) = listed(client, token, fields="messages.limit(100){id,created_time,message}")
    rows = thread["messages"]["data"]
    assert [row["id"] for row in rows] == mids[-2::-1]
    assert [("message" in row) for row in rows] == [True] * 20 + [False] * 2
    for gone in (mids[0], mids[-1]):
        assert error(client.get(f"/{gone}", access_token=token)) == (9000001, None)
    edge = client.get(f"/{thread['id']}/messages", access_token=token, limit="5").json()
    assert [len(page) for page in pages(edge)] == [5, 5, 5, 5, 2]


def test_threads_of_others_do_not_exist(client: Client, token: str) -> None:
    other = client.control("messages", text="Secret", account="second_shop")["mid"]
    assert error(client.get(f"/{other}", access_token=token)) == (100, 33)
    user = client.user_token()
    refused = client.get("/210000000000001/conversations", access_token=user)
    assert error(refused) == (210, None)
    assert error(client.get("/aWdfZG1f/messages", access_token=token)) == (100, 33)


def test_more_than_two_calls_a_second_are_refused(client: Client) -> None:
    token = str(client.subscribe()["access_token"])
    url = "/210000000000001/conversations"
    answers = [client.get(url, access_token=token, platform="instagram") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 400]
    assert error(answers[2]) == (613, None)
    assert answers[2].headers["Retry-After"] == "1"
    assert client.get("/me", access_token=token).status_code == 200


def test_links_expire_and_reading_again_gives_a_fresh_one(
    client: Client, crm: Crm, token: str, clock: Clock
) -> None:
    client.control("switches", media_life=60)
    mid = client.event("image")["mid"]
    wait_until(lambda: len(crm.received) == 1)
    link = items(crm)[0]["message"]["attachments"][0]["payload"]["url"]

    def fresh() -> str:
        answer = client.get(f"/{mid}", access_token=token, fields="attachments").json()
        return str(answer["attachments"]["data"][0]["image_data"]["url"])

    assert requests.get(link, timeout=5).status_code == 200
    assert requests.get(link[:-1], timeout=5).status_code == 403
    clock.ahead = 61
    assert requests.get(link, timeout=5).status_code == 403
    second = fresh()
    assert requests.get(second, timeout=5).status_code == 200
    client.control("switches", media_gone="404")
    client.control("expire-media")
    assert requests.get(second, timeout=5).status_code == 404
    assert requests.get(fresh(), timeout=5).status_code == 200


def test_usage_headers_come_when_switched_on(client: Client) -> None:
    token = str(client.subscribe()["access_token"])
    quiet = client.get("/me", access_token=token)
    assert "X-App-Usage" not in quiet.headers
    client.control("switches", usage=100, regain=7)
    answer = client.get("/me", access_token=token)
    assert json.loads(answer.headers["X-App-Usage"])["call_count"] == 100
    (case,) = json.loads(answer.headers["X-Business-Use-Case-Usage"])["17841400000000001"]
    assert (case["type"], case["estimated_time_to_regain_access"]) == ("messenger", 7)
    broken = requests.post(
        f"{client.running.url}/me",
        data=b"{",
        headers={"Content-Type": "application/json"},
        timeout=5,
    )
    assert error(broken) == (100, None)
