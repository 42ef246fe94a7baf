"""What public client libraries put on the wire, each in its own way; Graph takes all of them."""

import base64
import json
from typing import Any

import pytest
import requests

from social_integrations.emulator.forms import read_json, read_pairs
from social_integrations.emulator.ids import app_scoped_id
from social_integrations.emulator.samples import SAMPLES

from .conftest import Client, Sender, error, hear


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('{"text": "a{b: \'c\',}"}', {"text": "a{b: 'c',}"}),
        ("{id:1020304050607080}", {"id": 1020304050607080}),
        ("{text:'He said \"Hi\"', x: [1, 2,],}", {"text": 'He said "Hi"', "x": [1, 2]}),
        ("{'it': 'it\\'s', \"on\": true}", {"it": "it's", "on": True}),
    ],
)
def test_json_is_read_as_meta_writes_it_in_its_examples(written: str, meant: object) -> None:
    assert read_json(written) == meant


def test_what_is_no_json_stays_none() -> None:
    for text in ("{", "recipient", "{id:}", "{id:1} and more"):
        with pytest.raises(ValueError, match="line 1"):
            read_json(text)


DEEP = 100_000


@pytest.mark.parametrize(
    "form",
    [{"recipient" + "[id]" * DEEP: "1"}, {"recipient": "[" * DEEP}, {"batch": "[" * DEEP}],
    ids=["brackets", "field", "batch"],
)
def test_what_is_nested_too_deeply_is_refused_in_metas_words(
    client: Client, page_sender: Sender, form: dict[str, str]
) -> None:
    answer = client.post("/v26.0/me/messages", access_token=page_sender.token, **form)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == 100


def test_brackets_in_names_make_objects_and_lists() -> None:
    pairs = [
        ("recipient[id]", "1"),
        ("message[quick_replies][0][title]", "A"),
        ("message[quick_replies][1][title]", "B"),
        ("fields[]", "id"),
        ("fields[]", "name"),
        ("plain", "x[y]"),
        ("odd]name[", "1"),
        ("twice", "text"),
        ("twice[a]", "object"),
    ]
    assert read_pairs(pairs) == {
        "recipient": {"id": "1"},
        "message": {"quick_replies": [{"title": "A"}, {"title": "B"}]},
        "fields": ["id", "name"],
        "plain": "x[y]",
        "odd]name[": "1",
        "twice": {"a": "object"},
    }


def _call(client: Client, method: str, path: str, **how: Any) -> requests.Response:
    return requests.request(method, client.running.url + path, timeout=10, **how)


