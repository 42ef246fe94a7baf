"""What the CRM asked the Send API for, and how it went: the proof that nothing is sent twice."""

import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from social_integrations.emulator.core import Emulator
from social_integrations.emulator.forms import read_json
from social_integrations.emulator.http import BadBodyError, Request, Response
from social_integrations.emulator.store import Row
from social_integrations.emulator.tokens import find_token, given_token

SENDS = re.compile(r"^/[^/]+/(messages|message_attachments)$")
SECRETS = frozenset({"access_token", "appsecret_proof"})
CONTENT = ("message", "reply_to", "sender_action", "payload")


def kind_of_call(request: Request, path: str) -> str:
    """Name a call of the Send API: `message`, `action` or `upload`; empty for any other."""
    match = SENDS.match(path)
    if match is None or request.method != "POST":
        return ""
    if match[1] == "message_attachments":
        return "upload"
    return "action" if _params(request).get("sender_action") else "message"


def _params(request: Request) -> dict[str, Any]:
    try:
        return dict(request.params)
    except BadBodyError:
        return {}


def note_call(
    emulator: Emulator, request: Request, what: str, *, done: Response | None, shown: Response
) -> None:
    """Write down one call: what Meta did with it (None: nothing), and what the CRM was told."""
    params = {name: _read(value) for name, value in _params(request).items()}
    asked = {name: value for name, value in params.items() if name not in SECRETS}
    recipient = asked.get("recipient")
    named = recipient if isinstance(recipient, dict) else {}
    login, account_id = _sender(emulator, request)
    mid = _mid(done)
    told = _error(shown)
    emulator.store.run(
        "INSERT INTO sent (at, login, account_id, customer_id, recipient, what, request, done,"
        " http, code, subcode, wire, mid, digest)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(time.time(), login, account_id, _customer(emulator, account_id, named, mid)),
        *(str(named.get("id") or named.get("comment_id") or ""), what, json.dumps(asked)),
        *(done is not None and done.status == 200, shown.status),
        *(told.get("code", 0), told.get("error_subcode", 0), shown.wire, mid),
        _digest(account_id, asked),
    )


def _read(value: Any) -> Any:
    """Read a form's JSON field; anything else stays as it is."""
    if not isinstance(value, str) or not value.startswith("{"):
        return value
    try:
        return read_json(value)
    except ValueError:
        return value


def _sender(emulator: Emulator, request: Request) -> tuple[str, str]:
    try:
        token = find_token(emulator, given_token(request))
    except BadBodyError:
        token = None
    if token is None:
        return "", ""
    login = "instagram" if token.kind == "instagram" else "facebook"
    page = emulator.store.one("SELECT * FROM page WHERE id = ?", token.page_id)
    return login, str(page["account_id"] or "") if page else ""


def _customer(emulator: Emulator, account_id: str, named: dict[str, Any], mid: str | None) -> str:
    row = emulator.store.one(
        "SELECT customer_id FROM message WHERE mid = ? UNION SELECT customer_id FROM scoped"
        " WHERE igsid = ? AND account_id = ? UNION SELECT customer_id FROM comment WHERE id = ?",
        *(mid, str(named.get("id") or ""), account_id, str(named.get("comment_id") or "")),
    )
    return str(row["customer_id"]) if row else ""


def _mid(done: Response | None) -> str | None:
    if done is None or done.status != 200:
        return None
    mid = json.loads(done.body).get("message_id")
    return str(mid) if mid else None


def _error(shown: Response) -> dict[str, Any]:
    try:
        told = json.loads(shown.body)
    except ValueError:
        return {}
    error = told.get("error") if isinstance(told, dict) else None
    return error if isinstance(error, dict) else {}


def _digest(account_id: str, asked: dict[str, Any]) -> str:
    """Mark what was to be sent to whom, the same for the same content."""
    same = {name: asked[name] for name in ("recipient", *CONTENT) if name in asked}
    text = json.dumps([account_id, same], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def list_sent(emulator: Emulator, *, limit: int) -> list[dict[str, Any]]:
    """Show the newest calls first."""
    rows = emulator.store.all("SELECT * FROM sent ORDER BY id DESC LIMIT ?", limit)
    times = Counter(row["digest"] for row in _done(emulator))
    return [{**_shown(row), "times": times[row["digest"]]} for row in rows]


def _done(emulator: Emulator) -> list[Row]:
    return emulator.store.all("SELECT * FROM sent WHERE done AND mid IS NOT NULL ORDER BY id")


def _shown(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "at": row["at"],
        "login": row["login"],
        "account": row["account_id"],
        "customer": row["customer_id"],
        "recipient": row["recipient"],
        "what": row["what"],
        "request": json.loads(row["request"]),
        "done": bool(row["done"]),
        "answer": _answer(row),
        "status": row["http"],
        "code": row["code"],
        "subcode": row["subcode"],
        "message_id": row["mid"],
    }


def _answer(row: Row) -> str:
    """Say in a word what the CRM was told."""
    if row["wire"] != "whole":
        return "lost"
    return "error" if row["code"] or row["http"] >= 400 else "sent"


def count_messages(emulator: Emulator) -> dict[str, dict[str, Any]]:
    """Count per mid: how often its content went out, was echoed and was read through the Graph."""
    times = Counter(row["digest"] for row in _done(emulator))
    deliveries = emulator.store.all(
        "SELECT body FROM delivery WHERE kind IN ('echo', 'batch') AND status = 'delivered'"
    )
    echoes = Counter(mid for row in deliveries for mid in _echoed(json.loads(row["body"])))
    found = {}
    for row in _done(emulator):
        message = emulator.store.one("SELECT * FROM message WHERE mid = ?", row["mid"])
        if message is not None:
            found[row["mid"]] = {
                "times": times[row["digest"]],
                "echoes": echoes[row["mid"]],
                "reads": message["reads"],
                "seen": message["seen_at"] is not None and message["seen_at"] <= emulator.now_ms(),
            }
    return found


def _echoed(value: Any) -> Iterator[str]:
    """Find the mids of the echoes in a delivery, whatever its wrappers."""
    if isinstance(value, dict):
        if value.get("is_echo") and value.get("mid"):
            yield str(value["mid"])
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _echoed(one)


def list_doubles(emulator: Emulator) -> list[dict[str, Any]]:
    """Show content that went out to the same person more than once."""
    by_digest: dict[str, list[Row]] = {}
    for row in _done(emulator):
        by_digest.setdefault(row["digest"], []).append(row)
    return [
        {
            "recipient": rows[0]["recipient"],
            "request": json.loads(rows[0]["request"]),
            "message_ids": [row["mid"] for row in rows],
        }
        for rows in by_digest.values()
        if len(rows) > 1
    ]
