"""What somebody wants to send, cut into the messages Meta takes: pure, no rows, no calls."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from social_integrations.exceptions import DraftError

from .draft_types import Draft, OutgoingFile, Part, QuickReply
from .texts import MAX_TEXT_BYTES, split_text

__all__ = [
    "MAX_TEXT_BYTES",
    "Draft",
    "OutgoingFile",
    "Part",
    "QuickReply",
    "cut",
    "split_text",
]

MAX_PARTS = 20
MAX_IMAGES = 10
MEDIA_TYPES = ("image", "video", "audio", "file")


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
