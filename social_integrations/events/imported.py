"""Read a message of Meta's Conversations API as if it had been delivered.

Graph's message object says the same as a webhook item in other words, so it is translated into
one and read by the one reader of messages.
"""

import json
import mimetypes
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from social_integrations.exceptions import PayloadError

from . import kinds
from .cleaning import parse_json, storable
from .envelope import CONVERSATIONS, Item, encode, fingerprint
from .messages import read_message
from .reading import MID_LENGTH, identifier, items, mapping, required_identifier, text
from .types import MessageEvent, ReactionEvent
from .updates import EMOJI_LENGTH, REACTION_LENGTH

# The object that holds an attachment's link → our type, and the keys of the link, best first.
MEDIA = {
    "image_data": ("image", ("url", "preview_url", "animated_gif_url")),
    "video_data": ("video", ("url", "preview_url")),
}


def read_imported(
    payload: Any, account_id: str, *, app_scoped_id: str = "", username: str = ""
) -> MessageEvent:
    """Return the message of a Graph message object.

    The business is whoever bears one of the account's ids, or its username. Raises PayloadError
    where the object names no message, no customer, or an id too long to keep.
    """
    message = mapping(payload)
    mid = required_identifier(message.get("id"), "id", limit=MID_LENGTH)
    sender = mapping(message.get("from"))
    outbound = _is_business(sender, {account_id, app_scoped_id}, username)
    item = {
        "sender": {"id": identifier(sender.get("id"))},
        "recipient": {"id": identifier(_recipient(message).get("id"))},
        "timestamp": _timestamp(message.get("created_time")),
        "message": {
            "mid": mid,
            "text": text(message.get("message")),
            "attachments": [*_attachments(message), *_shares(message), *_mentions(message)],
            "reply_to": _reply_to(message),
            "is_unsupported": message.get("is_unsupported") is True,
            "is_echo": outbound,
        },
    }
    return read_message("messaging", item, account_id)


def read_imported_reactions(payload: Any, message: MessageEvent) -> list[ReactionEvent]:
    """Return the reactions that come with a message object; what names nobody is left out.

    Meta writes the emoji or its name (`love`), and no time: the message's own stands in, so that
    any reaction that was delivered is later.
    """
    found = [
        (identifier(user.get("id")), *_emoji_and_name(text(row.get("reaction"))))
        for row in _rows(mapping(payload).get("reactions"))
        for user in _rows(row.get("users"))
    ]
    return [
        ReactionEvent(
            account_id=message.account_id,
            contact_id=message.contact_id,
            occurred_at=message.occurred_at,
            mid=message.mid or "",
            actor_id=actor_id,
            emoji=emoji,
            reaction=reaction,
        )
        for actor_id, emoji, reaction in found
        if actor_id and (emoji or reaction)
    ]


def imported_item(
    payload: Any, account_id: str, *, app_scoped_id: str = "", username: str = ""
) -> Item:
    """Return a Graph message object as an item for the ledger.

    Its fingerprint is made of the message's id alone, so that importing a message again, with new
    links and reactions, adds no row. Raises PayloadError where `read_imported` would.
    """
    kept = _storable(payload)
    event = read_imported(kept, account_id, app_scoped_id=app_scoped_id, username=username)
    return Item(
        account_id=account_id,
        contact_id=event.contact_id,
        wrapper=CONVERSATIONS,
        kind=kinds.MESSAGE_ECHO if event.outbound else kinds.MESSAGE,
        key=fingerprint(account_id, [CONVERSATIONS, event.mid]),
        payload_json=encode(kept),
        occurred_at=event.occurred_at,
    )


def _storable(payload: Any) -> Any:
    """Return the object as every database keeps it; numbers JSON does not know are refused."""
    try:
        return storable(parse_json(json.dumps(payload).encode()), suspicious=True)
    except (ValueError, RecursionError):
        raise PayloadError("the message is not JSON a database keeps") from None


def _is_business(person: dict[str, Any], ids: set[str], username: str) -> bool:
    if identifier(person.get("id")) in ids - {""}:
        return True
    return bool(username) and text(person.get("username")).lower() == username.lower()


def _recipient(message: dict[str, Any]) -> dict[str, Any]:
    return next(iter(_rows(message.get("to"))), {})


def _rows(value: object) -> list[dict[str, Any]]:
    """Return the objects of a Graph list: `{"data": […]}`, or the list itself."""
    listed = value if isinstance(value, list) else items(mapping(value).get("data"))
    return [row for row in listed if isinstance(row, dict)]


def _timestamp(created_time: object) -> object:
    """Return Graph's `2026-11-22T09:00:00+0000` as webhooks write it, in milliseconds."""
    if not isinstance(created_time, str) or created_time.isdecimal():
        return created_time
    try:
        moment = datetime.fromisoformat(created_time)
        return int(moment.timestamp() * 1000) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _attachments(message: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for row in _rows(message.get("attachments")):
        kind, url = _media(row)
        yield _part(kind, url, title=row.get("name") if kind == "file" else "", id=row.get("id"))


def _media(row: dict[str, Any]) -> tuple[str, str]:
    for holder, (kind, keys) in MEDIA.items():
        data = mapping(row.get(holder))
        if data:
            return kind, next((url for key in keys if (url := text(data.get(key)))), "")
    url = text(row.get("file_url"))
    # An attachment Meta shows nothing of is no file: it may be anything.
    return (_file_type(row) if url else ""), url


def _file_type(row: dict[str, Any]) -> str:
    """Return image, video or audio by the type Meta names, else by the name's ending, else file."""
    guessed, _encoding = mimetypes.guess_type(text(row.get("name")).rpartition("/")[2])
    family = (text(row.get("mime_type")) or guessed or "").partition("/")[0]
    return family if family in ("image", "video", "audio") else "file"


def _shares(message: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for row in _rows(message.get("shares")):
        url = text(row.get("link")) or text(row.get("url"))
        yield _part("share", url, title=row.get("name"), id=row.get("id"))


def _mentions(message: dict[str, Any]) -> Iterable[dict[str, Any]]:
    mention = mapping(mapping(message.get("story")).get("mention"))
    if mention:
        yield _part("story_mention", mention.get("link"), id=mention.get("id"))


def _reply_to(message: dict[str, Any]) -> dict[str, Any]:
    """Return what the message answers: another message, or a story."""
    answered = mapping(message.get("reply_to"))
    story = mapping(mapping(message.get("story")).get("reply_to")) or mapping(answered.get("story"))
    known = {"id": identifier(story.get("id")), "url": text(story.get("link") or story.get("url"))}
    return {"mid": answered.get("mid"), "story": {key: word for key, word in known.items() if word}}


def _part(kind: str, url: object, **more: object) -> dict[str, Any]:
    return {"type": kind, "payload": {"url": text(url), **more}}


def _emoji_and_name(word: str) -> tuple[str, str]:
    is_name = word.isascii() and word.replace("_", "").isalpha()
    return ("", word[:REACTION_LENGTH]) if is_name else (word[:EMOJI_LENGTH], "")
