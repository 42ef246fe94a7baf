"""Quick replies and templates: what Meta takes, and the customer's taps (section 4.6)."""

from collections.abc import Callable
from typing import Any

import pytest

from social_integrations.emulator.samples import SAMPLES

from .conftest import Client, Crm, Sender, attached, echoes, error, hear, items, wait_until

WEB = {"type": "web_url", "title": "Open", "url": "https://shop.example/b"}
TAP = {"type": "postback", "title": "Buy", "payload": "BUY_1"}
REPLY = {"content_type": "text", "title": "M", "payload": "SIZE_M"}


def generic(*elements: dict[str, Any]) -> dict[str, Any]:
    return attached("template", template_type="generic", elements=list(elements))


def button(text: str = "What next?", *buttons: dict[str, Any]) -> dict[str, Any]:
    return attached("template", template_type="button", text=text, buttons=list(buttons or [TAP]))


def quick(*replies: dict[str, Any], text: str = "Size?") -> dict[str, Any]:
    return {"text": text, "quick_replies": list(replies)}


CARD = {"title": "Boots", "subtitle": "Leather", "buttons": [WEB, TAP]}


@pytest.mark.parametrize(
    "message",
    [
        generic(*[CARD] * 10),
        generic({"title": "t" * 80, "subtitle": "s" * 80}),
        generic({"title": "B", "default_action": {"type": "web_url", "url": WEB["url"]}}),
        button("t" * 640, TAP, WEB, TAP),
        quick(*[REPLY] * 13),
    ],
)
def test_what_keeps_the_limits_is_sent(
    sender: Sender, client: Client, message: dict[str, Any]
) -> None:
    assert sender(hear(client)["igsid"], message=message).status_code == 200


@pytest.mark.parametrize(
    "message",
    [
        generic(),
        generic(*[CARD] * 11),
        generic({"title": "Alone"}),
        generic({"subtitle": "No title", "buttons": [TAP]}),
        generic({"title": "t" * 81, "subtitle": "s"}),
        generic({"title": "t", "subtitle": "s" * 81}),
        generic({"title": "t", "buttons": [TAP] * 4}),
        generic({"title": "t", "buttons": [{"type": "phone_number", "title": "Call"}]}),
        generic({"title": "t", "buttons": [{"type": "postback", "title": "No payload"}]}),
        generic({"title": "t", "buttons": [{**WEB, "url": "javascript:alert(1)"}]}),
        generic({"title": "t", "default_action": WEB}),
        generic({"title": "t", "image_url": "data:image/png;base64,AA"}),
        button("t" * 641),
        button("", TAP),
        button("t", TAP, TAP, TAP, TAP),
        attached("template", template_type="button", text="No buttons"),
        attached("template", template_type="receipt"),
        quick(),
        quick(*[REPLY] * 14),
        quick({"content_type": "user_phone_number"}),
        quick({"content_type": "user_email"}),
        quick({"content_type": "text", "title": "No payload"}),
        {"quick_replies": [REPLY]},
    ],
)
def test_what_does_not_is_refused(
    page_sender: Sender, client: Client, message: dict[str, Any]
) -> None:
    answer = page_sender(hear(client)["igsid"], message=message)
    if message == quick():
        # An empty list is none.
        assert answer.status_code == 200
    else:
        assert error(answer) == (100, None)


def test_echoes_show_cards_and_quick_replies(
    page_sender: Sender, client: Client, crm: Crm, shop: Callable[..., str]
) -> None:
    igsid = hear(client)["igsid"]
    picture = shop("boots.png", SAMPLES["image"]())
    mid = page_sender(igsid, message=generic({**CARD, "image_url": picture})).json()["message_id"]
    page_sender(igsid, message=button())
    long = {**REPLY, "title": "A title of more than twenty characters"}
    page_sender(igsid, message=quick(long))
    wait_until(lambda: len(echoes(crm)) == 3)
    card, buttons, replies = echoes(crm)
    [element] = card["attachments"][0]["payload"]["generic"]["elements"]
    assert element["image_url"].startswith(client.running.url)
    assert element["buttons"] == [WEB, TAP]
    assert buttons["attachments"][0]["payload"]["text"] == "What next?"
    assert replies["quick_replies"][0]["title"] == "A title of more than"
    read = client.get(f"/{mid}", fields="attachments", access_token=page_sender.token).json()
    assert read["attachments"]["data"][0]["generic_template"]["elements"][0]["title"] == "Boots"


def test_a_card_goes_out_without_the_picture_meta_cannot_fetch(
    page_sender: Sender, client: Client, crm: Crm
) -> None:
    igsid = hear(client)["igsid"]
    gone = "http://127.0.0.1:1/boots.png"
    answer = page_sender(igsid, message=generic({**CARD, "image_url": gone}))
    assert answer.status_code == 200


def test_taps_come_back_as_message_and_postback(
    page_sender: Sender, client: Client, crm: Crm
) -> None:
    igsid = hear(client)["igsid"]
    page_sender(igsid, message=quick(REPLY))
    client.event("quick_reply", text="M", payload="SIZE_M")
    client.event("postback", title="Buy", payload="BUY_1")
    wait_until(lambda: any("postback" in item for item in items(crm)))
    tapped = [item["message"] for item in items(crm) if "quick_reply" in item.get("message", {})]
    assert (tapped[0]["text"], tapped[0]["quick_reply"]) == ("M", {"payload": "SIZE_M"})
    assert items(crm)[-1]["postback"].keys() == {"mid", "title", "payload"}
