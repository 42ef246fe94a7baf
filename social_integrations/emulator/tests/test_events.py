"""Every kind of event of Meta's catalogue, its shape, and every way to wrap it."""

import json
from typing import Any

import pytest
import requests

from social_integrations.emulator.play import list_kinds

from .conftest import Client, Crm, items, wait_until

ACCOUNT = "17841400000000001"
KINDS = [row["kind"] for row in list_kinds()]


def entries(crm: Crm) -> list[dict[str, Any]]:
    return [entry for _, body in crm.received for entry in json.loads(body)["entry"]]


def one(client: Client, crm: Crm, kind: str, **body: object) -> dict[str, Any]:
    """Let a kind happen alone and return the item that arrived."""
    before = len(crm.received)
    client.event(kind, **body)
    wait_until(lambda: len(crm.received) == before + 1)
    return items(crm)[-1]


def test_every_kind_can_happen_and_is_delivered(client: Client, crm: Crm) -> None:
    client.subscribe()
    client.control("messages", text="First")
    client.control("echoes", text="Answer")
    for kind in KINDS:
        answer = client.event(kind)
        assert answer["delivery_status"] == "pending", kind
    expected = 2 + len(KINDS) + KINDS.count("edit_zero_beside")
    wait_until(lambda: len(crm.received) == expected, seconds=10)
    assert client.state()["threads"][0]["messages"]


@pytest.mark.parametrize(
    ("kind", "types"),
    [
        ("image", ["image"]),
        ("video", ["video"]),
        ("audio", ["audio"]),
        ("file", ["file"]),
        ("like_heart", ["like_heart"]),
        ("album", ["image", "image", "image"]),
        ("mixed", ["image", "ig_post", "audio", "hologram"]),
        ("share", ["share"]),
        ("ig_post", ["ig_post"]),
        ("ig_post_twins", ["share", "ig_post"]),
        ("ig_reel", ["ig_reel"]),
        ("ig_story", ["ig_story"]),
        ("story_mention", ["story_mention"]),
        ("ephemeral", ["ephemeral"]),
        ("unsupported_type", ["unsupported_type"]),
        ("template", ["template"]),
    ],
)
def test_attachments_have_their_types(
    client: Client, crm: Crm, kind: str, types: list[str]
) -> None:
    client.subscribe()
    message = one(client, crm, kind)["message"]
    assert [attachment["type"] for attachment in message["attachments"]] == types
    for attachment in message["attachments"]:
        if kind in {"video", "audio", "file", "image"}:
            sample = requests.get(attachment["payload"]["url"], timeout=5)
            assert sample.headers["Content-Type"].startswith(
                {"file": "application/pdf"}.get(kind, kind)
            )
    assert message.get("is_echo", False) is (kind == "template")


def test_the_odd_shapes_of_messages(client: Client, crm: Crm) -> None:
    client.subscribe()
    shared = one(client, crm, "ig_story")["message"]["attachments"][0]["payload"]
    assert shared.keys() == {"story_media_id", "story_media_url"}
    reply = one(client, crm, "story_reply", link_sticker=True)["message"]["reply_to"]["story"]
    assert reply.keys() == {"id", "url", "link_sticker_url"}
    assert one(client, crm, "unsupported")["message"].keys() == {"mid", "is_unsupported"}
    assert one(client, crm, "quick_reply")["message"]["quick_reply"] == {"payload": "SIZE_M"}
    assert one(client, crm, "image", text="Look")["message"].keys() == {
        "mid", "attachments", "text",
    }  # fmt: skip
    ad = one(client, crm, "message_ad")["message"]["referral"]
    assert (ad["source"], ad["ads_context_data"].keys()) == (
        "ADS",
        {"ad_title", "photo_url", "video_url"},
    )
    product = one(client, crm, "message_product")["message"]["referral"]
    assert product == {"product": {"id": "5550000000000001"}}


def test_echoes_say_which_app_they_came_from(client: Client, crm: Crm) -> None:
    client.subscribe()
    own = client.running.config.app_id
    phone = one(client, crm, "text", **{"from": "business"})["message"]
    assert (phone["is_echo"], "app_id" in phone) == (True, False)
    api = one(client, crm, "text", **{"from": "business", "via": "api"})["message"]
    assert api["app_id"] == own
    assert one(client, crm, "echo_by_api")["message"]["app_id"] == own
    assert "mid" not in one(client, crm, "echo_without_mid")["message"]
    other = one(client, crm, "echo_without_text", via="other_app")["message"]
    assert other.keys() == {"mid", "is_echo", "app_id"}
    assert other["app_id"] != own
    named = one(client, crm, "image", mid=False, **{"from": "business", "app_id": 77})["message"]
    assert named.keys() == {"attachments", "is_echo", "app_id"}


