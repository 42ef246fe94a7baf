"""Comments under the shop's posts, and the one private reply each of them allows (section 4.7)."""

import json
from typing import Any

from social_integrations.emulator.caller import Caller
from social_integrations.emulator.core import Emulator
from social_integrations.emulator.scenes import Scene
from social_integrations.emulator.store import Row

from .errors import refusal
from .threads import DAY, clock_ms

LIFE = 7 * DAY
BROADCAST = 3600 * 1000
"""Milliseconds a live video goes on after a comment; Meta: only during the broadcast."""


def keep_comment(scene: Scene, comment: dict[str, Any], *, is_live: bool) -> None:
    """Remember a comment, so that it can be answered in private."""
    emulator = scene.emulator
    emulator.store.run(
        "INSERT INTO comment VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        *(comment["id"], scene.account_id, scene.customer["id"], comment["text"]),
        *(json.dumps(comment["media"]), is_live, scene.when, emulator.moved_ms(scene.when)),
    )


def find_comment(caller: Caller, account_id: str, comment_id: str) -> Row:
    """Find a comment that may still be answered in private."""
    row = caller.emulator.store.one(
        "SELECT * FROM comment WHERE id = ? AND account_id = ?", comment_id, account_id
    )
    if row is None or row["replied_mid"] or not _is_fresh(caller.emulator, row):
        raise refusal("100/2534025")
    return row


def _is_fresh(emulator: Emulator, row: Row) -> bool:
    age = clock_ms(emulator) - row["clock_ms"]
    return bool(age < (BROADCAST if row["is_live"] else LIFE))


def take_comment(emulator: Emulator, comment_id: str, mid: str) -> None:
    """Use up a comment's private reply; a second one that raced here is refused."""
    with emulator.store.transaction():
        row = emulator.store.one(
            "SELECT * FROM comment WHERE id = ? AND replied_mid IS NULL", comment_id
        )
        if row is None:
            raise refusal("100/2534025")
        emulator.store.run("UPDATE comment SET replied_mid = ? WHERE id = ?", mid, comment_id)


def list_comments(emulator: Emulator) -> list[dict[str, Any]]:
    """Show the comments, oldest first, and whether they were answered in private."""
    rows = emulator.store.all("SELECT * FROM comment ORDER BY sent_at")
    return [
        {
            "id": row["id"],
            "account": row["account_id"],
            "customer": row["customer_id"],
            "text": row["text"],
            "media": json.loads(row["media"]),
            "live": bool(row["is_live"]),
            "sent_at": row["sent_at"],
            "replied_mid": row["replied_mid"],
        }
        for row in rows
    ]
