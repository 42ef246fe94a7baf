"""An account's conversations at Meta, as the Conversations API shows them."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import responses
from requests import PreparedRequest

from social_integrations.tests.graph.answers import GRAPH, load
from social_integrations.tests.payloads import ACCOUNT_ID

PAGE_ID = "700100200301"
READABLE = 20
Reply: TypeAlias = tuple[int, dict[str, str], str]
Query: TypeAlias = dict[str, str]


def written(moment: datetime) -> str:
    """Return a time as Graph writes it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}+0000"


def direct_message(mid: str, *, customer: str, sent_at: datetime, **more: Any) -> dict[str, Any]:
    """Return a message of a customer as Graph shows it."""
    return {
        "id": mid,
        "created_time": written(sent_at),
        "from": {"id": customer, "username": f"person.{customer}"},
        "to": {"data": [{"id": ACCOUNT_ID, "username": "shop"}]},
        "message": f"text of {mid}",
        **more,
    }


def error(code: int, subcode: int | None = None, status: int = 400) -> Reply:
    """Return an error object."""
    body = {"error": {"message": "No.", "code": code, "error_subcode": subcode}}
    return status, {}, json.dumps(body)


class FakeInbox:
    """Answers as Meta does, of each thread the 20 newest messages only; counts every reading."""

    def __init__(
        self, mock: responses.RequestsMock, root: str = PAGE_ID, host: str = GRAPH
    ) -> None:
        self.threads: dict[str, list[dict[str, Any]]] = {}
        self.page_size = 3
        self.takes_expansion = True
        self.deleted: set[str] = set()
        self.calls: list[str] = []
        self.intercept: Callable[[str, Query], Reply | None] = lambda _path, _query: None
        self._root = root
        mock.add_callback(responses.GET, re.compile(re.escape(host)), self._answer)

    def fill(
        self, threads: int, messages: int, *, newest: datetime, page_size: int = 3
    ) -> "FakeInbox":
        """Put so many threads with so many messages each into the inbox."""
        self.page_size = page_size
        for one in range(threads):
            for number in range(messages):
                self.add(f"t{one}", f"t{one}-m{number}", sent_at=newest - timedelta(minutes=number))
        return self

    def add(self, thread: str, mid: str, *, sent_at: datetime, **more: Any) -> None:
        """Put one message into a thread."""
        customer = "9000" + thread.removeprefix("t").zfill(8)
        message = direct_message(mid, customer=customer, sent_at=sent_at, **more)
        self.threads.setdefault(thread, []).append(message)
        self.threads[thread].sort(key=lambda one: str(one["created_time"]), reverse=True)

    def mids(self) -> set[str]:
        """Return the ids of all messages Meta shows."""
        return {
            one["id"]
            for found in self.threads.values()
            for one in found[:READABLE]
            if one["id"] not in self.deleted
        }

    def _answer(self, request: PreparedRequest) -> Reply:
        parts = urlsplit(request.url or "")
        path = parts.path.removeprefix("/v26.0/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.calls.append(path)
        return self.intercept(path, query) or self._reply(path, query)

    def _reply(self, path: str, query: Query) -> Reply:
        if path == f"{self._root}/conversations":
            return self._list(int(query.get("after", "0")))
        if path in self.threads:
            return self._thread(path, query["fields"])
        return self._message(path)

    def _list(self, start: int) -> Reply:
        end = start + self.page_size
        rows = [
            {"id": name, "updated_time": found[0]["created_time"]}
            for name, found in list(self.threads.items())[start:end]
        ]
        paging: dict[str, Any] = {"cursors": {"after": str(end)}}
        if end < len(self.threads):
            paging["next"] = "https://elsewhere.example/"
        return 200, {}, json.dumps({"data": rows, "paging": paging})

    def _thread(self, name: str, fields: str) -> Reply:
        found = self.threads[name]
        if fields == "messages":
            shown = [{"id": one["id"], "created_time": one["created_time"]} for one in found[:25]]
        elif self.takes_expansion:
            shown = [one for one in found[:READABLE] if one["id"] not in self.deleted]
        else:
            return 400, {}, json.dumps(load("error_expansion"))
        return 200, {}, json.dumps({"id": name, "messages": {"data": shown}})

    def _message(self, mid: str) -> Reply:
        for found in self.threads.values():
            for one in found[:READABLE]:
                if one["id"] == mid and mid not in self.deleted:
                    return 200, {}, json.dumps(one)
        return 400, {}, json.dumps(load("error_message_gone"))
