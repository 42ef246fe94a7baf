"""Conversation Routing: which app controls a thread (section 8 of the reference)."""

from collections.abc import Mapping
from typing import Any

from social_integrations.emulator.caller import Caller, Node, Params
from social_integrations.emulator.conversations import meta_time
from social_integrations.emulator.core import Emulator

from .asked import read_object
from .errors import invalid, refusal
from .rules import check_sender, find_person
from .threads import DAY, default_app, give_thread, owner_of

LONGEST = 7 * 24 * 3600


def note_own_send(emulator: Emulator, account_id: str, customer_id: str) -> None:
    """Let control go on for 24 hours from our latest message."""
    if default_app(emulator):
        give_thread(emulator, account_id, customer_id, emulator.config.app_id)


def apply_inline_control(
    emulator: Emulator, account_id: str, customer_id: str, control: Mapping[str, Any] | None
) -> None:
    """Do the `thread_control` of a send."""
    if control is None:
        return
    kind = control.get("control_type")
    if kind == "pass":
        give_thread(emulator, account_id, customer_id, str(control.get("app_id") or ""))
    elif kind == "release":
        give_thread(emulator, account_id, customer_id, "")


def _customer(caller: Caller, node: Node, params: Params) -> str:
    check_sender(caller, node)
    recipient = read_object(params, "recipient")
    if recipient is None:
        raise invalid("The parameter recipient is required")
    account_id = node.row["account_id"]
    return str(find_person(caller, account_id, str(recipient.get("id") or ""))["id"])


def _give(caller: Caller, node: Node, customer_id: str, app_id: str, ms: int = DAY) -> None:
    give_thread(caller.emulator, node.row["account_id"], customer_id, app_id, ms)


def pass_control(caller: Caller, node: Node, params: Params) -> dict[str, Any]:
    """Serve `pass_thread_control`."""
    customer_id = _customer(caller, node, params)
    target = str(params.get("target_app_id") or "")
    if not target:
        raise invalid("The parameter target_app_id is required")
    _check_ours(caller, node, customer_id)
    _give(caller, node, customer_id, target)
    return {"success": True}


def take_control(caller: Caller, node: Node, params: Params) -> dict[str, Any]:
    """Serve `take_thread_control`: only the default app may, and only where there is one."""
    customer_id = _customer(caller, node, params)
    if default_app(caller.emulator) != caller.emulator.config.app_id:
        raise refusal("100/2018300")  # which code Meta answers here is not documented
    _give(caller, node, customer_id, caller.emulator.config.app_id)
    return {"success": True}


def release_control(caller: Caller, node: Node, params: Params) -> dict[str, Any]:
    """Serve `release_thread_control`."""
    customer_id = _customer(caller, node, params)
    _check_ours(caller, node, customer_id)
    _give(caller, node, customer_id, "")
    return {"success": True}


def request_control(caller: Caller, node: Node, params: Params) -> dict[str, Any]:
    """Serve `request_thread_control`: the other app hears it, and may pass the thread."""
    _customer(caller, node, params)
    return {"success": True}


def extend_control(caller: Caller, node: Node, params: Params) -> dict[str, Any]:
    """Serve `extend_thread_control`, for up to 7 days."""
    customer_id = _customer(caller, node, params)
    seconds = str(params.get("duration") or "")
    if not seconds.isdecimal() or not 1 <= int(seconds) <= LONGEST:
        raise invalid(f"Param duration must lie between 1 and {LONGEST}")
    _check_ours(caller, node, customer_id)
    _give(caller, node, customer_id, caller.emulator.config.app_id, int(seconds) * 1000)
    return {"success": True}


def _check_ours(caller: Caller, node: Node, customer_id: str) -> None:
    owner = owner_of(caller.emulator, node.row["account_id"], customer_id)[0]
    if owner not in {"", caller.emulator.config.app_id}:
        raise refusal("100/2534037")


def show_owner(caller: Caller, node: Node, params: Params) -> dict[str, Any]:
    """Serve `thread_owner`; nobody owns it where there is no default app."""
    given = params.get("recipient")
    plain = {"recipient": {"id": given}} if str(given or "").isdecimal() else params
    customer_id = _customer(caller, node, plain)
    owner, until = owner_of(caller.emulator, node.row["account_id"], customer_id)
    if not owner:
        return {"data": []}
    shown = {"app_id": owner, **({"expiration": meta_time(until)} if until else {})}
    return {"data": [{"thread_owner": shown}]}
