"""An answer as somebody wrote it, and the messages it becomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingFile:
    """A file to send: one of ours (`upload_id`), or at a public https address (`url`)."""

    type: str
    """Meta's word: image, video, audio or file. Of one of ours its row knows better."""
    upload_id: int | None = None
    url: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickReply:
    """An answer the customer can tap; the payload comes back with it."""

    title: str
    payload: str
    content_type: str = "text"
    """Meta's word; any other than text is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An answer as somebody wrote it; may become several messages."""

    text: str = ""
    files: tuple[OutgoingFile, ...] = ()
    reply_to_mid: str = ""
    quick_replies: tuple[QuickReply, ...] = ()
    template: Mapping[str, Any] | None = None
    """Meta's payload of a generic or button template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One message as Meta takes it."""

    kind: str
    """`text`, `template`, or Meta's word of the files."""
    text: str = ""
    files: tuple[OutgoingFile, ...] = field(default=())
    reply_to_mid: str = ""
    quick_replies: tuple[QuickReply, ...] = ()
    template: Mapping[str, Any] | None = None
