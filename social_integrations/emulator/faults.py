"""Scripted failures of the Graph, so that a client's bad days can be rehearsed."""

import json
import re
from typing import Any

from .errors import OAUTH, error_payload
from .store import Store


def add_fault(store: Store, *, pattern: str, status: int, body: dict[str, Any], times: int) -> int:
    """Make the next calls whose path matches fail with this body."""
    re.compile(pattern)
    return store.run(
        "INSERT INTO fault (pattern, status, body, remaining) VALUES (?, ?, ?, ?)",
        pattern,
        status,
        json.dumps(body),
        times,
    )


def take_fault(store: Store, path: str) -> tuple[int, dict[str, Any]] | None:
    """Use up one failure meant for this path: its status and body."""
    with store.transaction():
        for row in store.all("SELECT * FROM fault WHERE remaining > 0 ORDER BY id"):
            if re.search(row["pattern"], path):
                store.run("UPDATE fault SET remaining = remaining - 1 WHERE id = ?", row["id"])
                return row["status"], json.loads(row["body"])
    return None


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
        }
        for row in rows
    ]


def clear_faults(store: Store) -> None:
    """Call off all scripted failures."""
    store.run("DELETE FROM fault")