def test_a_send_in_every_encoding(client: Client, page_sender: Sender) -> None:
    igsid, token = hear(client)["igsid"], page_sender.token
    path = "/v23.0/me/messages"
    typed = {"recipient": f"{{id:{igsid}}}", "message": "{text:'typed'}", "access_token": token}
    bracketed = f"access_token={token}&recipient[id]={igsid}&message[text]=bracketed"
    encoded = {
        "recipient": json.dumps({"id": igsid}),
        "message": json.dumps({"text": "encoded"}),
        "messaging_type": "Response",
    }
    parts = {name: (None, value) for name, value in encoded.items()}
    for how in (
        {"data": typed},
        {"params": typed},
        {"data": bracketed, "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"data": bracketed},
        {"data": encoded, "headers": {"Authorization": f"OAuth {token}"}},
        {"files": parts, "params": {"access_token": token}},
    ):
        answer = _call(client, "POST", path, **how)
        assert answer.status_code == 200, answer.text
        assert answer.json()["recipient_id"] == igsid
    sent = client.get("/_control/sent").json()["sent"]
    assert {row["customer"] for row in sent} == {"910000000000001"}
    assert [row["request"]["message"]["text"] for row in sent] == [
        *("encoded", "encoded", "bracketed", "bracketed", "typed", "typed")
    ]


def test_words_in_capitals_as_metas_own_sdk_writes_them(
    client: Client, page_sender: Sender
) -> None:
    igsid = hear(client)["igsid"]
    assert page_sender(igsid, sender_action="TYPING_ON").status_code == 200
    breakers = [{"locale": "default", "call_to_actions": [{"question": "?", "payload": "P"}]}]
    profile = f"{client.running.url}/v26.0/me/messenger_profile"
    given = {"platform": "INSTAGRAM", "access_token": page_sender.token}
    form = {**given, "ice_breakers": json.dumps(breakers)}
    assert requests.post(profile, data=form, timeout=5).json() == {"result": "success"}
    dropped = requests.delete(profile, params={**given, "fields": '["ICE_BREAKERS"]'}, timeout=5)
    assert dropped.json() == {"result": "success"}
    assert requests.get(profile, params=given, timeout=5).json() == {"data": []}


def test_a_post_may_stand_for_another_method(client: Client) -> None:
    page = client.subscribe()
    path = f"/v26.0/{page['id']}/subscribed_apps"
    query = f"?method=delete&access_token={page['access_token']}"
    assert client.post(path + query).json() == {"success": True}
    shown = client.post(path, access_token=page["access_token"], method="GET")
    assert shown.json() == {"data": []}


def test_fields_as_a_list(client: Client) -> None:
    token = client.page()["access_token"]
    for query in ('fields=["id","name"]', "fields[0]=id&fields[1]=name"):
        answer = _call(client, "GET", f"/v26.0/me?access_token={token}&{query}")
        assert answer.json() == {"id": "210000000000001", "name": "Demo Shop"}


@pytest.mark.parametrize("path", ["/", "/v26.0", "/v26.0/"])
def test_several_nodes_by_ids(client: Client, path: str) -> None:
    token = client.user_token()
    ids = "210000000000001,210000000000002"
    found = client.get(path, ids=ids, fields="name", access_token=token).json()
    assert {key: value["name"] for key, value in found.items()} == {
        "210000000000001": "Demo Shop",
        "210000000000002": "Second Shop",
    }
    assert error(client.get("/v26.0", ids="1", access_token=token)) == (100, 33)
    assert error(client.get("/v26.0", access_token=token)) == (100, 33)


def test_fields_nobody_filled_in_are_left_out(client: Client) -> None:
    token = client.user_token()
    owner = client.get("/me", access_token=token, fields="email,short_name,picture{url}").json()
    assert "email" not in owner
    assert owner["short_name"] == "Shop"
    assert list(owner["picture"]["data"]) == ["url"]
    fields = "id,about,username,fan_count,website,picture"
    page = client.get("/me/accounts", access_token=token, fields=fields).json()["data"][0]
    assert set(page) == {"id", "picture"}
    assert error(client.get("/me", access_token=token, fields="emial")) == (100, None)
    hear(client)
    answer = client.get(
        "/me/conversations",
        access_token=client.page()["access_token"],
        platform="instagram",
        fields="id,message_count,unread_count,snippet,link,updated_time",
    )
    assert set(answer.json()["data"][0]) == {"id", "updated_time"}


def test_an_edge_not_imitated_says_so(client: Client) -> None:
    page = client.page()
    answer = client.get(f"/{page['id']}/insights", access_token=page["access_token"])
    assert error(answer) == (3, None)
    assert "/insights" in answer.json()["error"]["message"]
    assert error(client.get(f"/{page['id']}/insigths", access_token=page["access_token"])) == (
        2500,
        None,
    )


def test_throttling_is_told_to_pass(client: Client) -> None:
    token = client.page()["access_token"]
    client.control("switches", throttle="4")
    refused = client.get("/v26.0/me", access_token=token).json()["error"]
    assert (refused["code"], refused["is_transient"]) == (4, True)


def test_oauth_libraries_name_the_app_in_basic(client: Client) -> None:
    config = client.running.config
    form = {
        "grant_type": "authorization_code",
        "code": client.code(),
        "redirect_uri": config.redirect_uri,
    }
    path, wrong = "/oauth/access_token", (config.app_id, "wrong")
    assert error(_call(client, "POST", path, data=form, auth=wrong)) == (1, None)
    broken = {"Authorization": "Basic " + base64.b64encode(b"\xff").decode()}
    assert _call(client, "POST", path, data=form, headers=broken).status_code == 400
    answer = _call(client, "POST", path, data=form, auth=(config.app_id, config.app_secret))
    assert answer.json()["token_type"] == "bearer"


def test_instagram_login_answers_both_readings(client: Client) -> None:
    answer = client.login_exchange(client.login_code()).json()
    documented = answer.pop("data")
    assert documented == [answer]
    # Meta: this is the account as the app sees it; webhooks name another id.
    assert answer["user_id"] == app_scoped_id("17841400000000001")
    params = {"access_token": answer["access_token"], "fields": "id,user_id"}
    own = client.get("/v26.0/me", **params).json()
    assert own.pop("data") == [own]
    assert own == {"id": answer["user_id"], "user_id": "17841400000000001"}


def _batch(client: Client, calls: object, **params: str) -> requests.Response:
    form = {"batch": calls if isinstance(calls, str) else json.dumps(calls), **params}
    return client.post("/v26.0/", **form)


def test_a_batch_is_answered_call_by_call(client: Client) -> None:
    page, igsid = client.subscribe(), hear(client)["igsid"]
    body = "recipient=%7B%22id%22%3A%22{}%22%7D&message=%7B%22text%22%3A%22Hi%22%7D"
    calls = [
        {"method": "GET", "relative_url": "me?fields=name"},
        {"method": "POST", "relative_url": "v23.0/me/messages", "body": body.format(igsid)},
        {"method": "POST", "relative_url": "/me/messages", "body": body.format("1")},
        {"method": "GET", "relative_url": f"me?access_token={client.user_token()}&fields=name"},
    ]
    answers = _batch(client, calls, access_token=page["access_token"]).json()
    assert [one["code"] for one in answers] == [200, 200, 400, 200]
    bodies = [json.loads(one["body"]) for one in answers]
    assert bodies[0]["name"] == "Demo Shop"
    assert bodies[1]["recipient_id"] == igsid
    assert bodies[2]["error"]["error_subcode"] == 2534014
    assert bodies[3]["name"] == "Shop owner"
    versions = [
        {head["name"]: head["value"] for head in one["headers"]}["facebook-api-version"]
        for one in answers
    ]
    assert versions == ["v26.0", "v23.0", "v26.0", "v26.0"]
    # The log of sends counts each of them.
    sent = client.get("/_control/sent").json()["sent"]
    assert [row["done"] for row in sent] == [False, True]


def test_a_batch_takes_its_token_from_the_header_at_any_address(client: Client) -> None:
    page = client.page()
    answer = _call(
        client,
        "POST",
        "/?include_headers=false",
        json={"batch": [{"relative_url": "me"}]},
        headers={"Authorization": f"Bearer {page['access_token']}"},
    )
    (only,) = answer.json()
    assert (only["code"], set(only)) == (200, {"code", "body"})
    calls = json.dumps([{"method": "GET", "relative_url": "me"}])
    other = client.post("/me", batch=calls, access_token=page["access_token"]).json()
    assert json.loads(other[0]["body"])["id"] == page["id"]


def test_a_broken_connection_in_a_batch_is_null(client: Client) -> None:
    token = client.page()["access_token"]
    client.control("faults", match="^/me$", form="close")
    calls = [{"relative_url": "me"}, {"relative_url": "me?fields=id"}]
    first, second = _batch(client, calls, access_token=token).json()
    assert first is None
    assert second["code"] == 200


@pytest.mark.parametrize(
    ("calls", "code"),
    [
        ("no list", 100),
        ('{"method": "GET"}', 100),
        ([{"relative_url": "me"}] * 51, 100),
        ([{"relative_url": "?ids={result=first:$.id}"}], 3),
        ([{"relative_url": "me", "attached_files": "a"}], 3),
    ],
)
def test_batches_refused_as_a_whole(client: Client, calls: object, code: int) -> None:
    assert error(_batch(client, calls, access_token=client.page()["access_token"]))[0] == code


def _upload(
    client: Client, path: str, token: str, content: bytes, **form: str
) -> requests.Response:
    return requests.post(
        client.running.url + path,
        params={"access_token": token},
        data=form,
        files={"filedata": ("a.bin", content, "application/octet-stream")},
        timeout=10,
    )


def test_a_file_comes_along_with_its_message(client: Client, page_sender: Sender) -> None:
    igsid, token = hear(client)["igsid"], page_sender.token
    message = json.dumps({"attachment": {"type": "image", "payload": {"is_reusable": True}}})
    form = {"recipient": json.dumps({"id": igsid}), "message": message}
    picture = SAMPLES["image"]()
    sent = _upload(client, "/v26.0/me/messages", token, picture, **form)
    mid = sent.json()["message_id"]
    shown = client.get(f"/{mid}", access_token=token, fields="attachments").json()
    url = shown["attachments"]["data"][0]["image_data"]["url"]
    assert requests.get(url, timeout=5).content == picture
    wrong = _upload(client, "/v26.0/me/messages", token, b"no picture", **form)
    assert error(wrong) == (100, 2018047)
    form["message"] = json.dumps({"attachment": {"type": "template"}})
    assert error(_upload(client, "/v26.0/me/messages", token, b"x", **form)) == (100, None)


def test_a_file_is_uploaded_and_sent_by_its_id(client: Client, page_sender: Sender) -> None:
    igsid, token = hear(client)["igsid"], page_sender.token
    path = "/v26.0/me/message_attachments"
    message = json.dumps({"attachment": {"type": "image", "payload": {"is_reusable": "true"}}})
    form = {"platform": "instagram", "message": message}
    given = _upload(client, path, token, SAMPLES["image"](), **form).json()["attachment_id"]
    big = b"\x89PNG\r\n\x1a\n" + bytes(8 * 1024 * 1024)
    assert error(_upload(client, path, token, big, **form)) == (100, 2018109)
    for kind, name in (("image", "attachment_id"), ("MEDIA_SHARE", "id")):
        attachment = {"type": kind, "payload": {name: given}}
        mid = page_sender(igsid, message={"attachment": attachment}).json()["message_id"]
        shown = client.get(f"/{mid}", access_token=token, fields="attachments").json()
        assert "image_data" in shown["attachments"]["data"][0]
