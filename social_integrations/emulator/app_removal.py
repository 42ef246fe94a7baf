"""Leaving: the owner removes the app, and Meta's signed requests that follow (section 7)."""

import base64
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from .callback import quiet_session, usable_url
from .core import Emulator
from .ids import app_scoped_id
from .people import ControlError, find_account
from .seed import OWNER
from .tokens import kill_tokens

PATHS = {
    "deauthorize": "/api/social/instagram/deauthorize/",
    "data-deletion": "/api/social/instagram/data-deletion/",
}
# The kinds of token each login gives out.
LOGINS = {"facebook": ("user", "page"), "instagram": ("instagram",)}


@dataclass(frozen=True, slots=True)
class Forgery:
    """One way to get a signed request wrong."""

    payload: Callable[[dict[str, Any]], dict[str, Any]] = dict
    secret: Callable[[str], str] = str
    mark: Callable[[bytes], bytes] = bytes


FORGERIES = {
    "": Forgery(),
    "signature": Forgery(mark=lambda raw: bytes(byte ^ 1 for byte in raw)),
    "secret": Forgery(secret=lambda secret: secret[::-1] + "x"),
    "algorithm": Forgery(payload=lambda payload: {**payload, "algorithm": "none"}),
    "no_user": Forgery(
        payload=lambda payload: {key: payload[key] for key in payload if key != "user_id"}
    ),
}


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed_request(secret: str, payload: dict[str, Any], forgery: str = "") -> str:
    """Write a signed request: the mark is over the *encoded* payload, without padding."""
    wrong = FORGERIES[forgery]
    text = _encoded(json.dumps(wrong.payload(payload), separators=(",", ":")).encode())
    raw = hmac.new(wrong.secret(secret).encode(), text.encode(), "sha256").digest()
    return f"{_encoded(wrong.mark(raw))}.{text}"


def call_back(emulator: Emulator, kind: str, params: dict[str, Any]) -> dict[str, Any]:
    """POST a signed request of this kind to the CRM; show what it was and what the CRM said."""
    login, forgery = str(params.get("login", "facebook")), str(params.get("forge", ""))
    if login not in LOGINS:
        raise ControlError(f"The field login is one of {', '.join(LOGINS)}.")
    if forgery not in FORGERIES:
        raise ControlError(f"The field forge is one of {', '.join(filter(None, FORGERIES))}.")
    url = str(params.get("url") or default_address(emulator, kind))
    if not usable_url(url):
        raise ControlError("The url must begin with http:// or https://.")
    issued = int(emulator.config.clock())
    payload = {
        "algorithm": "HMAC-SHA256",
        "issued_at": issued,
        "expires": issued + 3600,
        "user_id": str(params.get("user_id") or _person(emulator, login, params)),
    }
    signer = str(params.get("signer") or ("instagram" if login == "instagram" else "meta"))
    text = signed_request(emulator.config.secret_of(signer), payload, forgery)
    return {"url": url, "user_id": payload["user_id"], **_post(emulator, url, text)}


def default_address(emulator: Emulator, kind: str) -> str:
    """Put the callback on the origin of the redirect URI."""
    parts = urlsplit(emulator.config.redirect_uri)
    return f"{parts.scheme}://{parts.netloc}{PATHS[kind]}"


def _person(emulator: Emulator, login: str, params: dict[str, Any]) -> str:
    """Name who leaves: the owner for Facebook, the account's app-scoped id for Instagram."""
    if login == "facebook":
        return OWNER["id"]
    return app_scoped_id(find_account(emulator.store, params.get("account"))["account_id"])


def _post(emulator: Emulator, url: str, text: str) -> dict[str, Any]:
    try:
        with quiet_session() as session:
            answer = session.post(
                url,
                data={"signed_request": text},
                timeout=emulator.config.webhook_timeout,
                allow_redirects=False,
            )
    except requests.RequestException as error:
        return {"status": None, "body": f"The CRM could not be reached ({type(error).__name__})."}
    return {"status": answer.status_code, "body": _body(answer)}


def _body(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return answer.text[:2000]


def remove_app(emulator: Emulator, params: dict[str, Any]) -> dict[str, Any]:
    """Let the owner, or an account of Instagram Login, remove the app: access and events end.

    Meta tells the CRM, unless `silent`: then only the next call shows it, with 190/458.
    """
    login = str(params.get("login", "facebook"))
    if login == "instagram":
        page = find_account(emulator.store, params.get("account"))
        killed = kill_tokens(emulator.store, 458, page["id"], kinds=LOGINS[login])
        emulator.store.run("UPDATE page SET login_fields = NULL WHERE id = ?", page["id"])
    else:
        killed = kill_tokens(emulator.store, 458, kinds=LOGINS["facebook"])
        emulator.store.run("UPDATE page SET subscribed_fields = NULL")
    told = {} if params.get("silent") else {"callback": call_back(emulator, "deauthorize", params)}
    return {"killed": killed, **told}
