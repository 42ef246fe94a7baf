"""What somebody wants to send, cut into the messages Meta takes: pure, no rows, no calls."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.utils.translation import gettext

from social_integrations.exceptions import DraftError

from .draft_checks import MAX_IMAGES, MAX_PARTS, checked, too_long
from .draft_types import Draft, OutgoingFile, Part, QuickReply
from .texts import MAX_TEXT_BYTES, byte_length, split_text

__all__ = [
    "MAX_IMAGES",
    "MAX_PARTS",
    "MAX_TEXT_BYTES",
    "Draft",
    "OutgoingFile",
    "Part",
    "QuickReply",
    "byte_length",
    "cut",
    "split_text",
]


def cut(draft: Draft) -> tuple[Part, ...]:
    """Return the messages a draft becomes, in the order they are sent.

    Files first, several pictures together, then the text in parts, with the quick replies on the
    last one; the quoted message hangs on the first. Raises `DraftError` with a code and words for
    what Meta would refuse.
    """
    clean = checked(draft)
    parts = [*_file_parts(clean.files), *_text_parts(clean)]
    if clean.template is not None:
        parts.append(Part(kind="template", template=clean.template))
    if not parts:
        raise DraftError(
            "empty",
            gettext("There is nothing to send yet."),
            gettext("Write something, or choose a file."),
        )
    if len(parts) > MAX_PARTS:
        raise too_long()
    return _with_quote(parts, clean.reply_to_mid)


def _file_parts(files: Sequence[OutgoingFile]) -> Iterator[Part]:
    """Group neighbouring pictures, which Meta takes together; everything else goes alone."""
    group: list[OutgoingFile] = []
    for one in files:
        is_full = len(group) == MAX_IMAGES
        if group and (is_full or one.type != "image"):
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
        raise DraftError(
            "quick_replies",
            gettext("Quick replies need a text to stand under."),
            gettext("Write something above them."),
        )
    for number, piece in enumerate(pieces, start=1):
        replies = draft.quick_replies if number == len(pieces) else ()
        yield Part(kind="text", text=piece, quick_replies=replies)


def _with_quote(parts: Sequence[Part], mid: str) -> tuple[Part, ...]:
    first, *later = parts
    return (replace(first, reply_to_mid=mid), *later)
