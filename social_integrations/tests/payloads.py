"""Load webhook fixtures and deliver them the way Meta does."""

import hmac
import json
from base64 import urlsafe_b64encode
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from social_integrations.graph.signatures import sign

FIXTURES = Path(__file__).parent / "fixtures" / "webhooks"
ACCOUNT_ID = "17841455501230007"
CUSTOMER_ID = "1020304050607080"
SENT_AT = 1795340000111
WEBHOOK = "/api/social/instagram/webhook/"


def names() -> list[str]:
    """Return the names of all fixtures."""
    return sorted(path.stem for path in FIXTURES.glob("*.json"))


@cache
def _text(name: str) -> str:
    return (FIXTURES / f"{name}.json").read_text()


def load(name: str) -> Any:
    """Return a fixture as parsed JSON."""
    return json.loads(_text(name))


def encode(payload: Any) -> bytes:
    r"""Return the bytes Meta sends: `\uXXXX` in lowercase and escaped slashes."""
    return json.dumps(payload, separators=(",", ":")).replace("/", "\\/").encode()


def text_payload(mid: str, text: str = "Hello", **changes: Any) -> dict[str, Any]:
    """Return a delivery with one text message; `sender`, `account`, `timestamp` can be set."""
    account = changes.get("account", ACCOUNT_ID)
    item = {
        "sender": {"id": changes.get("sender", CUSTOMER_ID)},
        "recipient": {"id": account},
        "timestamp": changes.get("timestamp", SENT_AT),
        "message": {"mid": mid, "text": text},
    }
    return {"object": "instagram", "entry": [{"id": account, "time": SENT_AT, "messaging": [item]}]}


def batch_payload(count: int) -> dict[str, Any]:
    """Return a delivery of many text messages."""
    payload = text_payload("m-0")
    payload["entry"][0]["messaging"] = [
        text_payload(f"m-{number}", timestamp=SENT_AT + number)["entry"][0]["messaging"][0]
        for number in range(count)
    ]
    return payload


def post(client: Client, body: bytes, signature: str | None = None, **extra: Any) -> HttpResponse:
    """POST raw bytes to the webhook, signed with the app secret unless a signature is given."""
    if signature is None:
        signature = sign(body, settings.INSTAGRAM_APP_SECRET[0])
    headers = {"X-Hub-Signature-256": signature} if signature else {}
    response = client.post(WEBHOOK, body, content_type="application/json", headers=headers, **extra)
    assert isinstance(response, HttpResponse)
    return response


def deliver(client: Client, name: str) -> HttpResponse:
    """POST a fixture, signed."""
    return post(client, encode(load(name)))


def signed_request(
    user_id: Any, secret: str | None = None, issued_at: Any = SENT_AT // 1000, **changes: Any
) -> str:
    """Return a `signed_request` as Meta makes it: no padding, signed as encoded."""
    payload = {"algorithm": "HMAC-SHA256", "issued_at": issued_at, "user_id": user_id} | changes
    encoded = base64url(json.dumps(payload).encode())
    key = (secret or settings.INSTAGRAM_APP_SECRET[0]).encode()
    return f"{base64url(hmac.digest(key, encoded.encode(), 'sha256'))}.{encoded}"


def base64url(content: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(content).decode().rstrip("=")
