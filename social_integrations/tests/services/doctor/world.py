"""A healthy installation for the doctor to look at, in which tests plant one fault at a time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import responses
from django.test import Client
from django.utils import timezone
from requests import PreparedRequest

from social_integrations.models import ConnectedAccount
from social_integrations.services import heartbeat
from social_integrations.services.doctor.examining import examine
from social_integrations.services.doctor.rows import Report
from social_integrations.tests.factories import make_account
from social_integrations.tests.graph.answers import CODES, GRAPH, INSTAGRAM, VERSION, load

HOST = "https://testserver"
DOOR = f"{HOST}/api/social/instagram/webhook/"
APP = "700000000000001"
PAGE = "700100200301"
PAGE_TOKEN, LOGIN_TOKEN = "EAAB-page-token-secretvalue", "IGAA-token-secretvalue"
FIELDS = (
    "messages",
    "messaging_postbacks",
    "message_reactions",
    "message_edit",
    "messaging_seen",
    "messaging_referral",
    "messaging_handover",
    "standby",
)
SCOPES = [
    "instagram_basic",
    "instagram_manage_messages",
    "pages_show_list",
    "pages_read_engagement",
    "pages_manage_metadata",
    "business_management",
]
LOGIN_SCOPES = ["instagram_business_basic", "instagram_business_manage_messages"]
EXCHANGE = f"{GRAPH}/oauth/access_token"
LOGIN_EXCHANGE = f"{CODES}/oauth/access_token"
DIALOG = f"https://www.facebook.com/{VERSION}/dialog/oauth"
LOGIN_DIALOG = "https://www.instagram.com/oauth/authorize"
WEBHOOKS = f"{GRAPH}/{APP}/subscriptions"
INSPECT = f"{GRAPH}/debug_token"
LINK = f"{GRAPH}/{PAGE}"
SUBSCRIBED = f"{GRAPH}/{PAGE}/subscribed_apps"
THREADS = f"{GRAPH}/{PAGE}/conversations"
ME = f"{INSTAGRAM}/{VERSION}/me"
PAGES = tuple(f"{HOST}/legal/{name}/" for name in ("privacy", "terms", "data-deletion"))

Answer = dict[str, Any]


def webhooks(*, url: str = DOOR, fields: tuple[str, ...] = FIELDS, **changes: Any) -> Answer:
    """Return the app's webhooks as Meta lists them."""
    named = [{"name": name, "version": VERSION} for name in fields]
    row = {"object": "instagram", "callback_url": url, "active": True, "fields": named}
    return {"data": [row | changes]}


def inspected(**changes: Any) -> Answer:
    """Return what `debug_token` says about the Page's token."""
    data = {"app_id": APP, "is_valid": True, "expires_at": 0, "scopes": SCOPES}
    return {"data": data | changes}


def linked(account_id: str) -> Answer:
    """Return a Page with its Instagram account."""
    return {"id": PAGE, "instagram_business_account": {"id": account_id}}


def refusal(code: int, subcode: int = 0) -> Answer:
    """Return an error object of Meta's."""
    return {"error": {"code": code, "error_subcode": subcode, "message": "No."}}


def our_own_door(request: PreparedRequest) -> tuple[int, dict[str, str], bytes]:
    """Let Django answer for its public address, as its own process would."""
    parts = urlsplit(request.url or "")
    given = request.headers.get("X-Hub-Signature-256", "")
    client = Client(headers={"X-Hub-Signature-256": given} if given else {})
    if request.method == "POST":
        answer = client.post(parts.path, request.body, "application/json", secure=True)
    else:
        answer = client.get(parts.path, dict(parse_qsl(parts.query)), secure=True)
    return answer.status_code, {"Content-Type": answer["Content-Type"]}, answer.content


@dataclass
class World:
    """Everything outside of our code, and two accounts; `answers` may be changed or removed."""

    account: ConnectedAccount
    login_account: ConnectedAccount
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    clock_ahead: timedelta = timedelta(0)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """The calls of the latest examination."""

    def put(self, url: str, body: Any, method: str = "GET") -> None:
        """Let a call be answered by a fixture's name, JSON, `(status, text)`, or an exception."""
        self.answers[method, url] = body

    def examine(self, **options: Any) -> Report:
        """Let the doctor look at it."""
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            for (method, url), body in self.answers.items():
                self._prepare(mock, method, url, body)
            report = examine(accounts=ConnectedAccount.objects.defer("access_token"), **options)
            made = [call.request for call in mock.calls]
        self.asked = [(str(one.method), str(one.url).partition("?")[0]) for one in made]
        return report

    def _prepare(self, mock: responses.RequestsMock, method: str, url: str, body: Any) -> None:
        if callable(body) and not isinstance(body, Exception):
            mock.add_callback(method, url, body)
            return
        date = format_datetime(timezone.now() - self.clock_ahead)
        given: dict[str, Any] = {"headers": {"Date": date}, "status": 200}
        if isinstance(body, Exception):
            given["body"] = body
        elif isinstance(body, tuple):
            given |= {"status": body[0], "body": body[1]}
        else:
            given["json"] = load(body) if isinstance(body, str) else body
            given["status"] = 400 if {"error", "error_type"} & set(given["json"]) else 200
        mock.add(method, url, **given)


def healthy_world() -> World:
    """Return an installation where the doctor has nothing to say."""
    now = timezone.now()
    account = make_account(
        instagram_account_id="17841455501230001",
        username="harbour.books",
        page_id=PAGE,
        access_token=PAGE_TOKEN,
        granted_scopes=SCOPES,
        last_event_at=now - timedelta(hours=1),
    )
    login_account = make_account(
        instagram_account_id="17841455501230099",
        username="corner.cafe",
        login="instagram",
        access_token=LOGIN_TOKEN,
        granted_scopes=LOGIN_SCOPES,
        token_expires_at=now + timedelta(days=50),
        last_event_at=now - timedelta(hours=2),
    )
    heartbeat.beat()
    world = World(account, login_account)
    ours: Callable[..., Any] = our_own_door
    good: dict[tuple[str, str], Any] = {
        ("GET", DOOR): ours,
        ("POST", DOOR): ours,
        **{("GET", page): ours for page in PAGES},
        ("GET", EXCHANGE): "error_code_invalid",
        ("POST", LOGIN_EXCHANGE): "error_login_code_unknown",
        ("GET", DIALOG): (200, "<html>"),
        ("GET", LOGIN_DIALOG): (302, ""),
        ("GET", WEBHOOKS): webhooks(),
        ("GET", INSPECT): inspected(),
        ("GET", LINK): linked(account.instagram_account_id),
        ("GET", SUBSCRIBED): {"data": [{"id": APP}]},
        ("GET", THREADS): {"data": []},
        ("GET", ME): {
            "user_id": login_account.instagram_account_id,
            "id": "9000000001",
            "account_type": "Business",
        },
        ("GET", f"{ME}/subscribed_apps"): {"data": [{"subscribed_fields": ["messages"]}]},
        ("GET", f"{ME}/conversations"): {"data": []},
    }
    world.answers |= good
    return world
