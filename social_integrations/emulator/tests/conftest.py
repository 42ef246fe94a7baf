"""An emulator and a CRM to talk to, both over real HTTP."""

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from social_integrations.emulator.config import EmulatorConfig
from social_integrations.emulator.server import RunningEmulator, running_emulator

ALL_SCOPES = (
    "instagram_basic,instagram_manage_messages,pages_show_list,pages_read_engagement,"
    "pages_manage_metadata,pages_messaging,business_management"
)
LOGIN_SCOPES = "instagram_business_basic,instagram_business_manage_messages"
REDIRECT = "http://crm.example/api/social/instagram/oauth/callback/"


@dataclasses.dataclass
class Crm:
    """The receiving side: keeps what arrives, answers what it is told to."""

    url: str = ""
    answers: list[int] = dataclasses.field(default_factory=list)
    received: list[tuple[dict[str, str], bytes]] = dataclasses.field(default_factory=list)
    challenge_type: str = "text/plain"
    challenge_extra: str = ""


class CrmHandler(BaseHTTPRequestHandler):
    crm: Crm

    def do_GET(self) -> None:
        query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        known = query.get("hub.verify_token") == "verify-me"
        self._answer(
            200 if known and query.get("hub.mode") == "subscribe" else 403,
            query.get("hub.challenge", "") + self.crm.challenge_extra,
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.crm.answers.pop(0) if self.crm.answers else 200
        self.crm.received.append((dict(self.headers.items()), body))
        self._answer(status, "EVENT_RECEIVED")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", self.crm.challenge_type)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: object) -> None:
        """Stay quiet."""


@pytest.fixture
def crm() -> Iterator[Crm]:
    crm = Crm()
    handler = type("Handler", (CrmHandler,), {"crm": crm})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    crm.url = f"http://127.0.0.1:{server.server_port}/webhook/"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    yield crm
    server.shutdown()
    thread.join()
    server.server_close()


@dataclasses.dataclass
class Clock:
    """A clock the test can put forward."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def config(crm: Crm, clock: Clock) -> EmulatorConfig:
    return EmulatorConfig(
        app_id="100000000000001",
        app_secret="app-secret",
        login_app_id="200000000000002",
        login_app_secret="login-secret",
        verify_token="verify-me",
        redirect_uri=REDIRECT,
        webhook_url=crm.url,
        retry_delays=(0.05, 0.1),
        handshake_patience=0,
        webhook_timeout=0.5,
        clock=clock,
    )


@dataclasses.dataclass
class Client:
    """Calls the emulator the way a CRM and a test script do."""

    running: RunningEmulator

    def get(self, path: str, /, **params: str | int) -> requests.Response:
        return requests.get(self.running.url + path, params=params, timeout=5)

    def post(self, path: str, /, **params: str) -> requests.Response:
        return requests.post(self.running.url + path, data=params, timeout=5)

    def control(self, name: str, /, **body: object) -> dict[str, Any]:
        answer = requests.post(f"{self.running.url}/_control/{name}", json=body, timeout=5)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def state(self) -> dict[str, Any]:
        return dict(self.get("/_control/state").json())

    def delivery(self, delivery_id: int) -> dict[str, Any]:
        rows = self.get("/_control/deliveries").json()["deliveries"]
        return dict(next(row for row in rows if row["id"] == delivery_id))

    def authorize_url(self, **changes: str) -> str:
        query = {
            "client_id": self.running.config.app_id,
            "redirect_uri": self.running.config.redirect_uri,
            "response_type": "code",
            "scope": ALL_SCOPES,
            "state": "st&te/ü",
            **changes,
        }
        return f"{self.running.url}/v26.0/dialog/oauth?{urlencode(query)}"

    def code(self, scope: str = ALL_SCOPES, **choices: object) -> str:
        location = self.control("consent", url=self.authorize_url(scope=scope), **choices)
        return str(parse_qs(urlsplit(location["location"]).query)["code"][0])

    def exchange(self, **changes: str) -> requests.Response:
        params: dict[str, str | int] = {
            "client_id": self.running.config.app_id,
            "client_secret": self.running.config.app_secret,
            "redirect_uri": self.running.config.redirect_uri,
            **changes,
        }
        return self.get("/v26.0/oauth/access_token", **params)

    def user_token(self, scope: str = ALL_SCOPES, **choices: object) -> str:
        short = self.exchange(code=self.code(scope, **choices)).json()["access_token"]
        answer = self.exchange(grant_type="fb_exchange_token", fb_exchange_token=short)
        return str(answer.json()["access_token"])

    def event(self, kind: str, /, **body: object) -> dict[str, Any]:
        return self.control("events", kind=kind, **body)

    def login_url(self, **changes: str) -> str:
        query = {
            "client_id": self.running.config.login_app_id,
            "redirect_uri": self.running.config.redirect_uri,
            "response_type": "code",
            "scope": LOGIN_SCOPES,
            "state": "st&te/ü",
            **changes,
        }
        return f"{self.running.url}/oauth/authorize?{urlencode(query)}"

    def login_code(self, scope: str = LOGIN_SCOPES, **choices: object) -> str:
        location = self.control("consent", url=self.login_url(scope=scope), **choices)["location"]
        assert location.endswith("#_")
        return str(parse_qs(urlsplit(location).query)["code"][0])

    def login_exchange(self, code: str, **changes: str) -> requests.Response:
        form = {
            "client_id": self.running.config.login_app_id,
            "client_secret": self.running.config.login_app_secret,
            "grant_type": "authorization_code",
            "redirect_uri": self.running.config.redirect_uri,
            "code": code,
            **changes,
        }
        return self.post("/oauth/access_token", **form)

    def login_token(self, scope: str = LOGIN_SCOPES, **choices: object) -> str:
        answer = self.login_exchange(self.login_code(scope, **choices)).json()["data"][0]
        longer = self.get(
            "/access_token",
            grant_type="ig_exchange_token",
            client_secret=self.running.config.login_app_secret,
            access_token=answer["access_token"],
        )
        return str(longer.json()["access_token"])

    def login_subscribe(self) -> str:
        token = self.login_token()
        done = self.post(
            "/v26.0/me/subscribed_apps", access_token=token, subscribed_fields="messages"
        )
        assert done.json() == {"success": True}
        return token

    def page(self, scope: str = ALL_SCOPES) -> dict[str, Any]:
        answer = self.get("/v26.0/me/accounts", access_token=self.user_token(scope))
        return dict(answer.json()["data"][0])

    def subscribe(self) -> dict[str, Any]:
        page = self.page()
        answer = self.post(
            f"/v26.0/{page['id']}/subscribed_apps",
            access_token=page["access_token"],
            subscribed_fields="messages,messaging_postbacks",
        )
        assert answer.json() == {"success": True}
        return page


@pytest.fixture
def client(config: EmulatorConfig) -> Iterator[Client]:
    with running_emulator(config) as running:
        yield Client(running)


class Sender:
    """One way to send: an address and a token."""

    def __init__(self, client: Client, path: str, token: str) -> None:
        self.client, self.path, self.token = client, path, token

    def __call__(self, igsid: str, /, **body: object) -> requests.Response:
        return self.post({"recipient": {"id": igsid}, **body})

    def post(self, body: dict[str, Any]) -> requests.Response:
        return requests.post(
            self.client.running.url + self.path,
            json=body,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=10,
        )


@pytest.fixture(params=["page", "instagram"])
def sender(request: pytest.FixtureRequest, client: Client) -> Sender:
    """Send through either login."""
    if request.param == "page":
        page = client.subscribe()
        return Sender(client, f"/v26.0/{page['id']}/messages", page["access_token"])
    return Sender(client, "/v26.0/me/messages", client.login_subscribe())


@pytest.fixture
def page_sender(client: Client) -> Sender:
    page = client.subscribe()
    return Sender(client, "/v26.0/me/messages", page["access_token"])


def hear(client: Client, **body: object) -> dict[str, Any]:
    return client.control("messages", **{"text": "Hello?", **body})


def echoes(crm: Crm) -> list[dict[str, Any]]:
    found = (item.get("message", {}) for item in items(crm))
    return [message for message in found if message.get("is_echo")]


@pytest.fixture
def shop() -> Iterator[Callable[..., str]]:
    """A web server of the CRM's that Meta can fetch from."""
    files: dict[str, tuple[int, bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = files.get(self.path, (404, b""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()

    def put(name: str, content: bytes, status: int = 200) -> str:
        files[f"/{name}"] = status, content
        return f"http://127.0.0.1:{server.server_port}/{name}"

    yield put
    server.shutdown()
    thread.join()
    server.server_close()


def attached(kind: str, **payload: object) -> dict[str, Any]:
    return {"attachment": {"type": kind, "payload": payload}}


def wait_until(check: Callable[[], bool], seconds: float = 2.0) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def items(crm: Crm) -> list[dict[str, Any]]:
    """Everything that arrived, unwrapped from whatever wrapper."""
    found: list[dict[str, Any]] = []
    for _, body in crm.received:
        payload = json.loads(body)
        for one in payload if isinstance(payload, list) else [payload]:
            for entry in one["entry"]:
                found += [*entry.get("messaging", []), *entry.get("standby", [])]
                found += [change["value"] for change in entry.get("changes", [])]
                found += [entry["value"]] if "value" in entry else []
    return found


def error(answer: requests.Response) -> tuple[int, int | None]:
    body = answer.json()["error"]
    assert {"message", "type", "code", "fbtrace_id"} <= set(body)
    return body["code"], body.get("error_subcode")
