"""The whole world as JSON, for the page and for tests; secrets stay out of it."""

import json
from datetime import UTC, datetime
from typing import Any

from .callback import current_callback
from .core import Emulator
from .faults import list_faults
from .media import avatar_url
from .outgoing import count_held
from .people import list_threads
from .seed import OWNER
from .sending.comments import list_comments
from .sending.log import list_sent
from .sending.profile import read_profile
from .sending.threads import clock_ms, opened_at, owner_of, thread_row
from .store import Row
from .switches import describe_switches

RECENT = 50


def describe_world(emulator: Emulator, base_url: str) -> dict[str, Any]:
    """Answer `GET /_control/state`."""
    store, config = emulator.store, emulator.config
    callback = current_callback(store, config)
    pages = [
        {**describe_page(row, base_url), "profile": read_profile(emulator, row["account_id"])}
        for row in _pages(emulator)
    ]
    customers = store.all("SELECT * FROM customer ORDER BY position")
    return {
        "app": {
            "id": config.app_id,
            "name": config.app_name,
            "api_version": config.api_version,
            "redirect_uri": config.redirect_uri,
            "webhook_url": callback.url,
            "fields": list(callback.fields),
            "login_id": config.login_app_id,
        },
        "owner": OWNER,
        "handshake": _handshake(emulator),
        "connected": any(page["subscribed"] or page["login_subscribed"] for page in pages),
        "pages": pages,
        "customers": [describe_customer(emulator, row, base_url) for row in customers],
        "threads": [_with_state(emulator, one) for one in list_threads(store, emulator.now_ms())],
        "comments": list_comments(emulator),
        "sent": list_sent(emulator, limit=RECENT),
        "clock_ahead": emulator.store.setting("clock_ahead") or 0,
        "deliveries": list_deliveries(emulator, limit=RECENT, with_payload=False),
        "held": count_held(emulator),
        "switches": describe_switches(store),
        "faults": list_faults(store),
    }


def _with_state(emulator: Emulator, thread: dict[str, Any]) -> dict[str, Any]:
    """Add what a thread is besides its messages."""
    pair = thread["account"], thread["customer"]
    opened = opened_at(emulator, *pair)
    return {
        **thread,
        "typing": thread_row(emulator, *pair)["typing_until"] > emulator.now_ms(),
        # By the movable clock: the Send API counts its windows from here.
        "seconds_since_customer": (
            None if opened is None else (clock_ms(emulator) - opened) // 1000
        ),
        "owner": owner_of(emulator, *pair)[0],
    }


def _pages(emulator: Emulator) -> list[Row]:
    return emulator.store.all("SELECT * FROM page ORDER BY position")


def _handshake(emulator: Emulator) -> dict[str, Any]:
    known = emulator.store.setting("handshake")
    if known is None:
        return {"status": "unknown", "detail": "Not tried yet.", "at": None}
    return {**known, "at": _moment(known["at"])}


def describe_page(row: Row, base_url: str) -> dict[str, Any]:
    """Show a Page, its Instagram account, and whether our app is installed on it."""
    fields = row["subscribed_fields"]
    account = row["account_id"] and {
        "id": row["account_id"],
        "username": row["username"],
        "name": row["account_name"],
        "profile_picture_url": avatar_url(base_url, row["username"]),
    }
    return {
        "id": row["id"],
        "name": row["name"],
        "business": bool(row["in_business"]),
        "instagram": account,
        "subscribed": fields is not None,
        "subscribed_fields": [] if fields is None else json.loads(fields),
        "linked": bool(row["linked"]),
        "message_access": bool(row["message_access"]),
        "login_subscribed": row["login_fields"] is not None,
        "login_fields": json.loads(row["login_fields"] or "[]"),
    }


def describe_customer(emulator: Emulator, row: Row, base_url: str) -> dict[str, Any]:
    """Show a customer, and their IGSID for every account they met."""
    met = emulator.store.all("SELECT * FROM scoped WHERE customer_id = ?", row["id"])
    return {
        "id": row["id"],
        "username": row["username"],
        "name": row["name"],
        "profile_picture_url": avatar_url(base_url, row["username"]),
        "igsids": {scoped["account_id"]: scoped["igsid"] for scoped in met},
    }


def list_deliveries(emulator: Emulator, *, limit: int, with_payload: bool) -> list[dict[str, Any]]:
    """Show the newest deliveries first."""
    rows = emulator.store.all("SELECT * FROM delivery ORDER BY id DESC LIMIT ?", limit)
    return [describe_delivery(row, with_payload=with_payload) for row in rows]


def describe_delivery(row: Row, *, with_payload: bool) -> dict[str, Any]:
    """Show one delivery and how it went."""
    shown = {
        "id": row["id"],
        "queue": row["queue"],
        "kind": row["kind"],
        "signed": bool(row["signed"]),
        "signer": row["signer"],
        "status": row["status"],
        "detail": row["detail"],
        "attempts": row["attempts"],
        "last_status": row["last_status"],
        "created_at": _moment(row["created_at"]),
        "finished_at": _moment(row["finished_at"]),
        "next_attempt_at": _moment(row["next_at"]) if row["status"] == "pending" else None,
    }
    return {**shown, "body": row["body"].decode()} if with_payload else shown


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
