"""What goes wrong after a connection was made, and Meta's callbacks when somebody leaves."""

import base64
import dataclasses
import hmac
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from social_integrations.emulator.app_removal import signed_request
from social_integrations.emulator.breaks import BREAKS
from social_integrations.emulator.config import EmulatorConfig
from social_integrations.emulator.server import running_emulator

from .conftest import ALL_SCOPES, REDIRECT, Client, Clock, Crm, error, wait_until

DEAD = (458, 459, 460, 463, 464, 467, 492)
OWNER = "3456789012345671"


def app_token(client: Client) -> str:
    return f"{client.running.config.app_id}|{client.running.config.app_secret}"


def inspected(client: Client, token: str) -> dict[str, Any]:
    answer = client.get("/debug_token", input_token=token, access_token=app_token(client))
    return dict(answer.json()["data"])


def both_pages(client: Client) -> dict[str, str]:
    pages = client.get("/me/accounts", access_token=client.user_token()).json()["data"]
    return {page["name"]: page["access_token"] for page in pages}


def content(crm: Crm) -> tuple[str, dict[str, Any]]:
    """The signed request that arrived last: its mark, and its payload."""
    text = parse_qs(crm.received[-1][1].decode())["signed_request"][0]
    mark, _, payload = text.partition(".")
    assert "=" not in text
    return mark, json.loads(base64.urlsafe_b64decode(payload + "=="))


@pytest.mark.parametrize("subcode", DEAD)
def test_tokens_of_one_account_die_with_any_subcode(client: Client, subcode: int) -> None:
    tokens = both_pages(client)
    client.control("tokens", subcode=subcode, account="demo_shop")
    assert error(client.get("/me", access_token=tokens["Demo Shop"])) == (190, subcode)
    assert client.get("/me", access_token=tokens["Second Shop"]).status_code == 200
    data = inspected(client, tokens["Demo Shop"])
    assert (data["is_valid"], data["error"]["subcode"]) == (False, subcode)
    requests.delete(f"{client.running.url}/_control/tokens", timeout=5)
    assert client.get("/me", access_token=tokens["Demo Shop"]).status_code == 200


def test_a_session_can_be_invalid_with_a_code_of_its_own(client: Client) -> None:
    token = client.login_token()
    client.control("tokens", subcode=102)
    assert error(client.get("/me", access_token=token)) == (102, None)


def test_debug_token_tells_everything(client: Client, clock: Clock) -> None:
    token = client.user_token()
    data = inspected(client, token)
    assert data.keys() == {
        "app_id", "type", "application", "is_valid", "scopes", "issued_at", "expires_at",
        "data_access_expires_at", "granular_scopes", "user_id",
    }  # fmt: skip
    assert data["data_access_expires_at"] - data["issued_at"] == 90 * 24 * 3600
    assert {row["scope"] for row in data["granular_scopes"]} == set(data["scopes"])
    client.control("switches", granular_targets=False)
    assert all("target_ids" not in row for row in inspected(client, token)["granular_scopes"])
    assert inspected(client, client.login_token())["is_valid"] is False
    clock.ahead = 61 * 24 * 3600
    assert inspected(client, token)["is_valid"] is False


def test_consent_can_be_all_or_nothing_or_say_nothing(client: Client) -> None:
    client.control("switches", all_or_nothing=True)
    some = client.exchange(code=client.code(scopes=["pages_show_list"])).json()["access_token"]
    granted = client.get("/me/permissions", access_token=some).json()["data"]
    given = [row["permission"] for row in granted if row["status"] == "granted"]
    assert given == ["public_profile"]
    assert len(inspected(client, client.user_token())["scopes"]) == 1 + len(ALL_SCOPES.split(","))
    for url in (client.authorize_url(), client.login_url()):
        location = client.control("consent", url=url, silent=True)["location"]
        assert parse_qs(urlsplit(location).query).keys() == {"state"}


def test_sixty_pages_come_in_three_answers(client: Client) -> None:
    made = client.control("pages", name="Branch", count=60)["pages"]
    assert (made[59]["name"], made[59]["instagram"]["username"]) == ("Branch 60", "branch_60")
    url = f"{client.running.url}/me/accounts?access_token={client.user_token()}"
    sizes = []
    while url:
        answer = requests.get(url, timeout=5).json()
        sizes.append(len(answer["data"]))
        url = answer["paging"].get("next")
    assert sizes == [25, 25, 12]
    again = requests.post(
        f"{client.running.url}/_control/pages", json={"name": "Branch", "count": 61}, timeout=5
    )
    assert again.status_code == 400
    assert len(client.state()["pages"]) == 63


