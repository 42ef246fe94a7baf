"""Ice breakers and the persistent menu (section 10 of the reference)."""

import json
from typing import Any

import pytest
import requests

from .conftest import Client, Sender, error

QUESTION = {"question": "Hours?", "payload": "HOURS"}
TAP = {"type": "postback", "title": "Agent", "payload": "AGENT"}
WEB = {"type": "web_url", "title": "Shop", "url": "https://shop.example"}


def breakers(*questions: dict[str, Any], locale: str = "default") -> list[dict[str, Any]]:
    return [{"locale": locale, "call_to_actions": list(questions)}]


def call(sender: Sender, method: str, **body: object) -> requests.Response:
    return requests.request(
        method,
        f"{sender.client.running.url}/me/messenger_profile",
        params={"access_token": sender.token},
        json={"platform": "instagram", **body},
        timeout=5,
    )


def test_properties_are_set_one_by_one_read_and_dropped(sender: Sender, client: Client) -> None:
    done = {"result": "success"}
    menu = breakers(TAP, WEB)
    assert call(sender, "GET").json() == {"data": []}
    assert call(sender, "POST", ice_breakers=breakers(QUESTION)).json() == done
    assert call(sender, "POST", persistent_menu=menu).json() == done
    profile = {"ice_breakers": breakers(QUESTION), "persistent_menu": menu}
    assert call(sender, "GET").json() == {"data": [profile]}
    assert call(sender, "GET", fields="persistent_menu").json() == {
        "data": [{"persistent_menu": menu}]
    }
    assert client.state()["pages"][0]["profile"] == profile
    assert call(sender, "DELETE", fields=["persistent_menu"]).json() == done
    assert client.state()["pages"][0]["profile"].keys() == {"ice_breakers"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ice_breakers": []},
        {"ice_breakers": "x"},
        {"ice_breakers": breakers(*[QUESTION] * 5)},
        {"ice_breakers": breakers(QUESTION, locale="ka_GE")},
        {"ice_breakers": breakers(QUESTION) * 2},
        {"ice_breakers": breakers({"question": "No payload"})},
        {"ice_breakers": breakers({"payload": "NO_QUESTION"})},
        {"persistent_menu": [{"locale": "default"}]},
        {"persistent_menu": breakers({"type": "nested", "title": "x"})},
        {"persistent_menu": [{**breakers(TAP)[0], "composer_input_disabled": True}]},
        {"persistent_menu": breakers({**WEB, "webview_height_ratio": "full"})},
    ],
)
def test_what_instagram_has_not_is_refused(page_sender: Sender, body: dict[str, Any]) -> None:
    assert error(call(page_sender, "POST", **body)) == (100, None)


def test_forms_platforms_and_unknown_names(page_sender: Sender, client: Client) -> None:
    form = {"platform": "instagram", "ice_breakers": json.dumps(breakers(QUESTION))}
    url = f"{client.running.url}/me/messenger_profile?access_token={page_sender.token}"
    assert requests.post(url, data=form, timeout=5).json() == {"result": "success"}
    assert error(call(page_sender, "POST", platform="messenger")) == (100, None)
    assert error(call(page_sender, "DELETE", fields=["greeting"])) == (100, None)
    assert error(call(page_sender, "DELETE")) == (100, None)


def test_ten_calls_in_ten_minutes(page_sender: Sender) -> None:
    answers = [call(page_sender, "GET") for _ in range(11)]
    assert answers[9].status_code == 200
    assert error(answers[10]) == (613, None)
    assert int(answers[10].headers["Retry-After"]) > 500
