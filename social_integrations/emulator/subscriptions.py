"""The two layers of webhook subscription: the app's fields, and the Pages it is installed on."""

import json
from dataclasses import replace
from typing import Any

from .callback import APP_FIELDS, Callback, current_callback, save_callback, shake_hands
from .caller import Caller, Node, Params
from .errors import MetaError
from .fields import listing

# Page names only: the Instagram spellings (`messaging_seen`, `message_edit`) are refused here.
PAGE_FIELDS = (
    "feed", "mention", "name", "picture", "category", "description", "conversations", "ratings",
    "leadgen", "live_videos", "videos", "messages", "message_deliveries", "message_echoes",
    "message_edits", "message_reactions", "message_reads", "messaging_account_linking",
    "messaging_customer_information", "messaging_feedback", "messaging_handovers",
    "messaging_optins", "messaging_policy_enforcement", "messaging_postbacks",
    "messaging_referrals", "send_cart", "standby", "user_action",
)  # fmt: skip


def list_page_apps(caller: Caller, node: Node, _params: Params) -> dict[str, Any]:
    """Show whether our app is installed on a Page."""
    _check_page_token(caller)
    fields = node.row["subscribed_fields"]
    if fields is None:
        return {"data": []}
    config = caller.emulator.config
    installed = {"id": config.app_id, "name": config.app_name, "category": "Business"}
    return {"data": [{**installed, "subscribed_fields": json.loads(fields)}]}


def install_on_page(caller: Caller, node: Node, params: Params) -> dict[str, Any]:
    """Install our app on a Page; the given fields replace the earlier ones."""
    _check_page_token(caller)
    fields = listing(params.get("subscribed_fields"))
    if not fields:
        raise MetaError("parameter", name="subscribed_fields")
    _check_names("subscribed_fields", fields, PAGE_FIELDS)
    if "messages" in fields and not caller.token.allows("pages_messaging"):
        raise MetaError("messages_field")
    _set_page_fields(caller, node, json.dumps(fields))
    return {"success": True}


def remove_from_page(caller: Caller, node: Node, _params: Params) -> dict[str, Any]:
    """Take our app off a Page: its events stop."""
    _check_page_token(caller)
    _set_page_fields(caller, node, None)
    return {"success": True}


def _check_page_token(caller: Caller) -> None:
    if caller.token.kind != "page":
        raise MetaError("page_token")
    caller.token.require("pages_manage_metadata")


def _set_page_fields(caller: Caller, node: Node, fields: str | None) -> None:
    caller.emulator.store.run(
        "UPDATE page SET subscribed_fields = ? WHERE id = ?", fields, node.row["id"]
    )


def list_account_apps(_caller: Caller, node: Node, _params: Params) -> dict[str, Any]:
    """Show which fields an account sends us through Instagram Login."""
    fields = node.row["login_fields"]
    return {"data": [] if fields is None else [{"subscribed_fields": json.loads(fields)}]}


def install_on_account(caller: Caller, node: Node, params: Params) -> dict[str, Any]:
    """Subscribe to an account through Instagram Login; the fields replace the earlier ones."""
    caller.token.require_messaging()
    fields = listing(params.get("subscribed_fields"))
    if not fields:
        raise MetaError("parameter", name="subscribed_fields")
    _check_names("subscribed_fields", fields, APP_FIELDS)
    return _set_account_fields(caller, node, json.dumps(fields))


def remove_from_account(caller: Caller, node: Node, _params: Params) -> dict[str, Any]:
    """Stop the events of an account connected through Instagram Login."""
    return _set_account_fields(caller, node, None)


def _set_account_fields(caller: Caller, node: Node, fields: str | None) -> dict[str, Any]:
    caller.emulator.store.run(
        "UPDATE page SET login_fields = ? WHERE id = ?", fields, node.row["id"]
    )
    return {"success": True}


def _check_names(name: str, values: list[str], allowed: tuple[str, ...]) -> None:
    for index, value in enumerate(values):
        if value not in allowed:
            words = ", ".join(word.upper() for word in allowed)
            raise MetaError("parameter_value", name=f"{name}[{index}]", allowed=words, value=value)


def list_app_subscriptions(caller: Caller, _node: Node, _params: Params) -> dict[str, Any]:
    """Show the app's webhook address and fields."""
    _check_app_token(caller)
    config = caller.emulator.config
    callback = current_callback(caller.emulator.store, config)
    if not callback.fields:
        return {"data": []}
    fields = [{"name": name, "version": config.api_version} for name in callback.fields]
    row = {"object": "instagram", "callback_url": callback.url, "active": True, "fields": fields}
    return {"data": [row]}


def set_app_subscription(caller: Caller, _node: Node, params: Params) -> dict[str, Any]:
    """Set the app's webhook address and fields, after a handshake with the new address."""
    _check_app_token(caller)
    if params.get("object") != "instagram":
        raise MetaError(
            "parameter_value", name="object", allowed="INSTAGRAM", value=params.get("object", "")
        )
    for name in ("callback_url", "verify_token", "fields"):
        if not params.get(name):
            raise MetaError("parameter", name=name)
    fields = listing(params["fields"])
    _check_names("fields", fields, APP_FIELDS)
    emulator = caller.emulator
    callback = Callback(
        url=str(params["callback_url"]),
        verify_token=str(params["verify_token"]),
        fields=tuple(fields),
    )
    fault = shake_hands(callback, emulator.config.webhook_timeout)
    if fault:
        raise MetaError("callback", detail=fault)
    save_callback(emulator.store, emulator.config, callback)
    return {"success": True}


def remove_app_subscription(caller: Caller, _node: Node, params: Params) -> dict[str, Any]:
    """Drop the app's webhook fields, some of them with `fields`; the address stays."""
    _check_app_token(caller)
    emulator = caller.emulator
    callback = current_callback(emulator.store, emulator.config)
    dropped = listing(params.get("fields")) or list(callback.fields)
    kept = tuple(name for name in callback.fields if name not in dropped)
    save_callback(emulator.store, emulator.config, replace(callback, fields=kept))
    return {"success": True}


def _check_app_token(caller: Caller) -> None:
    if caller.token.kind != "app":
        raise MetaError("app_token")
