"""Consent, the code, and the tokens it turns into."""

import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from .conftest import ALL_SCOPES, REDIRECT, Client, Clock, error


def query_of(location: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(location).query).items()}


def test_the_consent_page_lists_pages_and_permissions(client: Client) -> None:
    page = requests.get(client.authorize_url(), timeout=5)
    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"] == "default-src 'self'"
    for text in ("Demo Shop", "@second_shop", "Page without Instagram", "pages_messaging"):
        assert text in page.text
    assert 'name="page_210000000000001" value="1" checked' in page.text
    assert 'name="page_210000000000003" value="1">' in page.text


def test_continue_goes_back_with_a_code_and_the_same_state(client: Client) -> None:
    form = {"answer": "continue", "page_210000000000001": "1", "scope_pages_show_list": "1"}
    answer = requests.post(client.authorize_url(), data=form, allow_redirects=False, timeout=5)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(REDIRECT + "?")
    query = query_of(answer.headers["Location"])
    assert query["state"] == "st&te/ü"
    token = client.exchange(code=query["code"]).json()["access_token"]
    granted = client.get("/me/permissions", access_token=token).json()["data"]
    assert {"permission": "pages_show_list", "status": "granted"} in granted
    assert {"permission": "pages_messaging", "status": "declined"} in granted
    pages = client.get("/me/accounts", access_token=token).json()["data"]
    assert [page["name"] for page in pages] == ["Demo Shop"]


def test_cancel_goes_back_with_a_refusal(client: Client) -> None:
    answer = requests.post(
        client.authorize_url(), data={"answer": "cancel"}, allow_redirects=False, timeout=5
    )
    query = query_of(answer.headers["Location"])
    assert (query["error"], query["error_reason"]) == ("access_denied", "user_denied")
    assert query["state"] == "st&te/ü"
    assert "code" not in query
    denied = client.control("consent", url=client.authorize_url(), deny=True)
    assert query_of(denied["location"]) == query


def test_auto_consent_needs_no_page(client: Client) -> None:
    url = client.authorize_url(_auto="1")
    answer = requests.get(url, allow_redirects=False, timeout=5)
    assert query_of(answer.headers["Location"]).keys() == {"code", "state"}


@pytest.mark.parametrize(
    ("change", "title"),
    [
        ({"redirect_uri": REDIRECT[:-1]}, "URL blocked"),
        ({"client_id": "1"}, "Invalid App ID"),
        ({"response_type": "token"}, "Invalid response type"),
        ({"scope": "instagram_basic,<b>"}, "Invalid Scopes"),
    ],
)
def test_a_wrong_login_shows_an_error_page(
    client: Client, change: dict[str, str], title: str
) -> None:
    page = requests.get(client.authorize_url(**change), timeout=5)
    assert page.status_code == 400
    assert title in page.text
    assert "<b>" not in page.text
    refused = requests.post(
        f"{client.running.url}/_control/consent",
        json={"url": client.authorize_url(**change)},
        timeout=5,
    )
    assert refused.status_code == 400


def test_a_code_works_once(client: Client) -> None:
    code = client.code()
    answer = client.exchange(code=code)
    assert answer.json()["token_type"] == "bearer"
    assert answer.json()["expires_in"] == 3600
    assert error(client.exchange(code=code)) == (100, 36009)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"client_id": "1"}, (101, None)),
        ({"client_secret": "wrong"}, (1, None)),
        ({"redirect_uri": REDIRECT + "x"}, (100, 36008)),
        ({"redirect_uri": ""}, (191, None)),
        ({"code": "nonsense"}, (100, None)),
        ({"grant_type": "magic"}, (100, None)),
        ({"grant_type": "fb_exchange_token"}, (100, None)),
        ({"grant_type": "fb_exchange_token", "fb_exchange_token": "no"}, (190, None)),
    ],
)
def test_a_wrong_exchange_is_refused(
    client: Client, change: dict[str, str], expected: tuple[int, int | None]
) -> None:
    assert error(client.exchange(**{"code": client.code(), **change})) == expected


def test_a_code_dies_after_ten_minutes(client: Client, clock: Clock) -> None:
    code = client.code()
    clock.ahead = 601
    assert error(client.exchange(code=code)) == (100, 36007)


def test_tokens_expire_and_page_tokens_of_long_ones_do_not(client: Client, clock: Clock) -> None:
    short = client.exchange(code=client.code()).json()["access_token"]
    long = client.user_token()
    tokens = {
        value: client.get("/me/accounts", access_token=value).json()["data"][0]["access_token"]
        for value in (short, long)
    }
    clock.ahead = 3601
    assert error(client.get("/me", access_token=short)) == (190, 463)
    assert error(client.get("/me", access_token=tokens[short])) == (190, 463)
    clock.ahead = 61 * 24 * 3600
    assert error(client.get("/me", access_token=long)) == (190, 463)
    assert client.get("/me", access_token=tokens[long]).json()["name"] == "Demo Shop"


def test_killed_tokens_say_why(client: Client) -> None:
    token = client.user_token()
    assert client.control("tokens", subcode=460)["killed"] == 2
    assert error(client.get("/me", access_token=token)) == (190, 460)


def test_the_secret_proof_is_checked_when_given(client: Client) -> None:
    token = client.user_token()
    proof = hmac.new(b"app-secret", token.encode(), hashlib.sha256).hexdigest()
    assert client.get("/me", access_token=token, appsecret_proof=proof).status_code == 200
    assert error(client.get("/me", access_token=token, appsecret_proof="x")) == (100, None)


def test_debug_token_shows_scopes_and_targets(client: Client) -> None:
    config = client.running.config
    app_token = f"{config.app_id}|{config.app_secret}"
    page = client.page()
    data = client.get(
        "/debug_token", input_token=page["access_token"], access_token=app_token
    ).json()["data"]
    assert (data["type"], data["is_valid"], data["profile_id"]) == ("PAGE", True, page["id"])
    assert data["expires_at"] == 0
    assert set(ALL_SCOPES.split(",")) < set(data["scopes"])
    basic = next(row for row in data["granular_scopes"] if row["scope"] == "instagram_basic")
    assert basic["target_ids"] == ["17841400000000001", "17841400000000002"]
    wrong = client.get("/debug_token", input_token="x", access_token=app_token).json()
    assert wrong["data"]["is_valid"] is False
