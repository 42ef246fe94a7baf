"""The Send API: `/messages` and `/message_attachments` (section 4 of the reference)."""

from typing import Any

from social_integrations.emulator.caller import Caller, Node, Params
from social_integrations.emulator.messaging import guess_kind, keep
from social_integrations.emulator.scenes import Scene, set_scene
from social_integrations.emulator.store import Row
from social_integrations.emulator.webhooks import Item

from .actions import act, find_in_thread
from .asked import Asked, read_asked, read_object
from .comments import find_comment, take_comment
from .contents import read_message
from .echoes import echo, see_later
from .errors import invalid
from .fetching import RULES, host_file, host_from, keep_attachment
from .routing import apply_inline_control, note_own_send
from .rules import (
    check_comments_permission,
    check_control,
    check_sender,
    check_window,
    count_reply,
    count_send,
    find_person,
)
from .threads import set_thread


def send_message(caller: Caller, node: Node, params: Params) -> dict[str, Any]:
    """Serve `POST /me/messages`: a message, a sender action, or a private reply to a comment."""
    check_sender(caller, node)
    asked = read_asked(params)
    if asked.comment_id:
        return _reply_in_private(caller, node.row, asked)
    account_id = node.row["account_id"]
    person = find_person(caller, account_id, asked.recipient_id)
    scene = _scene(caller, account_id, person["id"])
    if asked.message is None:
        count_send(caller, account_id, "")
        act(caller, scene, asked)
        return {"recipient_id": scene.igsid}
    check_control(caller, account_id, person["id"])
    check_window(caller, account_id, person["id"], asked)
    content = {**_content(caller, node.row, asked), **_quote(scene, asked)}
    mid = _put(caller, scene, content)
    note_own_send(caller.emulator, account_id, person["id"])
    apply_inline_control(caller.emulator, account_id, person["id"], asked.thread_control)
    return {"recipient_id": scene.igsid, "message_id": mid}


def _reply_in_private(caller: Caller, page: Row, asked: Asked) -> dict[str, Any]:
    check_comments_permission(caller)
    account_id = page["account_id"]
    comment = find_comment(caller, account_id, asked.comment_id)
    count_reply(caller, account_id, is_live=bool(comment["is_live"]))
    scene = _scene(caller, account_id, comment["customer_id"])
    content = _content(caller, page, asked)
    mid = _put(caller, scene, content, comment_id=comment["id"])
    return {"recipient_id": scene.igsid, "message_id": mid}


def _scene(caller: Caller, account_id: str, customer_id: str) -> Scene:
    parties = {"account": account_id, "customer": customer_id}
    return set_scene(caller.emulator, parties, caller.base_url)


def _content(caller: Caller, page: Row, asked: Asked) -> Item:
    content = read_message(caller, page, asked.message or {}, asked.file)
    count_send(caller, page["account_id"], guess_kind(content))
    return content


def _quote(scene: Scene, asked: Asked) -> Item:
    if not asked.reply_to:
        return {}
    quoted = find_in_thread(scene, asked.reply_to)
    if quoted is None:
        raise invalid("Param reply_to[mid] must be a message of this thread")
    own = quoted["author"] == "business"
    return {"reply_to": {"mid": quoted["mid"], "is_self_reply": own}}


def _put(caller: Caller, scene: Scene, content: Item, comment_id: str = "") -> str:
    """Put a message into its thread, and let happen what follows; return its mid."""
    emulator = caller.emulator
    content = {**content, "is_echo": True, **_app(caller)}
    with emulator.store.transaction():
        mid = keep(scene, content, kind=guess_kind(content), author="business")
        if comment_id:
            take_comment(emulator, comment_id, mid)
    set_thread(emulator, scene.account_id, scene.customer["id"], typing_until=0)
    echo(scene, mid, content)
    see_later(scene, mid)
    return mid


def _app(caller: Caller) -> Item:
    """Name the sending app; whether Meta does on Instagram is not documented."""
    config = caller.emulator.config
    if not caller.emulator.switch("echo_app_id"):
        return {}
    is_login = caller.token.kind == "instagram"
    return {"app_id": config.login_app_id if is_login else config.app_id}


def upload_attachment(caller: Caller, node: Node, params: Params) -> dict[str, Any]:
    """Serve `POST /{page-id}/message_attachments`: fetch once, send by id for 90 days."""
    check_sender(caller, node)
    caller.token.require("pages_messaging")
    if str(params.get("platform", "")).lower() != "instagram":
        raise invalid("Param platform must be instagram")
    message = read_object(params, "message") or {}
    attachment = message.get("attachment")
    if not isinstance(attachment, dict) or attachment.get("type") not in RULES:
        raise invalid(f"Param message[attachment][type] must be one of {', '.join(RULES)}")
    kind, payload = str(attachment["type"]), attachment.get("payload")
    url = payload.get("url") if isinstance(payload, dict) else None
    file = params.get("_file")
    if file is not None:
        path = host_file(caller, kind, file)
    else:
        path = host_from(caller, kind, url, is_upload=True)
    return {"attachment_id": keep_attachment(caller, node.row["id"], kind, path)}
