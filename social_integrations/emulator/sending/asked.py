"""What a call of the Send API asks for; bodies are JSON, or forms whose fields hold JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from social_integrations.emulator.caller import Params
from social_integrations.emulator.forms import read_json

from .errors import invalid

MESSAGING_TYPES = ("RESPONSE", "UPDATE", "MESSAGE_TAG")
HUMAN_AGENT = "HUMAN_AGENT"
# Meta: the other tags answer with code 100 since 27 Apr 2026.
TAGS = (HUMAN_AGENT,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One request, read; what is not given is empty."""

    recipient_id: str = ""
    comment_id: str = ""
    message: Mapping[str, Any] | None = None
    action: str = ""
    payload: Mapping[str, Any] | None = None
    reply_to: str = ""
    tag: str = ""
    thread_control: Mapping[str, Any] | None = None
    file: bytes | None = None
    """What was sent along in a multipart body."""


def read_asked(params: Params) -> Asked:
    """Read the parameters of a send; refuses what Meta calls invalid."""
    recipient_id, comment_id = _recipient(params)
    reply_to = read_object(params, "reply_to")
    if reply_to is not None and not isinstance(reply_to.get("mid"), str):
        raise invalid("Param reply_to must have a mid")
    asked = Asked(
        recipient_id=recipient_id,
        comment_id=comment_id,
        message=read_object(params, "message"),
        action=str(params.get("sender_action") or "").lower(),
        payload=read_object(params, "payload"),
        reply_to=str(reply_to["mid"]) if reply_to else "",
        tag=_tag(params),
        thread_control=read_object(params, "thread_control"),
        file=params.get("_file"),
    )
    _check_one_thing(asked)
    return asked


def read_object(params: Params, name: str) -> dict[str, Any] | None:
    """Read an object that came as JSON, or as JSON in a form's field."""
    value = params.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = read_json(value)
        except ValueError as error:
            raise invalid(f"Param {name} must be a valid JSON object") from error
    if not isinstance(value, dict):
        raise invalid(f"Param {name} must be an object")
    return value


def _recipient(params: Params) -> tuple[str, str]:
    recipient = read_object(params, "recipient")
    if recipient is None:
        raise invalid("The parameter recipient is required")
    person, comment = recipient.get("id"), recipient.get("comment_id")
    if bool(person) == bool(comment):
        raise invalid("Param recipient must have either an id or a comment_id")
    return str(person or ""), str(comment or "")


def _tag(params: Params) -> str:
    # Meta's own SDKs write words such as `TYPING_ON` and `INSTAGRAM`, its pages `typing_on`.
    kind, tag = str(params.get("messaging_type") or "").upper(), str(params.get("tag") or "")
    if kind and kind not in MESSAGING_TYPES:
        raise invalid(f"Param messaging_type must be one of {', '.join(MESSAGING_TYPES)}")
    if kind == "MESSAGE_TAG" and not tag:
        raise invalid("Param tag is required with messaging_type MESSAGE_TAG")
    if tag and tag not in TAGS:
        raise invalid(f"Param tag must be one of {', '.join(TAGS)}")
    return tag


def _check_one_thing(asked: Asked) -> None:
    """Refuse a message and an action in one request, and neither."""
    if asked.message is None and not asked.action:
        raise invalid("The parameter message is required")
    if asked.message is not None and asked.action:
        raise invalid("Param sender_action must stand alone: no message in the same request")
    if asked.action and (asked.reply_to or asked.thread_control or asked.comment_id):
        raise invalid("Param sender_action must stand alone")
