"""The emulator as Meta: started beside the app, and asked what it was sent."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from scripts.chaos.app import App
from scripts.chaos.supervisor import Supervised

SCOPES = (
    "instagram_basic,instagram_manage_messages,pages_show_list,pages_read_engagement,"
    "pages_manage_metadata,pages_messaging,business_management"
)
REDIRECT = "http://127.0.0.1/api/social/instagram/oauth/callback/"
READY_SECONDS = 20.0


class Emulated:
    """Calls of the emulator's doors: those of Meta, and those for tests."""

    def __init__(self, app: App, port: int) -> None:
        self._app, self._url = app, f"http://127.0.0.1:{port}"

    def page(self) -> dict[str, Any]:
        """Consent as the owner of the seeded account would; return the Page with its token."""
        query = {"client_id": self._app.env["INSTAGRAM_APP_ID"], "redirect_uri": REDIRECT}
        dialog = {**query, "response_type": "code", "scope": SCOPES, "state": "x"}
        asked = f"{self._url}/v26.0/dialog/oauth?{urlencode(dialog)}"
        location = self.control("consent", url=asked)["location"]
        code = parse_qs(urlsplit(location).query)["code"][0]
        secret = {"client_secret": self._app.secret}
        token = self._get("v26.0/oauth/access_token", code=code, **query, **secret)["access_token"]
        wanted = "id,access_token,instagram_business_account{id}"
        pages = self._get("v26.0/me/accounts", access_token=token, fields=wanted)
        page = pages["data"][0]
        fields = {"access_token": page["access_token"], "subscribed_fields": "messages"}
        self._post(f"v26.0/{page['id']}/subscribed_apps", data=fields)
        return dict(page)

    def hear(self, number: int) -> None:
        """Let one more person write to the account."""
        username = f"customer.{number}"
        self.control("customers", username=username, name=f"Customer {number}")
        self.control("messages", customer=username, text="Hello?")

    def sent(self) -> dict[str, Any]:
        """Return what the app asked for, how often each message went out, and any doubles."""
        return self._get("_control/sent", limit="1000")

    def control(self, name: str, /, **body: object) -> dict[str, Any]:
        """Make a control call."""
        return self._post(f"_control/{name}", json=body)

    def until_ready(self) -> None:
        """Wait until it answers."""
        ends = time.monotonic() + READY_SECONDS
        while time.monotonic() < ends:
            try:
                self._get("_control/state")
            except requests.RequestException:
                time.sleep(0.1)
            else:
                return
        raise TimeoutError("the emulator does not answer")

    def _get(self, path: str, **params: str) -> dict[str, Any]:
        answer = requests.get(f"{self._url}/{path}", params=params, timeout=20)
        answer.raise_for_status()
        return dict(answer.json())

    def _post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = requests.post(f"{self._url}/{path}", timeout=20, **body)
        answer.raise_for_status()
        return dict(answer.json())


@contextmanager
def emulated(app: App, port: int) -> Iterator[Emulated]:
    """Run the emulator on a port for the length of the block; it delivers to the app."""
    webhook = f"http://127.0.0.1:{app.port}/api/social/instagram/webhook/"
    options = ["--port", str(port), "--webhook-url", webhook, "--redirect-uri", REDIRECT]
    command = [sys.executable, "manage.py", "meta_emulator", *options]
    process = Supervised(command, app.env, app.folder / "emulator.log")
    process.start()
    meta = Emulated(app, port)
    try:
        meta.until_ready()
        yield meta
    finally:
        process.stop()