def test_edits_count_and_have_a_trap(client: Client, crm: Crm) -> None:
    client.subscribe()
    mid = client.control("messages", text="Is it here?")["mid"]
    client.control("edits", mid=mid, text="Is it there?")
    client.control("edits", mid=mid, text="Is it?", switches={"edit_count": "text"})
    wait_until(lambda: len(crm.received) == 3)
    assert [item["message_edit"] for item in items(crm)[1:]] == [
        {"mid": mid, "text": "Is it there?", "num_edit": 1},
        {"mid": mid, "text": "Is it?", "num_edit": "2"},
    ]
    (thread,) = client.state()["threads"]
    assert (thread["messages"][0]["text"], thread["messages"][0]["edits"]) == ("Is it?", 2)
    trap = one(client, crm, "edit_zero_alone", text="Hidden")
    assert trap.keys() == {"timestamp", "message_edit"}
    assert trap["message_edit"].keys() == {"mid", "num_edit"}
    beside = client.event("edit_zero_beside", text="Shown")
    wait_until(lambda: len(crm.received) == 6)
    assert items(crm)[-2]["message"] == {"mid": beside["mid"], "text": "Shown"}
    assert items(crm)[-1]["message_edit"] == {"mid": beside["mid"], "num_edit": 0}


def test_taps_and_what_is_no_message(client: Client, crm: Crm) -> None:
    client.subscribe()
    postback = one(client, crm, "postback", title="Prices", payload="P")["postback"]
    assert (postback["title"], postback["payload"], "mid" in postback) == ("Prices", "P", True)
    assert "mid" not in one(client, crm, "postback_without_mid")["postback"]
    assert one(client, crm, "postback_referral")["postback"]["referral"]["type"] == "OPEN_THREAD"
    assert one(client, crm, "referral", ref="poster")["referral"]["ref"] == "poster"
    passed = one(client, crm, "pass_thread_control", to_app="5")["pass_thread_control"]
    assert passed["new_owner_app_id"] == "5"
    assert (
        "requested_owner_app_id"
        in one(client, crm, "request_thread_control")["request_thread_control"]
    )
    own = one(client, crm, "self_message")
    assert (own["sender"]["id"], own["message"]["is_self"]) == (ACCOUNT, True)
    for kind, key in (("optin", "optin"), ("unknown", "hologram_call"), ("app_roles", "app_roles")):
        assert one(client, crm, kind).keys() == {"sender", "recipient", "timestamp", key}


def test_changes_stand_in_changes_or_on_the_entry(client: Client, crm: Crm) -> None:
    client.subscribe()
    assert one(client, crm, "comment", text="Wow")["text"] == "Wow"
    one(client, crm, "story_insights", switches={"wrapper": "entry"})
    one(client, crm, "unknown_field")
    found = entries(crm)
    assert [change["field"] for change in found[0]["changes"]] == ["comments"]
    assert found[0]["time"] < 10**11
    assert (found[1]["field"], found[1]["value"]["replies"]) == ("story_insights", -1)
    assert found[2]["changes"] == [{"field": "shop_mood", "value": {"mood": "sunny"}}]


def test_standby_is_a_wrapper_of_its_own(client: Client, crm: Crm) -> None:
    client.subscribe()
    one(client, crm, "standby_text")
    one(client, crm, "standby_postback")
    assert [list(entry)[-1] for entry in entries(crm)] == ["standby", "standby"]
    assert "payload" not in items(crm)[-1]["postback"]


@pytest.mark.parametrize(
    ("switches", "check"),
    [
        ({"wrapper": "standby"}, lambda body: "standby" in body["entry"][0]),
        (
            {"wrapper": "changes"},
            lambda body: body["entry"][0]["changes"][0]["field"] == "messages",
        ),
        ({"wrapper": "entry"}, lambda body: "message" in body["entry"][0]["value"]),
        ({"list_body": True}, lambda body: body[0]["object"] == "instagram"),
        ({"ids": "number"}, lambda body: body["entry"][0]["id"] == int(ACCOUNT)),
        ({"timestamps": "seconds"}, lambda body: body["entry"][0]["time"] < 10**11),
        ({"timestamps": "text_ms"}, lambda body: len(body["entry"][0]["time"]) == 13),
        ({"timestamps": "text_seconds"}, lambda body: len(body["entry"][0]["time"]) == 10),
    ],
)
def test_the_shape_can_be_switched(
    client: Client, crm: Crm, switches: dict[str, Any], check: Any
) -> None:
    client.subscribe()
    client.control("switches", **switches)
    client.control("messages", text="Hi")
    wait_until(lambda: len(crm.received) == 1)
    assert check(json.loads(crm.received[0][1]))
    sent = items(crm)[0]
    times = {"seconds": int, "text_ms": str, "text_seconds": str}
    assert isinstance(sent["timestamp"], times.get(str(switches.get("timestamps")), int))
    assert isinstance(sent["sender"]["id"], int if "ids" in switches else str)


def test_an_event_can_lie_in_the_past(client: Client, crm: Crm) -> None:
    client.subscribe()
    now = one(client, crm, "text")["timestamp"]
    earlier = one(client, crm, "text", ago=90_000)["timestamp"]
    assert 89_990_000 < now - earlier < 90_010_000
