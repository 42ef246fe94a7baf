"""Attachments and story cards of a bubble; everything is loaded through doors of ours."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from social_integrations.media.links import safe_link
from social_integrations.models import Attachment, Message
from social_integrations.showing import one_line

from .words import ONLY_IN_INSTAGRAM, PICTURES, PLAYERS, POSTS, SNIPPETS, STORIES

TITLE_LENGTH = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPart:
    """One thing in a bubble, besides its text."""

    shape: str
    """picture, video, audio, file, heart, story, post, card, or hidden."""
    label: str
    src: str = ""
    """Our door to the content; empty where there is nothing to load."""
    title: str = ""
    href: str = ""
    """Where a person can go and look, on Instagram or elsewhere."""
    host: str = ""
    is_expired: bool = False


def media_parts(message: Message) -> list[MediaPart]:
    """Return what is attached to a message, in Meta's order."""
    return [_part(found) for found in message.attachments.all()]


def story_part(message: Message) -> MediaPart | None:
    """Return the story a message answers; Meta's link ends with the story."""
    if not message.story:
        return None
    has_link = bool(safe_link(str(message.story.get("url") or "")).href)
    sticker = safe_link(str(message.story.get("link_sticker_url") or ""))
    return MediaPart(
        shape="story",
        label=_("Your story"),
        src=reverse("instagram_inbox:story", args=[message.pk]) if has_link else "",
        href=sticker.href,
        host=sticker.host,
        is_expired=not has_link,
    )


def _part(attachment: Attachment) -> MediaPart:
    word = attachment.type
    if word in ONLY_IN_INSTAGRAM:
        return MediaPart(shape="hidden", label=str(ONLY_IN_INSTAGRAM[word]))
    if word == "like_heart":
        return MediaPart(shape="heart", label=_("A heart"))
    if word not in SNIPPETS and not safe_link(attachment.url).href:
        return MediaPart(shape="hidden", label=str(ONLY_IN_INSTAGRAM["unsupported"]))
    label = str(SNIPPETS.get(word) or one_line(word, 32))
    title = one_line(attachment.title, TITLE_LENGTH)
    if word == "template":
        return MediaPart(shape="card", label=label, title=title)
    return MediaPart(
        shape=_shape(word),
        label=label,
        title=title,
        **_way(attachment),
    )


def _shape(word: str) -> str:
    if word in PICTURES:
        return "picture"
    if word in STORIES:
        return "story"
    if word in POSTS:
        return "post"
    return PLAYERS.get(word, "file")


def _way(attachment: Attachment) -> dict[str, Any]:
    """Return how to get at the content: a file or copy of ours, or Meta's link through our door."""
    door = reverse("instagram_inbox:attachment", args=[attachment.pk])
    if attachment.upload_id or attachment.file:
        return {"src": door}
    link = safe_link(attachment.url)
    if not link.href:
        return {"is_expired": True}
    if attachment.expired_at:
        return {"is_expired": True, "href": _old_door(attachment)}
    if attachment.type in POSTS:
        # The link may lead to a page of Instagram instead of a picture.
        return {"href": _old_door(attachment), "host": link.host}
    return {"src": door, "href": _old_door(attachment), "host": link.host}


def _old_door(attachment: Attachment) -> str:
    """Return the address that leads a person on, and asks for a fresh link where one has died."""
    return reverse("social_integrations:media", args=[attachment.pk])
