"""The control API, the page and its pictures."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import requests

from social_integrations.emulator.config import EmulatorConfig, default_webhook_url
from social_integrations.emulator.samples import sample_picture
from social_integrations.emulator.server import CannotStartError, running_emulator

from .conftest import REDIRECT, Client, Crm, wait_until


def refusal(client: Client, method: str, name: str, body: object) -> tuple[int, str]:
    answer = requests.request(method, f"{client.running.url}/_control/{name}", json=body, timeout=5)
    return answer.status_code, answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "name", "body", "status"),
    [
        ("POST", "messages", {"account": "nobody", "text": "x"}, 404),
        ("POST", "messages", {"customer": "nobody", "text": "x"}, 404),
        ("POST", "messages", {}, 400),
        ("POST", "messages", {"text": 5}, 400),
        ("POST", "messages", {"account": ["x"], "text": "x"}, 404),
        ("POST", "messages", {"attachments": ["image"]}, 400),
        ("POST", "messages", {"text": "x", "ago": "long"}, 400),
        ("POST", "messages", {"text": "x", "reply_to": "m"}, 404),
        ("POST", "messages", ["list"], 400),
        ("POST", "events", {"kind": ["text"]}, 404),
        ("POST", "events", {"kind": "text", "text": 5}, 400),
        ("POST", "events", {"kind": "text", "from": "nobody"}, 400),
        ("POST", "events", {"kind": "text", "ago": -1}, 400),
        ("POST", "events", {"kind": "standby_text", "switches": "all"}, 400),
        ("POST", "echoes", {"text": "x", "via": "pigeon"}, 400),
        ("POST", "edits", {"mid": "m"}, 404),
        ("POST", "clock", {}, 400),
        ("POST", "clock", {"ahead": True}, 400),
        ("POST", "deliver", {"payload": {}, "signer": "me"}, 400),
        ("POST", "faults", {"times": 10**12}, 400),
        ("POST", "unsend", {"mid": "m"}, 404),
        ("POST", "reactions", {}, 404),
        ("POST", "seen", {}, 404),
        ("POST", "customers", {"username": "customer_one"}, 400),
        ("POST", "customers", {"username": "<b>"}, 400),
        ("POST", "customers", {}, 400),
        ("POST", "pages", {"name": "Again", "username": "demo_shop"}, 400),
        ("POST", "redeliver", {"delivery_id": 99}, 404),
        ("POST", "deliver", {}, 400),
        ("POST", "faults", {"match": "("}, 400),
        ("POST", "faults", {"times": "many"}, 400),
        ("POST", "faults", {"status": 200}, 400),
        ("POST", "tokens", {"subcode": 1}, 400),
        ("POST", "consent", {"url": "http://x/"}, 400),
        ("POST", "uploads", {}, 400),
        ("POST", "nonsense", {}, 404),
        ("DELETE", "state", {}, 405),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    client: Client, method: str, name: str, body: object, status: int
) -> None:
    got, message = refusal(client, method, name, body)
    assert got == status
    assert message.endswith(".")


def test_other_sites_and_other_hosts_are_kept_out(client: Client) -> None:
    url = f"{client.running.url}/_control/reset"
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        assert requests.post(url, headers=headers, timeout=5).status_code == 403


def test_reset_goes_back_to_the_seed(client: Client) -> None:
    client.subscribe()
    client.control("messages", text="Hi")
    assert client.state()["connected"] is True
    world = client.control("reset")
    assert (world["connected"], world["threads"], world["deliveries"]) == (False, [], [])
    assert [page["name"] for page in world["pages"]] == [
        "Demo Shop",
        "Second Shop",
        "Page without Instagram",
    ]


def test_state_holds_no_secret(client: Client) -> None:
    token = client.subscribe()["access_token"]
    text = json.dumps(client.state())
    for secret in (token, "app-secret", "verify-me"):
        assert secret not in text


def test_pages_and_customers_can_be_added(client: Client) -> None:
    page = client.control("pages", name="Third Shop")
    assert page["instagram"]["username"] == "third_shop"
    assert client.control("pages", name="Bare", instagram=False)["instagram"] is None
    person = client.control("customers", username="@third", name="Third Customer")
    sent = client.control("messages", text="Hi", account="third_shop", customer=person["id"])
    again = client.control("messages", text="Hi", account=page["id"], customer=sent["igsid"])
    assert again["igsid"] == sent["igsid"]


def test_an_image_without_url_gets_a_sample_picture(client: Client, crm: Crm) -> None:
    client.subscribe()
    client.control("messages", attachments=[{"type": "image"}])
    wait_until(lambda: len(crm.received) == 1)
    message: dict[str, Any] = json.loads(crm.received[0][1])["entry"][0]["messaging"][0]["message"]
    (attachment,) = message["attachments"]
    assert attachment["payload"]["url"].startswith(f"{client.running.url}/media/")
    picture = requests.get(attachment["payload"]["url"], timeout=5)
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")


def test_uploads_are_hosted(client: Client) -> None:
    url, content = f"{client.running.url}/_control/uploads", sample_picture(20, 20)
    raw = requests.post(url, data=content, timeout=5).json()["url"]
    form = requests.post(url, files={"file": ("a.png", content)}, timeout=5).json()["url"]
    assert raw != form
    for address in (raw, form):
        assert requests.get(address, timeout=5).content == content
    text = requests.post(url, data=b"<html>", timeout=5)
    assert text.status_code == 400
    large = requests.post(url, data=content + bytes(8 * 1024 * 1024), timeout=5)
    assert large.json()["error"]["message"] == "The picture is larger than 8 MB."


def test_the_page_is_self_contained(client: Client) -> None:
    page = client.get("/")
    # It names the schemes links may have, but no address.
    assert "://" not in client.get("/_static/parts.js").text
    assert page.headers["Content-Security-Policy"] == "default-src 'self'"
    assert "<script>" not in page.text
    for name, kind in (
        ("phone.js", "javascript"),
        ("thread.js", "javascript"),
        ("post.js", "javascript"),
        ("sends.js", "javascript"),
        ("panel.js", "javascript"),
        ("phone.css", "css"),
        ("consent.css", "css"),
    ):
        answer = client.get(f"/_static/{name}")
        assert kind in answer.headers["Content-Type"]
        assert "http" not in answer.text
    for missing in ("/_static/..%2Fserver.py", "/_static/x", "/avatars/x.gif", "/media/x/y"):
        assert client.get(missing).status_code == 404
    assert client.get("/favicon.ico").status_code == 200
    assert requests.head(client.running.url, timeout=5).content == b""


def test_a_taken_port_is_named(client: Client, config: EmulatorConfig) -> None:
    port = int(client.running.url.rpartition(":")[2])
    with pytest.raises(CannotStartError, match=str(port)), running_emulator(config, port):
        pass


def test_a_store_that_cannot_be_used_is_named(config: EmulatorConfig, tmp_path: Path) -> None:
    broken = dataclasses.replace(config, store_path=str(tmp_path / "missing" / "meta.sqlite3"))
    with pytest.raises(CannotStartError, match="Cannot use"), running_emulator(broken):
        pass


def test_the_webhook_lives_beside_the_redirect_uri() -> None:
    assert default_webhook_url(REDIRECT) == "http://crm.example/api/social/instagram/webhook/"
    assert default_webhook_url("") == ""
