"""The Send API: what Meta takes, what it answers, and the echo that follows (section 4)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from social_integrations.emulator.samples import SAMPLES

from .conftest import (
    ALL_SCOPES,
    LOGIN_SCOPES,
    Client,
    Crm,
    Sender,
    attached,
    echoes,
    error,
    hear,
    items,
    wait_until,
)

HOUR = 3600
DAY = 24 * HOUR


def test_a_text_is_sent_answered_echoed_and_kept(sender: Sender, client: Client, crm: Crm) -> None:
    igsid = hear(client)["igsid"]
    answer = sender(igsid, message={"text": "On its way 🚲"}, messaging_type="RESPONSE")
    assert answer.status_code == 200
    assert answer.json().keys() == {"recipient_id", "message_id"}
    assert answer.json()["recipient_id"] == igsid
    wait_until(lambda: len(echoes(crm)) == 1)
    assert echoes(crm)[0]["mid"] == answer.json()["message_id"]
    assert echoes(crm)[0]["text"] == "On its way 🚲"
    read = client.get(
        f"/{answer.json()['message_id']}", fields="message", access_token=sender.token
    )
    assert read.json()["message"] == "On its way 🚲"
    shown = client.state()["threads"][0]["messages"][-1]
    assert (shown["from"], shown["text"]) == ("business", "On its way 🚲")


def test_instagram_login_may_name_its_account(client: Client) -> None:
    token = client.login_subscribe()
    igsid = hear(client)["igsid"]
    for path in ("/17841400000000001/messages", "/v26.0/17841400000000001/messages"):
        assert Sender(client, path, token)(igsid, message={"text": "Hi"}).status_code == 200
    other = Sender(client, "/17841400000000002/messages", token)
    assert error(other(igsid, message={"text": "Hi"})) == (100, 33)


def test_forms_with_json_in_their_fields_are_taken(client: Client) -> None:
    page = client.subscribe()
    igsid = hear(client)["igsid"]
    form = {
        "recipient": json.dumps({"id": igsid}),
        "message": json.dumps({"text": "Hi"}),
        "messaging_type": "RESPONSE",
    }
    token = page["access_token"]
    url = f"{client.running.url}/{page['id']}/messages"
    in_body = requests.post(url, data={**form, "access_token": token}, timeout=5)
    in_query = requests.post(url, params={"access_token": token}, data=form, timeout=5)
    assert in_body.status_code == in_query.status_code == 200
    parts = {name: (None, value) for name, value in form.items()}
    multipart = requests.post(url, params={"access_token": token}, files=parts, timeout=5)
    assert multipart.status_code == 200
    broken = requests.post(url, data={**form, "message": "Hi", "access_token": token}, timeout=5)
    assert error(broken) == (100, None)


def test_texts_are_counted_in_bytes(sender: Sender, client: Client) -> None:
    igsid = hear(client)["igsid"]
    assert sender(igsid, message={"text": "ა" * 333}).status_code == 200
    assert error(sender(igsid, message={"text": "ა" * 334})) == (100, None)
    assert error(sender(igsid, message={"text": " "})) == (100, None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": {}},
        {"message": {"text": "Hi", "attachment": {"type": "like_heart"}}},
        {"message": {"text": 5}},
        {"message": "Hi"},
        {"message": {"text": "Hi"}, "sender_action": "typing_on"},
        {"sender_action": "dance"},
        {"sender_action": "typing_on", "payload": {"message_id": "m"}},
        {"sender_action": "react", "payload": {"message_id": "m", "reaction": "love"}},
        {"message": {"text": "Hi"}, "reply_to": {"mid": "nobody"}},
        {"message": {"text": "Hi"}, "reply_to": {}},
        {"message": {"text": "Hi"}, "messaging_type": "SHOUT"},
        {"message": {"text": "Hi"}, "messaging_type": "MESSAGE_TAG"},
        {"message": {"text": "Hi"}, "messaging_type": "MESSAGE_TAG", "tag": "ACCOUNT_UPDATE"},
        {"message": {"attachment": {"type": "hologram"}}},
        {"message": {"attachment": {"type": "image"}}},
        {"message": {"attachment": {"type": "MEDIA_SHARE", "payload": {"id": "x"}}}},
        {"message": {"attachments": [{"type": "like_heart"}] * 2}},
        {"message": {"attachments": ["x"]}},
    ],
)
def test_what_is_not_well_formed_is_refused_with_100(
    page_sender: Sender, client: Client, body: dict[str, Any]
) -> None:
    igsid = hear(client)["igsid"]
    assert error(page_sender(igsid, **body)) == (100, None)
    assert error(page_sender.post({"message": {"text": "Hi"}})) == (100, None)
    assert client.get("/_control/sent").json()["messages"] == {}


def test_only_people_of_this_account_can_be_written_to(sender: Sender, client: Client) -> None:
    other = hear(client, account="second_shop")["igsid"]
    hear(client)
    for igsid in (other, "1", "17841400000000001"):
        assert error(sender(igsid, message={"text": "Hi"})) == (100, 2534014)


def test_the_window_closes_after_a_day_by_the_clock(sender: Sender, client: Client) -> None:
    igsid = hear(client, ago=DAY - 60)["igsid"]
    assert sender(igsid, message={"text": "Just in time"}).status_code == 200
    client.control("clock", advance=120)
    late = sender(igsid, message={"text": "Too late"})
    assert (late.status_code, error(late)) == (403, (10, 2534022))
    hear(client)
    assert sender(igsid, message={"text": "Open again"}).status_code == 200


def test_only_messages_and_taps_open_the_window(sender: Sender, client: Client) -> None:
    igsid = hear(client, ago=2 * DAY)["igsid"]
    client.control("echoes", text="From the phone")
    for kind in ("reaction", "seen", "referral", "comment"):
        client.event(kind)
        assert error(sender(igsid, message={"text": "Hi"})) == (10, 2534022), kind
    client.event("postback")
    assert sender(igsid, message={"text": "Hi"}).status_code == 200


def test_somebody_who_never_wrote_cannot_be_written_to(sender: Sender, client: Client) -> None:
    client.event("comment")
    igsid = next(iter(client.state()["customers"][0]["igsids"].values()))
    assert error(sender(igsid, message={"text": "Hi"})) == (10, 2534022)


def test_human_agent_needs_the_feature_and_seven_days(sender: Sender, client: Client) -> None:
    igsid = hear(client, ago=7 * DAY - 60)["igsid"]
    tagged = {"message": {"text": "Hi"}, "messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    assert error(sender(igsid, **tagged)) == (10, 2534022)
    client.control("switches", human_agent=True)
    assert sender(igsid, **tagged).status_code == 200
    assert error(sender(igsid, message={"text": "Untagged"})) == (10, 2534022)
    client.control("clock", advance=120)
    assert error(sender(igsid, **tagged)) == (10, 2534022)


def test_tokens_and_permissions_are_checked(client: Client) -> None:
    page = client.page()
    igsid = hear(client)["igsid"]
    hi = {"message": {"text": "Hi"}}
    user = Sender(client, f"/{page['id']}/messages", client.user_token())
    assert error(user(igsid, **hi)) == (210, None)
    scopes = ALL_SCOPES.replace("instagram_manage_messages,", "")
    weak = Sender(client, "/me/messages", client.page(scopes)["access_token"])
    assert error(weak(igsid, **hi)) == (200, None)
    weak_login = client.login_token(LOGIN_SCOPES.partition(",")[0])
    assert error(Sender(client, "/me/messages", weak_login)(igsid, **hi)) == (200, None)
    good = Sender(client, "/me/messages", client.page()["access_token"])
    assert error(Sender(client, "/me/messages", "nonsense")(igsid, **hi)) == (190, None)
    client.control("message-access", allowed=False)
    assert error(good(igsid, **hi)) == (200, 2534041)
    client.control("break", name="mend")
    client.control("break", name="unlink")
    assert error(good(igsid, **hi)) == (100, 2534013)
    client.control("tokens", subcode=460)
    assert error(good(igsid, **hi)) == (190, 460)


@pytest.mark.parametrize("kind", ["image", "video", "audio", "file"])
def test_media_are_fetched_and_linked_from_our_cdn(
    sender: Sender, client: Client, crm: Crm, shop: Callable[..., str], kind: str
) -> None:
    igsid = hear(client)["igsid"]
    content = SAMPLES[kind]()
    answer = sender(igsid, message=attached(kind, url=shop("a", content)))
    assert answer.status_code == 200, answer.text
    wait_until(lambda: len(echoes(crm)) == 1)
    [one] = echoes(crm)[0]["attachments"]
    assert one["type"] == kind
    assert one["payload"]["url"].startswith(client.running.url)
    assert requests.get(one["payload"]["url"], timeout=5).content == content
    mid = answer.json()["message_id"]
    read = client.get(f"/{mid}", fields="attachments", access_token=sender.token).json()
    assert len(read["attachments"]["data"]) == 1


def test_pictures_go_together_other_media_alone(
    sender: Sender, client: Client, shop: Callable[..., str]
) -> None:
    igsid = hear(client)["igsid"]
    picture = {"type": "image", "payload": {"url": shop("p.png", SAMPLES["image"]())}}
    film = {"type": "video", "payload": {"url": shop("v.mp4", SAMPLES["video"]())}}
    assert sender(igsid, message={"attachments": [picture] * 10}).status_code == 200
    assert sender(igsid, message={"attachments": picture}).status_code == 200
    for wrong in ([picture] * 11, [film, film], [picture, film]):
        assert error(sender(igsid, message={"attachments": wrong})) == (100, None)


def test_media_meta_does_not_take_are_refused_with_a_reason(
    page_sender: Sender, client: Client, shop: Callable[..., str]
) -> None:
    igsid = hear(client)["igsid"]
    picture, gif = SAMPLES["image"](), b"GIF89a" + bytes(20)

    def why(kind: str, **payload: object) -> tuple[int, int | None]:
        return error(page_sender(igsid, message=attached(kind, **payload)))

    assert why("image", url=shop("gone", b"x", 404)) == (100, 2018008)
    assert why("image", url="http://192.0.2.1/a.png") == (100, 2018008)
    assert why("image", url="ftp://127.0.0.1/a.png") == (100, 2018008)
    assert why("image", url="http://127.0.0.1:1/a.png") == (100, 2018008)
    assert why("image", url=shop("a.html", b"<html>")) == (100, 2018047)
    assert why("video", url=shop("a.png", picture)) == (100, 2018047)
    assert why("audio", url=shop("a.mp3", b"ID3" + bytes(20))) == (100, 2018047)
    assert why("image", url=shop("a.gif", gif)) == (100, 2018047)
    assert why("image", url=shop("big", picture + bytes(8 * 1024 * 1024))) == (100, 2018109)
    assert why("file", attachment_id="1") == (100, 2018074)


def test_a_slow_film_has_an_error_of_its_own(page_sender: Sender, client: Client, crm: Crm) -> None:
    igsid = hear(client)["igsid"]
    client.control("switches", fetch_patience=0.2)
    client.control("faults", match="^/slow", form="slow", seconds=0.6, times=2)
    slow = f"{client.running.url}/slow"
    film = page_sender(igsid, message=attached("video", url=slow))
    picture = page_sender(igsid, message=attached("image", url=slow))
    assert (error(film), error(picture)) == ((100, 2018294), (100, 2018008))


def test_an_upload_is_sent_by_its_id(
    page_sender: Sender, client: Client, shop: Callable[..., str]
) -> None:
    igsid = hear(client)["igsid"]
    gif = shop("a.gif", b"GIF89a" + bytes(20))
    body = {
        "platform": "instagram",
        "message": {"attachment": {"type": "image", "payload": {"url": gif, "is_reusable": True}}},
    }
    url = f"{client.running.url}/me/message_attachments?access_token={page_sender.token}"
    answer = requests.post(url, json=body, timeout=5).json()
    assert answer.keys() == {"attachment_id"}
    by_id = attached("image", attachment_id=answer["attachment_id"])
    assert page_sender(igsid, message=by_id).status_code == 200
    as_film = attached("video", attachment_id=answer["attachment_id"])
    assert error(page_sender(igsid, message=as_film)) == (100, 2018074)
    client.control("clock", ahead=91 * DAY)
    hear(client)
    assert error(page_sender(igsid, message=by_id)) == (100, 2018074)


def test_hearts_posts_and_quotes_show_in_the_echo(sender: Sender, client: Client, crm: Crm) -> None:
    heard = hear(client)
    igsid = heard["igsid"]
    sender(igsid, message={"attachment": {"type": "like_heart"}})
    sender(igsid, message=attached("MEDIA_SHARE", id="17900000000000099"))
    own = sender(igsid, message={"text": "Yes"}, reply_to={"mid": heard["mid"]}).json()
    sender(igsid, message={"text": "I mean no"}, reply_to={"mid": own["message_id"]})
    wait_until(lambda: len(echoes(crm)) == 4)
    heart, post, quote, again = echoes(crm)
    assert heart["attachments"] == [{"type": "like_heart"}]
    assert post["attachments"][0]["payload"]["ig_post_media_id"] == "17900000000000099"
    assert quote["reply_to"] == {"mid": heard["mid"], "is_self_reply": False}
    assert again["reply_to"] == {"mid": own["message_id"], "is_self_reply": True}


def test_echoes_come_before_after_or_never_and_may_name_the_app(
    page_sender: Sender, client: Client, crm: Crm
) -> None:
    igsid = hear(client)["igsid"]
    client.control("switches", echo="before")
    page_sender(igsid, message={"text": "1"})
    assert [echo["text"] for echo in echoes(crm)] == ["1"]
    assert echoes(crm)[0]["app_id"] == client.running.config.app_id
    client.control("switches", echo="after", echo_delay=0.3, echo_app_id=False)
    page_sender(igsid, message={"text": "2"})
    assert len(echoes(crm)) == 1
    wait_until(lambda: len(echoes(crm)) == 2)
    assert "app_id" not in echoes(crm)[1]
    client.control("switches", echo="never")
    page_sender(igsid, message={"text": "3"})
    client.control("switches", echo="before")
    page_sender(igsid, message={"text": "4"})
    assert [echo["text"] for echo in echoes(crm)] == ["1", "2", "4"]


def test_the_customer_reads_after_a_while(page_sender: Sender, client: Client, crm: Crm) -> None:
    igsid = hear(client)["igsid"]
    client.control("switches", seen_after=0.4, echo_delay=0)
    mid = page_sender(igsid, message={"text": "Hi"}).json()["message_id"]
    assert client.state()["threads"][0]["messages"][-1]["seen"] is False
    wait_until(lambda: any("read" in item for item in items(crm)))
    assert items(crm)[-1]["read"] == {"mid": mid}
    assert client.state()["threads"][0]["messages"][-1]["seen"] is True


def test_reactions_typing_and_seen_answer_the_recipient_only(
    sender: Sender, client: Client, crm: Crm
) -> None:
    heard = hear(client)
    igsid, about = heard["igsid"], {"message_id": heard["mid"]}

    def act(action: str, **payload: object) -> dict[str, Any]:
        body = {"payload": {**about, **payload}} if payload or "react" in action else {}
        answer = sender(igsid, sender_action=action, **body)
        assert answer.json() == {"recipient_id": igsid}, answer.text
        return dict(client.state()["threads"][0])

    assert act("typing_on")["typing"] is True
    assert act("typing_off")["typing"] is False
    assert act("react", reaction="love")["messages"][0]["reactions"] == [
        {"reaction": "love", "emoji": "❤️", "by": "business"}
    ]
    assert act("unreact")["messages"][0]["reactions"] == []
    assert act("mark_seen")["messages"][0]["seen"] is True
    assert act("typing_on")["typing"] is True
    sender(igsid, message={"text": "Here"})
    assert client.state()["threads"][0]["typing"] is False
    wait_until(lambda: len(echoes(crm)) == 1)
    assert not any("reaction" in item for item in items(crm))


def test_instagram_login_takes_any_emoji_facebook_login_the_heart(client: Client) -> None:
    page = Sender(client, "/me/messages", client.subscribe()["access_token"])
    login = Sender(client, "/me/messages", client.login_subscribe())
    heard = hear(client)
    body = {"message_id": heard["mid"], "reaction": "🦊"}
    fox = {"sender_action": "react", "payload": body}
    assert error(page(heard["igsid"], **fox)) == (100, None)
    assert login(heard["igsid"], **fox).status_code == 200
    shown = client.state()["threads"][0]["messages"][0]["reactions"]
    assert shown == [{"reaction": "other", "emoji": "🦊", "by": "business"}]
    word = {"sender_action": "react", "payload": {**body, "reaction": "fox"}}
    assert error(login(heard["igsid"], **word)) == (100, None)
