"""Every body of the Send API, against Meta's documented samples: one fixture each."""

import json
from pathlib import Path
from typing import Any

import pytest

from social_integrations.graph.flavours import FACEBOOK_LOGIN, INSTAGRAM_LOGIN, Flavour
from social_integrations.graph.sends import (
    Media,
    Outgoing,
    message_body,
    private_reply_body,
    reaction_body,
    sender_action_body,
    take_over_body,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "sends"
IGSID = "1020304050607080"
PICTURE = Media(type="image", url="https://shop.example/a.jpg")
KEPT = Media(type="image", attachment_id="880077")
GENERIC = {"template_type": "generic", "elements": [{"title": "Boots", "subtitle": "Leather"}]}
BUTTONS = {
    "template_type": "button",
    "text": "What next?",
    "buttons": [{"type": "postback", "title": "Agent", "payload": "AGENT"}],
}


def body(flavour: Flavour = INSTAGRAM_LOGIN, **values: Any) -> dict[str, Any]:
    return message_body(IGSID, Outgoing(**values), flavour)


def media(kind: str, ending: str) -> dict[str, Any]:
    return body(files=[Media(type=kind, url=f"https://shop.example/a.{ending}")])


BODIES: dict[str, Any] = {
    "text_facebook": body(FACEBOOK_LOGIN, text="Hello"),
    "text_instagram": body(text="Hello"),
    "text_human_agent": body(FACEBOOK_LOGIN, text="Hello", tag="HUMAN_AGENT"),
    "image_by_url": body(files=[PICTURE]),
    "image_by_id": body(files=[KEPT]),
    "images": body(files=[Media(type="image", url="https://shop.example/1.jpg"), KEPT]),
    "video": media("video", "mp4"),
    "audio": media("audio", "m4a"),
    "file": media("file", "pdf"),
    "generic_template": body(template=GENERIC),
    "button_template": body(template=BUTTONS),
    "quick_replies": body(
        FACEBOOK_LOGIN, text="Size?", quick_replies=[{"title": "M", "payload": "SIZE_M"}]
    ),
    "quoted_reply": body(text="Yes", reply_to_mid="m-001"),
    "react_facebook": reaction_body(IGSID, "m-001", "❤️", FACEBOOK_LOGIN),
    "react_instagram": reaction_body(IGSID, "m-001", "🔥", INSTAGRAM_LOGIN),
    "unreact": reaction_body(IGSID, "m-001", "", INSTAGRAM_LOGIN),
    "typing_on": sender_action_body(IGSID, "typing_on"),
    "typing_off": sender_action_body(IGSID, "typing_off"),
    "mark_seen": sender_action_body(IGSID, "mark_seen"),
    "private_reply": private_reply_body("17911110000000001", "Sent you the details"),
    "take_over": take_over_body(IGSID),
}


@pytest.mark.parametrize("name", sorted(BODIES))
def test_the_body_is_metas_sample(name: str) -> None:
    assert BODIES[name] == json.loads((FIXTURES / f"{name}.json").read_text())


def test_every_fixture_is_built() -> None:
    assert {path.stem for path in FIXTURES.glob("*.json")} == BODIES.keys()


def test_both_logins_send_the_tag_alike() -> None:
    assert body(text="Hello", tag="HUMAN_AGENT") == BODIES["text_human_agent"]


def test_no_other_action_is_built() -> None:
    with pytest.raises(ValueError, match="no sender action"):
        sender_action_body(IGSID, "unreact")
