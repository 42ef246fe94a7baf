"""The Conversations API (section 5): threads and messages, newest first, the 20 newest in full."""

import json
from datetime import UTC, datetime
from typing import Any

from .caller import Caller, Node, Params
from .errors import MetaError
from .fields import (
    FieldTree,
    Reader,
    Wanted,
    constant,
    parse_fields,
    pick,
    unfilled,
    wanted_fields,
    write_fields,
)
from .ids import conversation_id, read_conversation_id, scoped_id
from .message_parts import attachment_parts, share_parts, story_part, trim
from .paging import paged
from .store import Row

IN_FULL = 20
MESSAGE_DEFAULT = "id,created_time"
MESSAGES = (
    "SELECT message.*, message.mid AS id, customer.username, page.username AS shop,"
    " page.id AS page_id FROM message"
    " JOIN customer ON customer.id = message.customer_id"
    " JOIN page ON page.account_id = message.account_id"
)
NEWEST = " AND unsent_at IS NULL ORDER BY sent_at DESC, message.position DESC"


def meta_time(ms: int) -> str:
    """Write a time as `2026-11-22T09:00:00+0000`."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def find_thread_node(caller: Caller, node_id: str) -> Node | None:
    """Find a message by mid or a conversation by id, as far as the token reaches."""
    message = caller.emulator.store.one(f"{MESSAGES} WHERE mid = ?", node_id)
    if message is not None:
        return (
            Node(kind="message", row=message) if caller.token.reaches(message["page_id"]) else None
        )
    pair = read_conversation_id(node_id)
    rows = _messages(caller, *pair) if pair else []
    if not rows or not caller.token.reaches(rows[0]["page_id"]):
        return None
    return Node(kind="conversation", row=_conversation(rows[0]))


def _messages(caller: Caller, account_id: str, customer_id: str) -> list[Row]:
    where = " WHERE message.account_id = ? AND customer_id = ?"
    return caller.emulator.store.all(MESSAGES + where + NEWEST, account_id, customer_id)


def _conversation(newest: Row) -> Row:
    """Describe a thread by its newest message."""
    pair = newest["account_id"], newest["customer_id"]
    return {**newest, "id": conversation_id(*pair)}


def list_conversations(caller: Caller, node: Node, params: Params) -> dict[str, Any]:
    """Serve `/conversations`, one person's with `user_id`."""
    if caller.token.kind == "user":
        raise MetaError("page_token")
    caller.token.require_messaging()
    if node.kind == "page" and not node.row["linked"]:
        raise MetaError("unlinked")
    account_id = str(node.row["account_id"])
    caller.count_conversation_call(account_id)
    if node.kind == "page" and str(params.get("platform", "")).lower() != "instagram":
        return {"data": []}  # Meta: without a platform it is Messenger's, where nobody wrote.
    rows = caller.emulator.store.all(f"{MESSAGES} WHERE message.account_id = ?{NEWEST}", account_id)
    newest: dict[str, Row] = {}
    for row in rows:
        newest.setdefault(row["customer_id"], row)
    wanted_id = str(params.get("user_id") or "")
    found = [
        _conversation(row)
        for customer_id, row in newest.items()
        if not wanted_id or scoped_id(account_id, customer_id) == wanted_id
    ]
    wanted = wanted_fields(params)
    return paged(
        found,
        params,
        lambda row: pick(conversation_fields(caller, row), wanted, "id,updated_time"),
    )


