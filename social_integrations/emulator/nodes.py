"""The Graph's nodes: the owner, Pages, Instagram accounts and customers, with their fields."""

from dataclasses import dataclass
from typing import Any

from .core import Emulator
from .errors import MetaError
from .fields import FieldTree, Reader, constants, pick
from .media import avatar_url
from .seed import OWNER
from .store import Row
from .tokens import Token, issue_page_token

PAGE_TASKS = ["ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MESSAGING", "MODERATE", "MANAGE"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One object of the Graph, found for one caller."""

    kind: str
    """`user`, `page`, `account`, `customer` or `app`."""
    row: Row


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who asks, and at which address pictures should be linked."""

    emulator: Emulator
    token: Token
    base_url: str


def find_node(caller: Caller, node_id: str, method: str) -> Node:
    """Find what an id stands for, as far as the token may see it."""
    if node_id == "me":
        return _me(caller)
    config = caller.emulator.config
    if node_id == config.app_id:
        return Node(kind="app", row={"id": config.app_id, "name": config.app_name})
    if caller.token.kind == "user" and node_id == OWNER["id"]:
        return Node(kind="user", row=dict(OWNER))
    return _visible(caller, node_id) or _unsupported(node_id, method)


def _me(caller: Caller) -> Node:
    if caller.token.kind == "app":
        raise MetaError("no_active_token")
    if caller.token.kind == "user":
        return Node(kind="user", row=dict(OWNER))
    return _visible(caller, str(caller.token.page_id)) or _unsupported("me", "get")


def _unsupported(node_id: str, method: str) -> Node:
    raise MetaError("unsupported", node=node_id, method=method.lower())


def _visible(caller: Caller, node_id: str) -> Node | None:
    store, token = caller.emulator.store, caller.token
    page = store.one("SELECT * FROM page WHERE id = ? OR account_id = ?", node_id, node_id)
    if page is not None:
        kind = "page" if page["id"] == node_id else "account"
        return Node(kind=kind, row=page) if token.reaches(page["id"]) else None
    person = store.one(
        "SELECT scoped.*, customer.username, customer.name, page.id AS page_id FROM scoped"
        " JOIN customer ON customer.id = scoped.customer_id"
        " JOIN page ON page.account_id = scoped.account_id WHERE igsid = ?",
        node_id,
    )
    if person is None or not token.reaches(person["page_id"]):
        return None
    return Node(kind="customer", row=person)


def describe(caller: Caller, node: Node, wanted: FieldTree) -> dict[str, Any]:
    """Answer a node's fields."""
    readers, default = {
        "user": (user_fields, "name,id"),
        "page": (page_fields, "name,id"),
        "account": (account_fields, "id"),
        "customer": (customer_fields, "name,id"),
        "app": (app_fields, "name,id"),
    }[node.kind]
    return pick(readers(caller, node.row), wanted, default)


def user_fields(_caller: Caller, row: Row) -> dict[str, Reader]:
    """List what can be asked about the owner."""
    first, _, last = row["name"].partition(" ")
    return constants({**row, "first_name": first, "last_name": last})


def app_fields(_caller: Caller, row: Row) -> dict[str, Reader]:
    """List what can be asked about the app."""
    return constants(row)


def page_fields(caller: Caller, row: Row) -> dict[str, Reader]:
    """List what can be asked about a Page."""

    def instagram(nested: FieldTree) -> dict[str, Any] | None:
        # Without instagram_basic Meta does not complain, the key is simply missing.
        if row["account_id"] is None or not caller.token.allows("instagram_basic"):
            return None
        return pick(account_fields(caller, row), nested, "id")

    def access_token(_nested: FieldTree) -> str | None:
        if caller.token.kind != "user":
            return caller.token.value
        return issue_page_token(caller.emulator.store, caller.token, row["id"])

    return {
        **constants(
            {
                "id": row["id"],
                "name": row["name"],
                "category": "Shopping & retail",
                "category_list": [{"id": "200600219953504", "name": "Shopping & retail"}],
                "tasks": PAGE_TASKS,
                "link": f"https://www.facebook.com/{row['id']}",
            }
        ),
        "access_token": access_token,
        "instagram_business_account": instagram,
        "connected_instagram_account": instagram,
    }


def account_fields(caller: Caller, row: Row) -> dict[str, Reader]:
    """List what can be asked about an Instagram professional account."""
    return constants(
        {
            "id": row["account_id"],
            "username": row["username"],
            "name": row["account_name"],
            "profile_picture_url": avatar_url(caller.base_url, row["username"]),
            "biography": "",
            "website": "",
            "followers_count": 120,
            "follows_count": 12,
            "media_count": 9,
        }
    )


def customer_fields(caller: Caller, row: Row) -> dict[str, Reader]:
    """List what can be asked about a customer, once they have written."""
    caller.token.require("instagram_manage_messages")
    wrote = caller.emulator.store.one(
        "SELECT 1 FROM message WHERE account_id = ? AND customer_id = ? AND author = 'customer'",
        row["account_id"],
        row["customer_id"],
    )
    if wrote is None:
        raise MetaError("consent")
    return constants(
        {
            "id": row["igsid"],
            "name": row["name"],
            "username": row["username"],
            "profile_pic": avatar_url(caller.base_url, row["username"]),
            "follower_count": 42,
            "is_user_follow_business": True,
            "is_business_follow_user": False,
            "is_verified_user": False,
        }
    )
