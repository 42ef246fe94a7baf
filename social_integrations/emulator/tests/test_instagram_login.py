"""Instagram Login: consent, code, tokens, its own `/me`, its own webhooks."""

import hmac
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from social_integrations.emulator.ids import app_scoped_id

from .conftest import LOGIN_SCOPES, REDIRECT, Client, Clock, Crm, error, wait_until

ACCOUNT = "17841400000000001"
DAY = 24 * 3600


def me(client: Client, token: str) -> dict[str, Any]:
    fields = "id,user_id,username,name,account_type,profile_picture_url"
    return dict(client.get("/v26.0/me", access_token=token, fields=fields).json())


def refresh(client: Client, token: str) -> requests.Response:
    return client.get("/refresh_access_token", grant_type="ig_refresh_token", access_token=token)


def test_the_consent_page_asks_who_logs_in(client: Client) -> None:
    page = requests.get(client.login_url(), timeout=5)
    assert page.headers["Content-Security-Policy"] == "default-src 'self'"
    for text in ("@demo_shop", "@second_shop", "instagram_business_manage_messages"):
        assert text in page.text
    form = {"answer": "continue", "account": "17841400000000002"}
    answer = requests.post(client.login_url(), data=form, allow_redirects=False, timeout=5)
    assert answer.headers["Location"].endswith("#_")
    again = requests.get(client.login_url(), timeout=5).text
    assert "@demo_shop" not in again
    assert "Use another account" in again
    forced = requests.get(client.login_url(force_reauth="true"), timeout=5).text
    assert "@demo_shop" in forced
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    token = client.login_exchange(query["code"][0]).json()["data"][0]
    assert token["user_id"] == app_scoped_id("17841400000000002")
    assert token["permissions"] == "instagram_business_basic"


def test_cancel_goes_back_with_a_refusal(client: Client) -> None:
    denied = client.control("consent", url=client.login_url(), deny=True)["location"]
    query = {key: value[0] for key, value in parse_qs(urlsplit(denied).query).items()}
    assert query == {
        "error": "access_denied",
        "error_reason": "user_denied",
        "error_description": "The user denied your request",
        "state": "st&te/ü",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "100000000000001"},
        {"redirect_uri": REDIRECT + "x"},
        {"response_type": "token"},
        {"scope": "instagram_business_manage_messages"},
        {"scope": "instagram_business_basic,business_basic"},
    ],
)
def test_a_wrong_login_shows_an_error_page(client: Client, change: dict[str, str]) -> None:
    assert requests.get(client.login_url(**change), timeout=5).status_code == 400


@pytest.mark.parametrize(
    "change",
    [
        {"client_secret": "app-secret"},
        {"client_id": "3"},
        {"grant_type": ""},
        {"redirect_uri": REDIRECT + "x"},
        {"code": "nonsense"},
    ],
)
def test_a_wrong_exchange_is_refused_in_instagrams_shape(
    client: Client, change: dict[str, str]
) -> None:
    answer = client.login_exchange(**{"code": client.login_code(), **change})
    assert answer.status_code == 400
    assert answer.json().keys() == {"error_type", "code", "error_message"}


def test_a_code_counts_once_for_its_own_login_within_an_hour(client: Client, clock: Clock) -> None:
    code = client.login_code()
    assert error(client.exchange(code=code)) == (100, None)
    assert client.login_exchange(client.code()).status_code == 400
    assert client.login_exchange(code).status_code == 200
    assert client.login_exchange(code).status_code == 400
    late = client.login_code()
    clock.ahead = 3601
    assert "expired" in client.login_exchange(late).json()["error_message"]


def test_replies_come_wrapped_or_flat(client: Client) -> None:
    client.control(
        "switches",
        login_reply="flat",
        login_permissions="list",
        login_ids="number",
        login_me="flat",
    )
    flat = client.login_exchange(client.login_code()).json()
    assert flat["user_id"] == int(app_scoped_id(ACCOUNT))
    assert flat["permissions"] == LOGIN_SCOPES.split(",")
    own = me(client, flat["access_token"])
    assert (own["user_id"], own["account_type"]) == (int(ACCOUNT), "Business")
    client.control("switches", login_me="wrapped")
    assert me(client, flat["access_token"])["data"] == [own]


