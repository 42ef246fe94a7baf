"""Conversation Routing: who controls a thread, and what the others hear (section 8)."""

import json
from typing import Any

import requests

from .conftest import Client, Crm, Sender, error, hear, wait_until

HI = {"message": {"text": "Hi"}}
OTHER = "222000000000001"


def call(sender: Sender, name: str, igsid: str, **body: object) -> requests.Response:
    url = f"{sender.client.running.url}/me/{name}"
    params = {"access_token": sender.token}
    return requests.post(url, params=params, json={"recipient": {"id": igsid}, **body}, timeout=5)


def owner(sender: Sender, igsid: str) -> list[dict[str, Any]]:
    answer = sender.client.get("/me/thread_owner", recipient=igsid, access_token=sender.token)
    return list(answer.json()["data"])


def test_without_a_default_app_everybody_may_answer(page_sender: Sender, client: Client) -> None:
    igsid = hear(client)["igsid"]
    assert owner(page_sender, igsid) == []
    assert call(page_sender, "pass_thread_control", igsid, target_app_id=OTHER).json() == {
        "success": True
    }
    assert page_sender(igsid, **HI).status_code == 200
    assert call(page_sender, "request_thread_control", igsid).json() == {"success": True}
    assert error(call(page_sender, "take_thread_control", igsid)) == (100, 2018300)


def test_another_default_app_controls_the_thread(
    page_sender: Sender, client: Client, crm: Crm
) -> None:
    client.control("switches", default_app="other")
    igsid = hear(client)["igsid"]
    wait_until(lambda: len(crm.received) == 1)
    assert "standby" in json.loads(crm.received[0][1])["entry"][0]
    assert error(page_sender(igsid, **HI)) == (100, 2534037)
    assert error(call(page_sender, "take_thread_control", igsid)) == (100, 2018300)
    assert owner(page_sender, igsid)[0]["thread_owner"]["app_id"] == OTHER
    client.event("pass_thread_control", to_app=client.running.config.app_id)
    assert page_sender(igsid, **HI).status_code == 200
    hear(client)
    wait_until(lambda: len(crm.received) >= 3)
    client.control("clock", advance=25 * 3600)
    hear(client)
    assert error(page_sender(igsid, **HI)) == (100, 2534037)


def test_our_default_app_takes_passes_and_releases(page_sender: Sender, client: Client) -> None:
    own = client.running.config.app_id
    client.control("switches", default_app="ours")
    igsid = hear(client)["igsid"]
    assert page_sender(igsid, **HI).status_code == 200
    answer = page_sender(igsid, **HI, thread_control={"control_type": "pass", "app_id": OTHER})
    assert answer.status_code == 200
    assert error(page_sender(igsid, **HI)) == (100, 2534037)
    assert error(call(page_sender, "release_thread_control", igsid)) == (100, 2534037)
    assert call(page_sender, "take_thread_control", igsid).status_code == 200
    assert call(page_sender, "extend_thread_control", igsid, duration=7 * 86400).status_code == 200
    assert owner(page_sender, igsid)[0]["thread_owner"].keys() == {"app_id", "expiration"}
    for wrong in (0, 8 * 86400, "x"):
        refused = call(page_sender, "extend_thread_control", igsid, duration=wrong)
        assert error(refused) == (100, None)
    assert error(call(page_sender, "pass_thread_control", igsid)) == (100, None)
    assert call(page_sender, "release_thread_control", igsid).status_code == 200
    assert owner(page_sender, igsid) == [{"thread_owner": {"app_id": own}}]


def test_an_app_may_ask_which_routing_it_has(page_sender: Sender, client: Client) -> None:
    answer = client.get("/me", fields="messaging_feature_status", access_token=page_sender.token)
    assert answer.json()["messaging_feature_status"]["ig_multi_app"] is True
