"""Scripted failures of the Graph, so that a client's bad days can be rehearsed."""

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from .errors import OAUTH, error_payload
from .http import Response
from .store import Store
from .webhooks import php_json

HTML = b"<!DOCTYPE html><html><head><title>Sorry</title></head><body><h1>Sorry, something went wrong.</h1></body></html>"  # noqa: E501

# The first four answer instead of the Graph; the others spoil the answer of a call that was done.
FORMS = ("json", "html", "empty", "drop", "slow", "late", "half", "cut", "close", "done")
REPLACING = FORMS[:4]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One failure: which calls, how many of them, and what becomes of the answer."""

    pattern: str
    times: int = 1
    form: str = "json"
    status: int = 500
    body: dict[str, Any]
    headers: dict[str, str]
    seconds: float = 0.0
    """How long the caller waits: with `late` after the call was done, else before."""
    only: str = ""
    """Only this kind of call of the Send API: `message`, `action` or `upload`."""
    usage: int = 0
    """Percent of the allowance the usage headers tell; 0 for what the switch says."""


def add_fault(store: Store, fault: Fault) -> int:
    """Make the next calls whose path matches fail."""
    re.compile(fault.pattern)
    return store.run(
        "INSERT INTO fault (pattern, status, body, remaining, form, seconds, headers, only, usage)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        fault.pattern,
        fault.status,
        json.dumps(fault.body),
        fault.times,
        fault.form,
        fault.seconds,
        json.dumps(fault.headers),
        fault.only,
        fault.usage,
    )


def take_fault(store: Store, path: str, what: str = "") -> Fault | None:
    """Use up one failure meant for this path, and for this kind of send."""
    with store.transaction():
        for row in store.all("SELECT * FROM fault WHERE remaining > 0 ORDER BY id"):
            if re.search(row["pattern"], path) and row["only"] in {"", what}:
                store.run("UPDATE fault SET remaining = remaining - 1 WHERE id = ?", row["id"])
                return Fault(
                    pattern=row["pattern"],
                    form=row["form"],
                    status=row["status"],
                    body=json.loads(row["body"]),
                    headers=json.loads(row["headers"]),
                    seconds=row["seconds"],
                    only=row["only"],
                    usage=row["usage"],
                )
    return None


def replacement(fault: Fault) -> Response:
    """Answer instead of the Graph."""
    if fault.form == "drop":
        return Response(body=b"", wire="close")
    if fault.form == "json":
        return Response(body=php_json(fault.body), status=fault.status, headers=fault.headers)
    return Response(
        body=HTML if fault.form == "html" else b"",
        status=fault.status,
        content_type="text/html; charset=utf-8",
        headers=fault.headers,
    )


def spoil(answer: Response, fault: Fault) -> Response:
    """Break the answer of a call that was done: half its JSON, an error, a cut connection."""
    if fault.form == "done" and answer.status == 200:
        headers = {**answer.headers, **fault.headers}
        return replace(answer, body=php_json(fault.body), status=fault.status, headers=headers)
    if fault.form == "half":
        return replace(answer, body=answer.body[: len(answer.body) // 2])
    return replace(answer, wire=fault.form if fault.form in {"cut", "close"} else "whole")


def fault_body(code: int, subcode: int, message: str) -> dict[str, Any]:
    """Write the error a fault answers when the script gave only its numbers."""
    return error_payload(message or f"(#{code}) Scripted by the emulator", OAUTH, code, subcode)


def list_faults(store: Store) -> list[dict[str, Any]]:
    """Show the failures still waiting."""
    rows = store.all("SELECT * FROM fault WHERE remaining > 0 ORDER BY id")
    return [
        {
            "id": row["id"],
            "match": row["pattern"],
            "status": row["status"],
            "times": row["remaining"],
            "form": row["form"],
            "seconds": row["seconds"],
            "only": row["only"],
            "body": json.loads(row["body"]),
        }
        for row in rows
    ]


def clear_faults(store: Store) -> None:
    """Call off all scripted failures."""
    store.run("DELETE FROM fault")
