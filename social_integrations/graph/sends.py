"""What is sent to Meta's Send API: pure builders of its JSON bodies (section 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .flavours import Flavour

JSONObject = dict[str, Any]

MESSAGES = "me/messages"
ATTACHMENTS = "me/message_attachments"
TAKE_THREAD_CONTROL = "take_thread_control"
LOVE = "love"
SENDER_ACTIONS = ("typing_on", "typing_off", "mark_seen")


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file: at an address Meta fetches it from, or one Meta holds already (`attachment_id`)."""

    type: str
    """Meta's word: image, video, audio or file."""
    url: str = ""
    attachment_id: str = ""
    must_upload: bool = False
    """Whether Meta takes it by id only."""

    def as_json(self) -> JSONObject:
        """Return it as Meta wants it."""
        by_id = {"attachment_id": self.attachment_id}
        return {"type": self.type, "payload": by_id if self.attachment_id else {"url": self.url}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message: files, a template, or a text with its quick replies."""

    text: str = ""
    files: Sequence[Media] = ()
    template: Mapping[str, Any] | None = None
    quick_replies: Sequence[Mapping[str, str]] = ()
    """Of `title` and `payload` each."""
    reply_to_mid: str = ""
    tag: str = ""


def message_body(igsid: str, outgoing: Outgoing, flavour: Flavour) -> JSONObject:
    """Return the body that sends a message to a person."""
    body: JSONObject = {"recipient": {"id": igsid}, "message": _content(outgoing)}
    if outgoing.reply_to_mid:
        body["reply_to"] = {"mid": outgoing.reply_to_mid}  # Meta: at the top, not in the message
    return body | _messaging_type(outgoing.tag, flavour)


def upload_body(media: Media) -> JSONObject:
    """Return the body that lets Meta fetch a file without sending it."""
    payload = {"url": media.url, "is_reusable": True}
    attachment = {"type": media.type, "payload": payload}
    return {"platform": "instagram", "message": {"attachment": attachment}}


def private_reply_body(comment_id: str, text: str) -> JSONObject:
    """Return the body that answers a comment with a direct message."""
    return {"recipient": {"comment_id": comment_id}, "message": {"text": text}}


def reaction_body(igsid: str, mid: str, emoji: str, flavour: Flavour) -> JSONObject:
    """Return the body that reacts to a message, or takes the reaction back for the empty emoji."""
    payload = {"message_id": mid}
    if emoji:
        payload["reaction"] = emoji if flavour.any_emoji else LOVE
    action = "react" if emoji else "unreact"
    return {"recipient": {"id": igsid}, "sender_action": action, "payload": payload}


def sender_action_body(igsid: str, action: str) -> JSONObject:
    """Return the body for typing and reading; Meta: nothing else may stand in it."""
    if action not in SENDER_ACTIONS:
        raise ValueError(f"no sender action of Meta's: {action}")
    return {"recipient": {"id": igsid}, "sender_action": action}


def take_over_body(igsid: str) -> JSONObject:
    """Return the body that asks for control of a thread."""
    return {"recipient": {"id": igsid}}


def _content(outgoing: Outgoing) -> JSONObject:
    if outgoing.template is not None:
        return {"attachment": {"type": "template", "payload": dict(outgoing.template)}}
    files = [one.as_json() for one in outgoing.files]
    if files:
        # One alone is taken in the singular everywhere; several pictures only in the plural.
        return {"attachment": files[0]} if len(files) == 1 else {"attachments": files}
    content: JSONObject = {"text": outgoing.text}
    if outgoing.quick_replies:
        content["quick_replies"] = [
            {"content_type": "text", "title": reply["title"], "payload": reply["payload"]}
            for reply in outgoing.quick_replies
        ]
    return content


def _messaging_type(tag: str, flavour: Flavour) -> JSONObject:
    if tag:
        return {"messaging_type": "MESSAGE_TAG", "tag": tag}
    return {"messaging_type": "RESPONSE"} if flavour.names_responses else {}
