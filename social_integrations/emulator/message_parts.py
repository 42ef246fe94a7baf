"""How the Conversations API writes what a message carries; webhooks write it differently."""

import json
from collections.abc import Callable
from typing import Any

from .core import Emulator
from .fields import FieldTree
from .media import freshen
from .store import Row

SIZE = {"width": 480, "height": 360}


def _picture(url: str) -> dict[str, Any]:
    return {"image_data": {**SIZE, "url": url, "preview_url": url, "image_type": 1}}


def _film(url: str) -> dict[str, Any]:
    return {"video_data": {"width": 240, "height": 240, "url": url, "preview_url": url}}


def _file(url: str) -> dict[str, Any]:
    return {"name": url.partition("?")[0].rpartition("/")[2], "file_url": url}


FILES: dict[str, Callable[[str], dict[str, Any]]] = {
    "image": _picture,
    "video": _film,
    "audio": _file,
    "file": _file,
}
SHARED = frozenset({"share", "ig_post", "ig_reel", "reel", "ig_story", "story"})


def attachment_parts(emulator: Emulator, row: Row, base_url: str) -> dict[str, Any] | None:
    """Write the files and templates of a message, with links that work."""
    shown: list[dict[str, Any]] = []
    for index, one in enumerate(_attachments(emulator, row, base_url)):
        kind, payload = one["type"], _payload(one)
        name = {"id": f"{row['position']:012d}{index}"}
        if kind in FILES and isinstance(payload.get("url"), str):
            shown.append({**name, **FILES[kind](payload["url"])})
        elif kind == "template":
            shown.append({**name, "generic_template": payload.get("generic", {})})
    return {"data": shown} if shown else None


def share_parts(emulator: Emulator, row: Row, base_url: str) -> dict[str, Any] | None:
    """Write the posts, reels and stories somebody passed on."""
    shown = []
    for index, one in enumerate(_attachments(emulator, row, base_url)):
        payload = _payload(one)
        if one["type"] in SHARED:
            link = payload.get("url") or payload.get("story_media_url")
            name = {"id": f"{row['position']:012d}{index}"}
            title = {"name": payload["title"]} if "title" in payload else {}
            shown.append({**name, **title, "link": link})
    return {"data": shown} if shown else None


def story_part(emulator: Emulator, row: Row, base_url: str) -> dict[str, Any] | None:
    """Write the story a message mentions the business in, or answers."""
    for one in _attachments(emulator, row, base_url):
        if one["type"] == "story_mention":
            link = _payload(one).get("url")
            return {"mention": {"link": link, "id": f"{row['position']:017d}"}}
    story = json.loads(row["extra"]).get("reply_to", {}).get("story")
    if story is None:
        return None
    link = freshen(emulator, story.get("url"), base_url)
    return {"reply_to": {"link": link, "id": story.get("id")}}


def _attachments(emulator: Emulator, row: Row, base_url: str) -> list[dict[str, Any]]:
    return list(freshen(emulator, json.loads(row["attachments"]), base_url))


def _payload(attachment: dict[str, Any]) -> dict[str, Any]:
    """Read a payload; a script may have put anything there."""
    payload = attachment.get("payload")
    return payload if isinstance(payload, dict) else {}


def trim(value: Any, wanted: FieldTree) -> Any:
    """Cut an answer to the nested fields asked for; lists keep their `data`."""
    if not wanted or not isinstance(value, dict):
        return value
    if isinstance(value.get("data"), list):
        return {**value, "data": [trim(one, wanted) for one in value["data"]]}
    return {
        name: trim(part, wanted[name].nested) if name in wanted else part
        for name, part in value.items()
        if name in wanted or name == "id"
    }
