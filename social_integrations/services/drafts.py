"""What somebody wants to send, cut into the messages Meta takes: pure, no rows, no calls."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from social_integrations.exceptions import DraftError

MAX_TEXT_BYTES = 1000  # Meta: UTF-8 bytes, not characters
MAX_PARTS = 20
MAX_IMAGES = 10
MEDIA_TYPES = ("image", "video", "audio", "file")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingFile:
    """A file to send: one of ours (`upload_id`), or at a public https address (`url`)."""

    type: str
    """Meta's word: image, video, audio or file."""
    upload_id: int | None = None
    url: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickReply:
    """An answer the customer can tap; the payload comes back with it."""

    title: str
    payload: str


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


def cut(draft: Draft) -> tuple[Part, ...]:
    """Return the messages a draft becomes, in the order they are sent.

    Files first, several pictures together, then the text in parts, with the quick replies on the
    last one; the quoted message hangs on the first. Raises `DraftError` with a code and words for
    what Meta would refuse.
    """
    parts = [*_file_parts(draft.files), *_text_parts(draft)]
    if draft.template is not None:
        parts.append(Part(kind="template", template=draft.template))
    if not parts:
        raise DraftError("empty", "Write something, or choose a file to send.")
    if len(parts) > MAX_PARTS:
        raise DraftError("too_long", f"This would become {len(parts)} messages; send it in pieces.")
    return _with_quote(parts, draft.reply_to_mid)


def split_text(text: str, limit: int = MAX_TEXT_BYTES) -> list[str]:
    """Return the text in pieces of at most `limit` bytes of UTF-8, cut between words if possible.

    Joined, the pieces are the text again, but for the white space at the cuts.
    """
    pieces, rest = [], text.strip()
    while len(rest.encode()) > limit:
        # A character is never cut: incomplete bytes at the end are left for the next piece.
        head = rest.encode()[:limit].decode(errors="ignore")
        cut_at = _last_space(head, rest)
        pieces.append(head[:cut_at].rstrip())
        rest = rest[cut_at:].lstrip()
    return [*pieces, rest] if rest else pieces


def _last_space(head: str, rest: str) -> int:
    """Return where to cut: at the last white space of `head`, or at its end where it has none."""
    if len(head) == len(rest) or rest[len(head)].isspace():
        return len(head)
    spaces = [index for index, char in enumerate(head) if char.isspace()]
    return spaces[-1] if spaces and spaces[-1] > 0 else len(head)


def _file_parts(files: Sequence[OutgoingFile]) -> Iterator[Part]:
    """Group neighbouring pictures, which Meta takes together; everything else goes alone."""
    group: list[OutgoingFile] = []
    for one in files:
        if one.type not in MEDIA_TYPES:
            raise DraftError("file_type", "Instagram takes pictures, video, sound and PDF files.")
        if one.type == "image" and len(group) < MAX_IMAGES:
            group.append(one)
            continue
        if group:
            yield Part(kind="image", files=tuple(group))
            group = []
        if one.type == "image":
            group.append(one)
        else:
            yield Part(kind=one.type, files=(one,))
    if group:
        yield Part(kind="image", files=tuple(group))


def _text_parts(draft: Draft) -> Iterator[Part]:
    pieces = split_text(draft.text)
    if draft.quick_replies and not pieces:
        raise DraftError("quick_replies", "Quick replies need a text to stand under.")
    for number, piece in enumerate(pieces, start=1):
        replies = draft.quick_replies if number == len(pieces) else ()
        yield Part(kind="text", text=piece, quick_replies=replies)


def _with_quote(parts: Sequence[Part], mid: str) -> tuple[Part, ...]:
    first, *later = parts
    return (replace(first, reply_to_mid=mid), *later)
