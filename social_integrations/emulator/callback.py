"""The app's webhook address: which one is in force, and the handshake that proves it."""

import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from .config import EmulatorConfig
from .store import Store

APP_FIELDS = (
    "messages", "message_reactions", "message_edit", "messaging_seen", "messaging_postbacks",
    "messaging_referral", "messaging_handover", "standby", "messaging_policy_enforcement",
    "messaging_optins", "response_feedback", "comments", "live_comments", "mentions",
    "story_insights",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Callback:
    """Where webhooks go, what proves the address, and which fields are sent."""

    url: str
    verify_token: str
    fields: tuple[str, ...]


def current_callback(store: Store, config: EmulatorConfig) -> Callback:
    """Read the address; one set through the Graph counts until the command line names another."""
    saved = store.setting("callback") or {}
    if saved.get("instead_of") != config.callback_url:
        return Callback(
            url=config.callback_url, verify_token=config.verify_token, fields=APP_FIELDS
        )
    return Callback(
        url=saved["url"], verify_token=saved["verify_token"], fields=tuple(saved["fields"])
    )


def save_callback(store: Store, config: EmulatorConfig, callback: Callback) -> None:
    """Remember an address set through the Graph."""
    store.remember(
        "callback",
        {
            "instead_of": config.callback_url,
            "url": callback.url,
            "verify_token": callback.verify_token,
            "fields": callback.fields,
        },
    )


def usable_url(url: str) -> bool:
    """Tell whether an address can be called at all."""
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def quiet_session() -> requests.Session:
    """Make a session that ignores proxies: the CRM is next door."""
    session = requests.Session()
    session.trust_env = False
    return session


def shake_hands(callback: Callback, timeout: float) -> str:
    """Do Meta's verification GET; return what was wrong, nothing when all is well."""
    if not usable_url(callback.url):
        return "No webhook URL is configured."
    challenge = str(secrets.randbelow(10**10))
    query = {
        "hub.mode": "subscribe",
        "hub.challenge": challenge,
        "hub.verify_token": callback.verify_token,
    }
    try:
        with quiet_session() as session:
            answer = session.get(callback.url, params=query, timeout=timeout, allow_redirects=False)
    except requests.RequestException as error:
        return f"The webhook could not be reached ({type(error).__name__})."
    return handshake_fault(answer, challenge)


def handshake_fault(answer: requests.Response, challenge: str) -> str:
    """Judge the answer to a verification GET."""
    if answer.status_code != requests.codes.ok:
        return f"HTTP Status Code = {answer.status_code}; 200 is needed."
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    if media_type != "text/plain":
        return f"The answer is {media_type or 'of no type'}; text/plain is needed."
    if answer.content != challenge.encode():
        return "The answer is not exactly the challenge."
    return ""


def verify_webhook(store: Store, config: EmulatorConfig) -> dict[str, Any]:
    """Shake hands with the current address and remember how it went."""
    fault = shake_hands(current_callback(store, config), config.webhook_timeout)
    result = {
        "status": "failed" if fault else "verified",
        "detail": fault or "The CRM answered with exactly the challenge.",
        "at": time.time(),
    }
    store.remember("handshake", result)
    return result


class StartupHandshake:
    """Greets the CRM in the background, because either of the two may start first."""

    def __init__(self, store: Store, config: EmulatorConfig) -> None:
        self._store, self._config = store, config
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="handshake", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop trying."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        deadline = time.monotonic() + self._config.handshake_patience
        while time.monotonic() < deadline and not self._stopped.is_set():
            if verify_webhook(self._store, self._config)["status"] == "verified":
                return
            self._stopped.wait(1.0)