def test_tokens_live_an_hour_then_sixty_days(client: Client) -> None:
    short = client.login_exchange(client.login_code()).json()["data"][0]["access_token"]
    token = client.login_token()
    (own,) = me(client, token)["data"]
    assert own["user_id"] == ACCOUNT
    assert own["id"] != ACCOUNT
    assert error(refresh(client, token)) == (100, None)
    client.control("clock", advance=3601)
    assert error(client.get("/me", access_token=short)) == (190, 463)
    client.control("clock", advance=DAY)
    renewed = refresh(client, token).json()
    assert 59 * DAY < renewed["expires_in"] < 61 * DAY
    client.control("clock", ahead=59.99 * DAY)
    assert error(refresh(client, token)) == (190, 463)
    assert client.get("/me", access_token=renewed["access_token"]).status_code == 200
    assert client.get("/_control/clock").json()["ahead"] == 59.99 * DAY


def test_only_instagrams_tokens_are_exchanged(client: Client) -> None:
    for path, params in (
        ("/access_token", {"grant_type": "ig_exchange_token", "client_secret": "login-secret"}),
        ("/refresh_access_token", {"grant_type": "ig_refresh_token"}),
    ):
        answer = client.get(path, access_token=client.user_token(), **params)
        assert error(answer) == (190, None)
    wrong = client.get(
        "/access_token",
        grant_type="ig_exchange_token",
        client_secret="app-secret",
        access_token=client.login_token(),
    )
    assert error(wrong) == (1, None)


def test_an_account_is_subscribed_and_left(client: Client) -> None:
    token = client.login_token()
    url = f"/v26.0/{ACCOUNT}/subscribed_apps"
    assert client.get(url, access_token=token).json() == {"data": []}
    wrong = client.post(url, access_token=token, subscribed_fields="message_reads")
    assert error(wrong) == (100, None)
    client.login_subscribe()
    assert client.state()["pages"][0]["login_fields"] == ["messages"]
    requests.delete(client.running.url + url, params={"access_token": token}, timeout=5)
    assert client.state()["connected"] is False
    basic = client.login_token("instagram_business_basic")
    refused = client.post(url, access_token=basic, subscribed_fields="messages")
    assert error(refused) == (200, None)


@pytest.mark.parametrize(
    ("signer", "secret"), [("instagram", b"login-secret"), ("meta", b"app-secret")]
)
def test_webhooks_are_signed_with_the_logins_secret(
    client: Client, crm: Crm, signer: str, secret: bytes
) -> None:
    client.login_subscribe()
    client.control("switches", login_signer=signer)
    client.control("messages", text="Hi")
    wait_until(lambda: len(crm.received) == 1)
    headers, body = crm.received[0]
    expected = hmac.new(secret, body, "sha256").hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={expected}"


def test_an_account_connected_twice_is_reported_twice(client: Client, crm: Crm) -> None:
    client.subscribe()
    client.login_subscribe()
    client.control("messages", text="Hi")
    wait_until(lambda: len(crm.received) == 2)
    assert (
        len(
            {
                json.loads(body)["entry"][0]["messaging"][0]["message"]["mid"]
                for _, body in crm.received
            }
        )
        == 1
    )
    assert len({headers["X-Hub-Signature-256"] for headers, _ in crm.received}) == 2


def test_conversations_and_profiles_work_with_its_token(client: Client) -> None:
    token = client.login_subscribe()
    sent = client.control("messages", text="Hi")
    for owner in ("me", ACCOUNT):
        answer = client.get(
            f"/v26.0/{owner}/conversations",
            access_token=token,
            platform="instagram",
            fields="messages{message,from}",
        ).json()
        assert answer["data"][0]["messages"]["data"][0]["message"] == "Hi"
    profile = client.get(f"/{sent['igsid']}", access_token=token, fields="username").json()
    assert profile["username"] == "customer_one"
    assert error(client.get("/210000000000001", access_token=token)) == (100, 33)
    other = client.login_token(account="second_shop")
    assert error(client.get(f"/{sent['mid']}", access_token=other)) == (100, 33)


def test_without_an_app_of_its_own_there_is_no_such_login(client: Client) -> None:
    location = requests.post(
        f"{client.running.url}/_control/consent",
        json={"url": client.login_url(client_id="")},
        timeout=5,
    )
    assert location.status_code == 400
