"""A stand-in for Meta's Graph API: fixtures answered through `responses`."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import responses
from requests import PreparedRequest

FIXTURES = Path(__file__).parents[1] / "fixtures" / "graph"
GRAPH = "https://graph.facebook.com/v26.0"
INSTAGRAM = "https://graph.instagram.com"
CODES = "https://api.instagram.com"
VERSION = "v26.0"
TOKEN_PATH = "oauth/access_token"
SECRETS = ("secretvalue", "test-app-secret-0123456789abcdef", "the-code-of-meta")
Call = tuple[str, str]
# What Meta answers when all goes well; tests replace single lines.
GOOD_DAY: dict[Call, str] = {
    ("GET", "debug_token"): "debug_token",
    ("GET", "me"): "identity",
    ("GET", "me/permissions"): "permissions",
    ("GET", "me/accounts"): "accounts_one",
    ("POST", "700100200301/subscribed_apps"): "subscribed",
    ("POST", "700100200302/subscribed_apps"): "subscribed",
}
# The same for Instagram Login: (method, address) → fixture.
GOOD_INSTAGRAM_DAY: dict[Call, str] = {
    ("POST", f"{CODES}/oauth/access_token"): "login_token_wrapped",
    ("GET", f"{INSTAGRAM}/access_token"): "login_token_long",
    ("GET", f"{INSTAGRAM}/{VERSION}/me"): "login_me_wrapped",
    ("POST", f"{INSTAGRAM}/{VERSION}/me/subscribed_apps"): "subscribed",
}


def load(name: str) -> Any:
    """Return a fixture as parsed JSON."""
    return json.loads((FIXTURES / f"{name}.json").read_text())


def page_row(number: int, **changes: Any) -> dict[str, Any]:
    """Return a Page as `/me/accounts` lists it, with an Instagram account of its own."""
    return {
        "id": f"7001002003{number:02}",
        "name": f"Page {number:02}",
        "access_token": f"EAAPAGE{number}secretvalue",
        "tasks": ["MESSAGING"],
        "instagram_business_account": {
            "id": f"178414555012300{number:02}",
            "username": f"shop.{number:02}",
        },
        **changes,
    }


class FakeMeta:
    """Answers Graph calls and remembers them."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self._mock = mock

    def answer(self, method: str, path: str, body: Any, status: int = 200, **more: Any) -> None:
        """Answer a call with a fixture (by name), JSON, raw bytes or an exception."""
        if isinstance(body, str):
            body = load(body)
            refused = "error" in body or "error_type" in body
            status = 400 if refused and status == 200 else status
        kind = "body" if isinstance(body, bytes | Exception) else "json"
        url = path if path.startswith("https://") else f"{GRAPH}/{path}"
        self._mock.add(method, url, **{kind: body}, status=status, **more)

    def good_day(self, **changes: Any) -> None:
        """Answer a whole connection; `accounts=…` replaces the answer of the path ending so."""
        for token in ("token_short", "token_long"):
            self.answer("GET", TOKEN_PATH, token)
        for (method, path), fixture in GOOD_DAY.items():
            self.answer(method, path, changes.get(path.rsplit("/", 1)[-1], fixture))

    def pages(self, *rows: dict[str, Any], per_answer: int = 50) -> None:
        """Answer a whole connection with these Pages, cut into several answers."""
        parts = [rows[at : at + per_answer] for at in range(0, len(rows), per_answer)]
        answers: list[dict[str, Any]] = [
            {
                "data": part,
                "paging": {
                    "cursors": {"after": f"after-{number}"},
                    **({"next": f"{GRAPH}/me/accounts"} if number < len(parts) else {}),
                },
            }
            for number, part in enumerate(parts, start=1)
        ]
        unlimited = load("debug_token")
        del unlimited["data"]["granular_scopes"]
        self.good_day(accounts=answers[0], debug_token=unlimited)
        for answer in answers[1:]:
            self.answer("GET", "me/accounts", answer)
        for row in rows:
            self.answer("POST", f"{row['id']}/subscribed_apps", "subscribed")

    def instagram_day(self, **changes: Any) -> None:
        """Answer one through Instagram Login; `code`, `extend`, `me` and `subscribe` may differ."""
        names = ("code", "extend", "me", "subscribe")
        for name, ((method, url), fixture) in zip(names, GOOD_INSTAGRAM_DAY.items(), strict=True):
            self.answer(method, url, changes.get(name, fixture))

    def ask(self, method: str, path: str, callback: Callable[[PreparedRequest], Any]) -> None:
        """Answer a call with what a function returns: status, headers and body."""
        url = path if path.startswith("https://") else f"{GRAPH}/{path}"
        self._mock.add_callback(method, url, callback)

    def forget(self, method: str, path: str) -> None:
        """Take back what was prepared for a call."""
        self._mock.remove(method, f"{GRAPH}/{path}")

    def calls(self, path: str = "") -> list[PreparedRequest]:
        """Return the calls made, or those to one path."""
        made = [call.request for call in self._mock.calls]
        return [one for one in made if not path or _path(one) == path]


def _path(request: PreparedRequest) -> str:
    return urlsplit(request.url or "").path.removeprefix(f"/{VERSION}").lstrip("/")


@contextmanager
def fake_meta() -> Iterator[FakeMeta]:
    """Stand in for Meta; a call nobody prepared fails as a broken connection."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield FakeMeta(mock)


def sent(request: PreparedRequest) -> dict[str, str]:
    """Return the form body or query a call carried."""
    body = request.body.decode() if isinstance(request.body, bytes) else request.body
    text = body if isinstance(body, str) else str(urlsplit(request.url or "").query)
    return {name: values[0] for name, values in parse_qs(text).items()}
