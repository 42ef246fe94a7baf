"""Read what is attached to a message, whatever Meta calls it."""

from collections.abc import Sequence
from typing import Any

from .reading import items, mapping, text
from .types import AttachmentPart

TYPE_LENGTH = 32
TITLE_LENGTH = 1000
MEDIA_ID_LENGTH = 255
# Ten is the most Instagram sends; whatever is beyond this stays in the ledger.
MAX_ATTACHMENTS = 100
UNNAMED = "unsupported"
# Attachment types Meta names; others become kinds as well when they appear.
ATTACHMENT_TYPES = (
    "image",
    "video",
    "audio",
    "file",
    "share",
    "ig_post",
    "ig_reel",
    "reel",
    "story_mention",
    "ig_story",
    "story",
    "template",
    "ephemeral",
    "unsupported_type",
    "media",
    "like_heart",
)
# Where each attachment type keeps its link and id; `ig_story` has keys of its own.
URL_KEYS = ("url", "story_media_url")
MEDIA_ID_KEYS = ("ig_post_media_id", "reel_video_id", "story_media_id", "sticker_id", "id")


def read_attachments(message: dict[str, Any]) -> tuple[AttachmentPart, ...]:
    """Return the attachments of a message in Meta's order, a post shared once shown once."""
    found = message.get("attachments")
    # One page of Meta shows a single object instead of a list.
    listed = [found] if isinstance(found, dict) else items(found)
    return _without_twins([_attachment(mapping(part)) for part in listed[:MAX_ATTACHMENTS]])


def _attachment(part: dict[str, Any]) -> AttachmentPart:
    payload = mapping(part.get("payload"))
    title = text(payload.get("title")) or text(part.get("title")) or _template_title(payload)
    return AttachmentPart(
        type=text(part.get("type"))[:TYPE_LENGTH] or UNNAMED,
        url=_first(payload, URL_KEYS),
        title=title[:TITLE_LENGTH],
        media_id=_first(payload, MEDIA_ID_KEYS)[:MEDIA_ID_LENGTH],
    )


def _template_title(payload: dict[str, Any]) -> str:
    """Return the titles of a template's cards, which is all of it that can be read as text."""
    generic = mapping(payload.get("generic"))
    titles = [text(mapping(card).get("title")) for card in items(generic.get("elements"))]
    return " · ".join(filter(None, titles)) or text(payload.get("text"))


def _without_twins(parts: Sequence[AttachmentPart]) -> tuple[AttachmentPart, ...]:
    """Drop the `share` that repeats an `ig_post`.

    Meta sent both for one post from 3 November 2025 to 27 April 2026. They are twins where link
    or id agree, and where the message holds just one of each.
    """
    posts = [part for part in parts if part.type == "ig_post"]
    shares = [part for part in parts if part.type == "share"]
    only_pair = len(posts) == len(shares) == 1
    links = {part.url for part in posts} - {""}
    ids = {part.media_id for part in posts} - {""}

    def is_twin(part: AttachmentPart) -> bool:
        return part.type == "share" and (only_pair or part.url in links or part.media_id in ids)

    return tuple(part for part in parts if not is_twin(part))


def _first(payload: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((found for key in keys if (found := text(payload.get(key)))), "")
