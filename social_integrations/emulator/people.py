"""Finding accounts, customers and messages by what a person would call them."""

import json
from typing import Any

from .ids import scoped_id
from .store import Row, Store


class ControlError(Exception):
    """A control call that cannot be done; the text says why, in a sentence."""

    status, code = 400, "bad_request"


class NotFoundError(ControlError):
    """Something named in a control call does not exist."""

    status, code = 404, "not_found"


def find_account(store: Store, name: object = None) -> Row:
    """Find a Page's Instagram account by id, Page id or username; the first one by default."""
    if name is None or name == "":
        row = store.one("SELECT * FROM page WHERE account_id IS NOT NULL ORDER BY position")
    else:
        wanted = str(name).lstrip("@")
        row = store.one(
            "SELECT * FROM page WHERE account_id IS NOT NULL AND ? IN (account_id, id, username)",
            wanted,
        )
    if row is None:
        raise NotFoundError(f"There is no Instagram account {name or 'yet'}.")
    return row


def find_customer(store: Store, name: object = None) -> Row:
    """Find a customer by id, IGSID or username; the first one by default."""
    if name is None or name == "":
        row = store.one("SELECT * FROM customer ORDER BY position")
    else:
        wanted = str(name).lstrip("@")
        row = store.one(
            "SELECT * FROM customer WHERE ? IN (id, username)"
            " OR id = (SELECT customer_id FROM scoped WHERE igsid = ?)",
            wanted,
            wanted,
        )
    if row is None:
        raise NotFoundError(f"There is no customer {name or 'yet'}.")
    return row


def find_message(store: Store, mid: object) -> Row:
    """Find a message by its mid."""
    row = store.one("SELECT * FROM message WHERE mid = ?", str(mid or ""))
    if row is None:
        raise NotFoundError("There is no message with that mid.")
    return row


def igsid_for(store: Store, account_id: str, customer_id: str) -> str:
    """Name a customer for one account, and remember the name."""
    igsid = scoped_id(account_id, customer_id)
    store.run("INSERT OR IGNORE INTO scoped VALUES (?, ?, ?)", igsid, account_id, customer_id)
    return igsid


def list_threads(store: Store, now_ms: int) -> list[dict[str, Any]]:
    """Show every conversation with its messages, oldest first."""
    reactions: dict[str, list[Row]] = {}
    for row in store.all("SELECT * FROM reaction"):
        reactions.setdefault(row["mid"], []).append(row)
    threads: dict[tuple[str, str], dict[str, Any]] = {}
    for row in store.all("SELECT * FROM message ORDER BY position"):
        key = (row["account_id"], row["customer_id"])
        empty = {"account": key[0], "customer": key[1], "igsid": scoped_id(*key), "messages": []}
        thread = threads.setdefault(key, empty)
        thread["messages"].append(_shown(row, reactions.get(row["mid"], []), now_ms))
    return list(threads.values())


def _reaction(row: Row, account_id: str) -> dict[str, str]:
    # Of the business's own reaction, the account stands where the customer else does.
    by = "business" if row["customer_id"] == account_id else "customer"
    return {"reaction": row["reaction"], "emoji": row["emoji"], "by": by}


def _shown(row: Row, reactions: list[Row], now_ms: int) -> dict[str, Any]:
    gone = row["unsent_at"] is not None
    return {
        "mid": row["mid"],
        "from": row["author"],
        "kind": row["kind"],
        "text": None if gone else row["text"],
        "attachments": [] if gone else json.loads(row["attachments"]),
        "reply_to": row["reply_to"],
        "extra": {} if gone else json.loads(row["extra"]),
        "edits": row["num_edit"],
        "sent_at": row["sent_at"],
        "unsent": gone,
        # A customer who reads after a while has a time of reading that lies ahead.
        "seen": row["seen_at"] is not None and row["seen_at"] <= now_ms,
        "reactions": [_reaction(one, row["account_id"]) for one in reactions],
    }