def conversation_fields(caller: Caller, row: Row) -> dict[str, Reader]:
    """List what can be asked about a conversation."""

    def messages(wanted: Wanted) -> dict[str, Any]:
        nested = {"access_token": caller.token.value}
        if wanted.nested:
            nested["fields"] = write_fields(wanted.nested)
        version = caller.emulator.config.api_version
        url = f"{caller.base_url}/{version}/{row['id']}/messages"
        return _page_of(caller, row, {**wanted.arguments, **nested, "_url": url}, wanted.nested)

    def participants(wanted: Wanted) -> dict[str, Any]:
        return dict(trim({"data": [_business(row), _person(row)]}, wanted.nested))

    return {
        # What Meta fills in for Instagram is not documented.
        **unfilled("can_reply", "is_owner", "is_subscribed", "link", "message_count"),
        **unfilled("senders", "snippet", "unread_count"),
        "id": constant(row["id"]),
        "updated_time": constant(meta_time(row["sent_at"])),
        "name": constant(row["username"]),
        "participants": participants,
        "messages": messages,
    }


def list_messages(caller: Caller, node: Node, params: Params) -> dict[str, Any]:
    """Serve `/{conversation-id}/messages`."""
    caller.token.require_messaging()
    caller.count_conversation_call(node.row["account_id"])
    return _page_of(caller, node.row, params, wanted_fields(params))


def _page_of(caller: Caller, row: Row, params: Params, wanted: FieldTree) -> dict[str, Any]:
    rows = _messages(caller, row["account_id"], row["customer_id"])
    full = {message["mid"] for message in rows[:IN_FULL]}

    def show(message: Row) -> dict[str, Any]:
        # Meta: all ids are listed, but only the newest 20 can be read.
        known = wanted if message["mid"] in full else parse_fields(MESSAGE_DEFAULT)
        return pick(_readers(caller, message), known, MESSAGE_DEFAULT)

    return paged(rows, params, show)


def message_fields(caller: Caller, row: Row) -> dict[str, Reader]:
    """List what can be asked about a message; one unsent or older than 20 others is gone."""
    newest = _messages(caller, row["account_id"], row["customer_id"])[:IN_FULL]
    if row["mid"] not in {message["mid"] for message in newest}:
        raise MetaError("message_gone")
    caller.emulator.store.run("UPDATE message SET reads = reads + 1 WHERE mid = ?", row["mid"])
    return _readers(caller, row)


def _business(row: Row) -> dict[str, str]:
    return {"username": row["shop"], "id": row["account_id"]}


def _person(row: Row) -> dict[str, str]:
    igsid = scoped_id(row["account_id"], row["customer_id"])
    return {"username": row["username"], "id": igsid}


def _readers(caller: Caller, row: Row) -> dict[str, Reader]:
    emulator, base_url = caller.emulator, caller.base_url
    author, reader = _business(row), _person(row)
    if row["author"] == "customer":
        author, reader = reader, author
    extra = json.loads(row["extra"])
    reply_to = extra.get("reply_to", {})
    parts: dict[str, Any] = {
        "id": row["mid"],
        "created_time": meta_time(row["sent_at"]),
        "from": author,
        "to": {"data": [reader]},
        "message": row["text"] or None,
        "attachments": attachment_parts(emulator, row, base_url),
        "story": story_part(emulator, row, base_url),
        "reactions": _reactions(caller, row),
        "reply_to": reply_to if "mid" in reply_to else None,
        "is_unsupported": extra.get("is_unsupported") or (row["kind"] in UNSUPPORTED) or None,
        "tags": {"data": [{"name": "inbox"}]},
    }
    shares = share_parts(emulator, row, base_url)
    return {
        **{name: _trimmed(value) for name, value in parts.items()},
        # Meta: what is shared is told only when its parts are asked for.
        "shares": lambda wanted: shares and trim(shares, wanted.nested or parse_fields("id")),
    }


UNSUPPORTED = frozenset({"unsupported_type", "ephemeral"})


def _trimmed(value: Any) -> Reader:
    return lambda wanted: trim(value, wanted.nested)


def _reactions(caller: Caller, row: Row) -> dict[str, Any] | None:
    found = caller.emulator.store.all("SELECT * FROM reaction WHERE mid = ?", row["mid"])
    shown = [
        {
            "reaction": one["reaction"],
            "users": [_business(row) if one["customer_id"] == row["account_id"] else _person(row)],
        }
        for one in found
    ]
    return {"data": shown} if shown else None
