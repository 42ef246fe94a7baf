"""The media links of one message, read again."""

from collections.abc import Mapping
from typing import Any

from .client import GraphClient
from .reading import read_link, read_object, read_objects

FIELDS = "attachments,shares,story"

# Meta's word of an attachment in a webhook → the name of its list below. Others are not read again.
SOURCES: Mapping[str, str] = {
    "image": "image",
    "video": "video",
    "audio": "file",  # the Conversations API knows sound and documents as plain files
    "file": "file",
    "share": "share",
    "ig_post": "share",
    "ig_reel": "share",
    "reel": "share",
    "story_mention": "story",
}


def fetch_links(client: GraphClient, mid: str) -> dict[str, list[str]]:
    """Return the fresh links of a message by source, in Meta's order; lists may be empty.

    Meta: details are given for the 20 newest messages of a conversation only; an older or deleted
    one raises `GraphRefusedError` 9000001.
    """
    answer = client.get(mid, {"fields": FIELDS})
    links: dict[str, list[str]] = {source: [] for source in SOURCES.values()}
    for item in read_objects(read_object(answer, "attachments"), "data"):
        source, link = _attachment(item)
        links[source] += [link] if link else []
    for item in read_objects(read_object(answer, "shares"), "data"):
        links["share"] += [link] if (link := read_link(item, "link")) else []
    mention = read_object(read_object(answer, "story"), "mention")
    links["story"] += [link] if (link := read_link(mention, "link")) else []
    return links


def _attachment(item: Mapping[str, Any]) -> tuple[str, str]:
    for source, key in (("image", "image_data"), ("video", "video_data")):
        if data := read_object(item, key):
            return source, read_link(data, "url")
    return "file", read_link(item, "file_url")
