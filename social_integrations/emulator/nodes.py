"""The Graph's nodes: the owner, Pages, Instagram accounts and customers, with their fields."""

from collections.abc import Callable
from typing import Any

from .caller import Caller, Node
from .conversations import conversation_fields, find_thread_node, message_fields
from .errors import MetaError
from .fields import FieldTree, Reader, Wanted, constants, pick, unfilled
from .ids import app_scoped_id
from .media import portrait_url
from .message_parts import trim
from .seed import OWNER
from .store import Row
from .tokens import issue_page_token

PAGE_TASKS = ["ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MESSAGING", "MODERATE", "MANAGE"]


def find_node(caller: Caller, node_id: str, method: str) -> Node:
    """Find what an id stands for, as far as the token may see it."""
    if node_id == "me":
        return _me(caller)
    config = caller.emulator.config
    if node_id == config.app_id:
        return Node(kind="app", row={"id": config.app_id, "name": config.app_name})
    if caller.token.kind == "user" and node_id == OWNER["id"]:
        return Node(kind="user", row=dict(OWNER))
    found = _visible(caller, node_id) or find_thread_node(caller, node_id)
    return found or _unsupported(node_id, method)


def _me(caller: Caller) -> Node:
    if caller.token.kind == "app":
        raise MetaError("no_active_token")
    if caller.token.kind == "user":
        return Node(kind="user", row=dict(OWNER))
    if caller.token.kind == "instagram":
        return Node(kind="own_account", row=_own_account(caller))
    return _visible(caller, str(caller.token.page_id)) or _unsupported("me", "get")


def _unsupported(node_id: str, method: str) -> Node:
    raise MetaError("unsupported", node=node_id, method=method.lower())


def _visible(caller: Caller, node_id: str) -> Node | None:
    if caller.token.kind == "instagram":
        own = _own_account(caller)
        if node_id in {own["account_id"], app_scoped_id(own["account_id"])}:
            return Node(kind="own_account", row=own)
        return _customer(caller, node_id)
    page = caller.emulator.store.one(
        "SELECT * FROM page WHERE id = ? OR account_id = ?", node_id, node_id
    )
    if page is None:
        return _customer(caller, node_id)
    kind = "page" if page["id"] == node_id else "account"
    return Node(kind=kind, row=page) if caller.token.reaches(page["id"]) else None


def _own_account(caller: Caller) -> Row:
    page = caller.emulator.store.one("SELECT * FROM page WHERE id = ?", caller.token.page_id)
    if page is None:
        raise MetaError("unsupported", node="me", method="get")
    return page


def _customer(caller: Caller, node_id: str) -> Node | None:
    person = caller.emulator.store.one(
        "SELECT scoped.*, customer.username, customer.name, page.id AS page_id FROM scoped"
        " JOIN customer ON customer.id = scoped.customer_id"
        " JOIN page ON page.account_id = scoped.account_id WHERE igsid = ?",
        node_id,
    )
    if person is None or not caller.token.reaches(person["page_id"]):
        return None
    return Node(kind="customer", row=person)


def describe(caller: Caller, node: Node, wanted: FieldTree) -> dict[str, Any]:
    """Answer a node's fields."""
    if node.kind in {"conversation", "message"}:
        caller.token.require_messaging()
        caller.count_conversation_call(node.row["account_id"])
    readers, default = READERS[node.kind]
    return pick(readers(caller, node.row), wanted, default)


def user_fields(caller: Caller, row: Row) -> dict[str, Reader]:
    """List what can be asked about the owner."""
    first, _, last = row["name"].partition(" ")
    names = {"first_name": first, "last_name": last, "short_name": first}
    return {
        **constants({**row, **names, "name_format": "{first} {last}"}),
        **unfilled("email", "middle_name"),
        "picture": _picture(caller, "shop_owner"),
    }


def _picture(caller: Caller, username: str) -> Reader:
    size = {"height": 50, "width": 50}
    shown = {**size, "is_silhouette": False, "url": portrait_url(caller.base_url, username)}
    return lambda wanted: {"data": trim(shown, wanted.nested)}


def app_fields(_caller: Caller, row: Row) -> dict[str, Reader]:
    """List what can be asked about the app."""
    return {
        **constants({**row, "category": "Business"}),
        **unfilled("description", "link", "namespace"),
    }


def page_fields(caller: Caller, row: Row) -> dict[str, Reader]:
    """List what can be asked about a Page."""

    def instagram(wanted: Wanted) -> dict[str, Any] | None:
        # Without instagram_basic Meta does not complain, the key is simply missing.
        if (
            row["account_id"] is None
            or not row["linked"]
            or not caller.token.allows("instagram_basic")
        ):
            return None
        return pick(account_fields(caller, row), wanted.nested, "id")

    def access_token(_wanted: Wanted) -> str | None:
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
                # Meta: Conversation Routing, as far as apps may ask about it.
                "messaging_feature_status": {
                    "hop_v2": True,
                    "ig_multi_app": True,
                    "msgr_multi_app": True,
                },
            }
        ),
        **unfilled(
            *("about", "bio", "cover", "description", "description_html", "display_subtext"),
            *("emails", "engagement", "fan_count", "followers_count", "global_brand_page_name"),
            *("global_brand_root_id", "location", "phone", "single_line_address", "username"),
            *("verification_status", "website", "whatsapp_number"),
        ),
        "picture": _picture(caller, row["username"] or "page"),
        "access_token": access_token,
        "instagram_business_account": instagram,
        "connected_instagram_account": instagram,
    }


def account_fields(caller: Caller, row: Row) -> dict[str, Reader]:
    """List what can be asked about an Instagram professional account."""
    unknown = unfilled("has_profile_pic", "ig_id", "is_published", "legacy_instagram_user_id")
    return unknown | constants(
        {
            "id": row["account_id"],
            "username": row["username"],
            "name": row["account_name"],
            "profile_picture_url": portrait_url(caller.base_url, row["username"]),
            "biography": "",
            "website": "",
            "followers_count": 120,
            "follows_count": 12,
            "media_count": 9,
        }
    )


def customer_fields(caller: Caller, row: Row) -> dict[str, Reader]:
    """List what can be asked about a customer, once they have written."""
    caller.token.require_messaging()
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
            "profile_pic": portrait_url(caller.base_url, row["username"]),
            "follower_count": 42,
            "is_user_follow_business": True,
            "is_business_follow_user": False,
            "is_verified_user": False,
        }
    )


def own_account_fields(caller: Caller, row: Row) -> dict[str, Reader]:
    """List what an account may ask about itself with Instagram Login; `id` is app-scoped."""
    number = caller.emulator.switch("login_ids") == "number"
    user_id = row["account_id"]
    return {
        **account_fields(caller, row),
        **constants(
            {
                "id": app_scoped_id(user_id),
                "user_id": int(user_id) if number else user_id,
                "account_type": "Business",
            }
        ),
    }


READERS: dict[str, tuple[Callable[[Caller, Row], dict[str, Reader]], str]] = {
    "user": (user_fields, "name,id"),
    "page": (page_fields, "name,id"),
    "account": (account_fields, "id"),
    "own_account": (own_account_fields, "id"),
    "customer": (customer_fields, "name,id"),
    "app": (app_fields, "name,id"),
    "conversation": (conversation_fields, "id,updated_time"),
    "message": (message_fields, "id,created_time"),
}