def test_without_message_access_nothing_comes_and_nothing_can_be_read(
    client: Client, crm: Crm
) -> None:
    token = str(client.subscribe()["access_token"])
    url = "/210000000000001/conversations"
    client.control("message-access", account="demo_shop", allowed=False)
    assert "does not allow" in client.control("messages", text="Hi")["detail"]
    refused = client.get(url, access_token=token, platform="instagram")
    assert error(refused) == (200, 2534041)
    client.control("message-access", account="demo_shop", allowed=True)
    assert client.control("messages", text="Hi")["delivery_status"] == "pending"


@pytest.mark.parametrize("code", ["4", "17", "32", "341", "613", "80001", "80002", "80006"])
def test_calls_can_be_throttled(client: Client, code: str) -> None:
    token = client.user_token()
    client.control("switches", throttle=code, usage=100)
    answer = client.get("/me", access_token=token)
    assert error(answer) == (int(code), None)
    assert "X-App-Usage" in answer.headers


def test_the_apps_subscription_can_be_dropped(client: Client) -> None:
    url = f"{client.running.url}/{client.running.config.app_id}/subscriptions"
    params = {"access_token": app_token(client)}
    (row,) = requests.get(url, params=params, timeout=5).json()["data"]
    assert row.keys() == {"object", "callback_url", "fields", "active"}
    requests.delete(url, params={**params, "fields": "messages"}, timeout=5)
    (row,) = requests.get(url, params=params, timeout=5).json()["data"]
    assert "messages" not in [field["name"] for field in row["fields"]]
    requests.delete(url, params=params, timeout=5)
    assert requests.get(url, params=params, timeout=5).json() == {"data": []}


def test_answers_break_in_every_form(client: Client) -> None:
    token = client.user_token()
    url = f"{client.running.url}/me?access_token={token}"

    def fault(form: str, **more: object) -> None:
        client.control("faults", match="^/me$", form=form, **more)

    fault("html", status=502)
    page = requests.get(url, timeout=5)
    assert (page.status_code, page.text.startswith("<!DOCTYPE")) == (502, True)
    fault("empty", status=200)
    assert requests.get(url, timeout=5).content == b""
    fault("half")
    with pytest.raises(requests.JSONDecodeError):
        requests.get(url, timeout=5).json()
    for form in ("cut", "close"):
        fault(form)
        with pytest.raises(requests.RequestException):
            requests.get(url, timeout=5)
    fault("slow", seconds=0.3)
    started = time.monotonic()
    assert requests.get(url, timeout=5).json()["name"] == "Shop owner"
    assert time.monotonic() - started >= 0.3
    fault("json", code=4, status=429, headers={"Retry-After": "9"})
    assert requests.get(url, timeout=5).headers["Retry-After"] == "9"
    assert requests.get(url, timeout=5).status_code == 200


def test_a_closed_connection_hides_a_call_that_was_done(client: Client) -> None:
    code = client.code()
    client.control("faults", match="access_token", form="close")
    with pytest.raises(requests.ConnectionError):
        client.exchange(code=code)
    assert error(client.exchange(code=code)) == (100, 36009)


def test_a_signed_request_is_made_as_documented() -> None:
    text = signed_request("secret", {"algorithm": "HMAC-SHA256", "user_id": "1"})
    mark, _, payload = text.partition(".")
    expected = hmac.new(b"secret", payload.encode(), "sha256").digest()
    assert base64.urlsafe_b64encode(expected).decode().rstrip("=") == mark


@pytest.mark.parametrize(
    ("kind", "login", "secret"),
    [
        ("deauthorize", "facebook", b"app-secret"),
        ("data-deletion", "instagram", b"login-secret"),
    ],
)
def test_meta_calls_back_when_somebody_leaves(
    client: Client, crm: Crm, kind: str, login: str, secret: bytes
) -> None:
    answer = client.control(kind, url=crm.url, login=login)
    assert (answer["status"], answer["body"]) == (200, "EVENT_RECEIVED")
    mark, payload = content(crm)
    assert payload["algorithm"] == "HMAC-SHA256"
    assert payload["user_id"] == answer["user_id"]
    assert (payload["user_id"] == OWNER) is (login == "facebook")
    encoded = parse_qs(crm.received[-1][1].decode())["signed_request"][0].partition(".")[2]
    expected = hmac.new(secret, encoded.encode(), "sha256").digest()
    assert base64.urlsafe_b64decode(mark + "=") == expected


@pytest.mark.parametrize("forge", ["signature", "secret", "algorithm", "no_user"])
def test_signed_requests_can_be_forged(client: Client, crm: Crm, forge: str) -> None:
    client.control("deauthorize", url=crm.url, forge=forge)
    wrong = content(crm)
    client.control("deauthorize", url=crm.url)
    right = content(crm)
    changed = {"algorithm": wrong[1].get("algorithm") != right[1]["algorithm"]}
    changed["no_user"] = "user_id" not in wrong[1]
    assert changed.get(forge, wrong[0] != right[0])


