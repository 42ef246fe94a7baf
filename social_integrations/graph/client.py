"""The one way to talk to Meta's Graph API."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from social_integrations.exceptions import GraphRefusedError, GraphUnavailableError

from .reading import read_number, read_object, read_objects, read_text
from .transport import Answer, Transport
from .usage import NO_USAGE, Usage

Params = Mapping[str, str]

SEGMENT = re.compile(r"[0-9A-Za-z_.=-]{1,512}", re.ASCII)
SECRET_PARAMS = ("access_token", "code", "client_secret", "fb_exchange_token", "input_token")
# Addresses, tokens by their known beginnings, and any long word: none of it helps a person.
UNSAFE_WORD = re.compile(r"https?://\S+|\b(?:EAA|IGAA|IGQV)[\w-]+|\S{40,}")
MAX_MESSAGE = 300
INVALID_PARAMETER = 100
PROOF = "appsecret_proof"


class GraphReader(Protocol):
    """Whatever reads from Graph: a client, or one that keeps to a budget."""

    def get(self, path: str, params: Params | None = None, *, once: bool = False) -> dict[str, Any]:
        """Return the JSON object Meta answers with."""


class GraphClient:
    """Calls Meta for one token (or none), as one app.

    The token travels in the Authorization header only. Every call with a token carries
    `appsecret_proof`, which Meta demands once "Require App Secret" is switched on; with
    `proves=False` only after Meta asked for it. An empty version stands for none.
    """

    def __init__(
        self,
        *,
        base_url: str,
        version: str,
        app_secret: str,
        token: str = "",
        timeout: tuple[float, float] = (3.05, 10.0),
        proves: bool = True,
    ) -> None:
        self._root = "/".join(filter(None, (base_url.rstrip("/"), version)))
        self._proves = proves
        self._app_secret = app_secret
        self._token = token
        self._transport = Transport(timeout=timeout)
        self._usage: Usage = NO_USAGE
        self._date: datetime | None = None

    @property
    def usage(self) -> Usage:
        """What Meta's latest answer said about the allowance, be it a refusal or not."""
        return self._usage

    @property
    def date(self) -> datetime | None:
        """What Meta's clock said with its latest answer, to the second."""
        return self._date

    def get(self, path: str, params: Params | None = None, *, once: bool = False) -> dict[str, Any]:
        """Read; see `request`. `once` where a repeated call would mean something else."""
        return self.request("GET", path, params=params, once=once)

    def post(self, path: str, data: Params | None = None) -> dict[str, Any]:
        """Write, with the parameters in a form body; see `request`."""
        return self.request("POST", path, data=data)

    def post_json(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Write, with a JSON body; see `request`. Sent once: Meta has no idempotency key."""
        return self.request("POST", path, body=body)

    def delete(self, path: str) -> dict[str, Any]:
        """Remove; see `request`."""
        return self.request("DELETE", path)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        data: Params | None = None,
        body: Mapping[str, Any] | None = None,
        once: bool = False,
    ) -> dict[str, Any]:
        """Return the JSON object Meta answers with.

        Raises `GraphRefusedError` for an error object and `GraphUnavailableError` for anything
        that is not a JSON object (no answer, HTML, half JSON, a list, 204, a redirect). Neither
        error carries an address, a token, a secret or a code, in its text or its context.
        """
        try:
            return self._request(method, path, params, data, body, once=once)
        except GraphRefusedError as error:
            # Meta has no code of its own for this. A refused call changed nothing: say it again.
            if self._proves or not self._token or PROOF not in str(error):
                raise
        self._proves = True
        return self._request(method, path, params, data, body, once=once)

    def _request(
        self,
        method: str,
        path: str,
        params: Params | None,
        data: Params | None,
        body: Mapping[str, Any] | None,
        *,
        once: bool,
    ) -> dict[str, Any]:
        given = {**(params or {}), **(data or {})}
        proof = self._proof()
        self._usage = NO_USAGE
        answer = self._transport.send(
            method,
            f"{self._root}/{_checked(path)}",
            headers=self._headers(body),
            params={**(params or {}), **(proof if data is None else {})},
            data={**data, **proof} if data is not None else _encoded(body),
            once=once,
        )
        self._usage, self._date = answer.usage, answer.date
        secrets = [given[name] for name in SECRET_PARAMS if name in given]
        return _understand(answer, [*secrets, self._token, self._app_secret, *proof.values()])

    def paged(
        self, path: str, params: Params | None = None, *, max_pages: int = 100
    ) -> Iterator[dict[str, Any]]:
        """Yield the rows of every page of a list, following Meta's cursor to the end.

        Meta: the last page is the one without `paging.next`. That address itself is never
        called; only the cursor is taken. A repeated cursor ends the list.
        """
        query, seen = dict(params or {}), set[str]()
        for _ in range(max_pages):
            answer = self.get(path, query)
            yield from read_objects(answer, "data")
            paging = read_object(answer, "paging")
            after = read_text(read_object(paging, "cursors"), "after")
            if not after or after in seen or not paging.get("next"):
                return
            seen.add(after)
            query["after"] = after

    def _headers(self, body: Mapping[str, Any] | None) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        return headers if body is None else {**headers, "Content-Type": "application/json"}

    def _proof(self) -> dict[str, str]:
        if not self._token or not self._proves:
            return {}
        digest = hmac.new(self._app_secret.encode(), self._token.encode(), hashlib.sha256)
        return {PROOF: digest.hexdigest()}


def _checked(path: str) -> str:
    """Return the path if every part can be an id or a name of Meta's."""
    parts = path.split("/")
    if all(SEGMENT.fullmatch(part) and part.strip(".") for part in parts):
        return path
    message = "An id in this call cannot be one of Meta's; the call was not made."
    raise GraphRefusedError(INVALID_PARAMETER, None, message)


def _encoded(body: Mapping[str, Any] | None) -> bytes | None:
    return None if body is None else json.dumps(body).encode()


def _understand(answer: Answer, secrets: list[str]) -> dict[str, Any]:
    payload = _parsed(answer.body)
    if not isinstance(payload, dict):
        raise GraphUnavailableError(f"Meta's answer is not a JSON object (HTTP {answer.status})")
    error = payload.get("error")
    if isinstance(error, dict):
        message = _scrubbed(read_text(error, "message"), secrets)
        subcode = read_number(error, "error_subcode")
        raise GraphRefusedError(read_number(error, "code") or 0, subcode or None, message)
    if "error_type" in payload or "error_message" in payload:
        # The shape of api.instagram.com, where codes are exchanged.
        message = _scrubbed(read_text(payload, "error_message"), secrets)
        raise GraphRefusedError(read_number(payload, "code") or 0, None, message)
    if not 200 <= answer.status < 300 or error is not None:
        raise GraphUnavailableError(f"Meta answered with an unexpected HTTP {answer.status}")
    return payload


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _scrubbed(message: str, secrets: list[str]) -> str:
    """Return Meta's words fit for a log line and a page: one line, short, nothing secret."""
    for secret in filter(None, secrets):
        message = message.replace(secret, "[hidden]")
    message = UNSAFE_WORD.sub("[hidden]", message)
    printable = "".join(char if char.isprintable() else " " for char in message)
    return " ".join(printable.split())[:MAX_MESSAGE]