def test_callbacks_have_an_address_by_default(config: EmulatorConfig, crm: Crm) -> None:
    origin = crm.url.removesuffix("/webhook/")
    near = dataclasses.replace(config, redirect_uri=f"{origin}/callback/")
    with running_emulator(near) as running:
        answer = Client(running).control("data-deletion")
    assert answer["url"] == f"{origin}/api/social/instagram/data-deletion/"
    assert answer["status"] == 200


def test_removing_the_app_ends_access_and_events(client: Client, crm: Crm) -> None:
    page = client.subscribe()
    login = client.login_subscribe()
    gone = client.control("remove-app", url=crm.url)
    assert gone["callback"]["status"] == 200
    assert error(client.get("/me", access_token=page["access_token"])) == (190, 458)
    assert client.get("/me", access_token=login).status_code == 200
    silent = client.control("remove-app", login="instagram", silent=True)
    assert "callback" not in silent
    assert error(client.get("/me", access_token=login)) == (190, 458)
    assert client.state()["connected"] is False


@pytest.mark.parametrize("name", BREAKS)
def test_every_break_breaks_something_and_is_mended(client: Client, crm: Crm, name: str) -> None:
    client.subscribe()
    before = client.state()
    assert client.control("break", name=name, account="demo_shop", url=crm.url)["name"] == name
    after = client.state()
    changed = {key for key in before if before[key] != after[key]}
    assert bool(changed or spoiled(client)) is (name != "mend")
    client.control("break", name="mend")
    mended = client.state()
    for key in ("faults", "switches", "held"):
        assert mended[key] == before[key]
    assert not spoiled(client)


def spoiled(client: Client) -> list[dict[str, Any]]:
    """Return the tokens that were stopped or can do less than they could."""
    wrong = "SELECT * FROM token WHERE dead_subcode != 0 OR taken_back != ''"
    return client.running.emulator.store.all(wrong)


def test_an_unlinked_page_shows_no_instagram_and_tells_nothing(client: Client) -> None:
    token = str(client.subscribe()["access_token"])
    client.control("break", name="unlink", account="demo_shop")
    page = client.get("/210000000000001", access_token=token, fields="instagram_business_account")
    assert "instagram_business_account" not in page.json()
    url = "/210000000000001/conversations"
    refused = client.get(url, access_token=token, platform="instagram")
    assert error(refused) == (100, 2534013)
    assert "not linked" in client.control("messages", text="Hi")["detail"]


def test_a_permission_can_be_taken_back(client: Client) -> None:
    token = str(client.subscribe()["access_token"])
    client.control("break", name="permission", account="demo_shop")
    url = "/210000000000001/conversations"
    refused = client.get(url, access_token=token, platform="instagram")
    assert error(refused) == (200, None)
    assert "instagram_manage_messages" not in inspected(client, token)["scopes"]


@pytest.mark.parametrize(("state", "right"), [("wrong", False), ("missing", None)])
def test_signatures_can_be_wrong_or_missing(
    client: Client, crm: Crm, state: str, right: bool | None
) -> None:
    client.subscribe()
    client.control("switches", signature=state)
    client.control("messages", text="Hi")
    wait_until(lambda: len(crm.received) == 1)
    headers, body = crm.received[0]
    expected = "sha256=" + hmac.new(b"app-secret", body, "sha256").hexdigest()
    given = headers.get("X-Hub-Signature-256")
    assert (given and given == expected) is right


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("faults", {"form": "paper"}),
        ("faults", {"form": "html", "status": 100}),
        ("faults", {"headers": ["x"]}),
        ("faults", {"headers": {"X": "a\r\nY: b"}}),
        ("faults", {"seconds": 500}),
        ("faults", {"body": ["x"]}),
        ("tokens", {"subcode": 463, "account": "nobody"}),
        ("message-access", {"allowed": "no"}),
        ("deauthorize", {"url": "file:///etc/passwd"}),
        ("deauthorize", {"login": "friendster"}),
        ("deauthorize", {"forge": "all"}),
        ("break", {"name": "everything"}),
        ("pages", {"name": "Many", "count": 501}),
        ("consent", {"url": f"{REDIRECT}dialog/oauth", "silent": True}),
    ],
)
def test_what_cannot_be_broken_is_said_in_a_sentence(
    client: Client, name: str, body: dict[str, object]
) -> None:
    answer = requests.post(f"{client.running.url}/_control/{name}", json=body, timeout=5)
    assert answer.status_code in {400, 404}
    assert answer.json()["error"]["message"].endswith(".")
