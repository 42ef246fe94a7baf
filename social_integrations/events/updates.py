"""Read what happens to a message or a thread later: edits, unsends, reactions, seen, handovers."""

from typing import Any

from . import kinds
from .envelope import messaging_item
from .reading import MID_LENGTH, identifier, mapping, party, required_identifier, text, whole_number
from .timestamps import read_timestamp
from .types import EditEvent, HandoverEvent, ReactionEvent, SeenEvent, UnsendEvent

MAX_EDIT_NUMBER = 32_767
EMOJI_LENGTH = 64
REACTION_LENGTH = 32
UNREACT = "unreact"
# The keys that move control, and where each names the app that has it afterwards.
NEW_OWNERS = ("pass_thread_control", "take_thread_control")


def read_edit(wrapper: str, payload: Any, account_id: str) -> EditEvent:
    """Return an edit; only `mid` is needed, Meta at times leaves out everything else.

    `num_edit` comes as number or text. Raises PayloadError without a usable `mid`.
    """
    item = messaging_item(wrapper, payload)
    edit = mapping(item.get("message_edit"))
    number = whole_number(edit.get("num_edit"))
    if number is None:
        number = 1 if text(edit.get("text")) else 0
    return EditEvent(
        **_common(item, account_id),
        mid=_mid(edit, "message_edit.mid"),
        number=min(max(number, 0), MAX_EDIT_NUMBER),
        text=text(edit.get("text")),
    )


def read_unsend(wrapper: str, payload: Any, account_id: str) -> UnsendEvent:
    """Return an unsend; raise PayloadError without a usable `mid`."""
    item = messaging_item(wrapper, payload)
    message = mapping(item.get("message"))
    return UnsendEvent(**_common(item, account_id), mid=_mid(message, "message.mid"))


def read_reaction(wrapper: str, payload: Any, account_id: str) -> ReactionEvent:
    """Return a reaction or its removal, which names no emoji.

    Raises PayloadError without a usable `mid` or without who reacted.
    """
    item = messaging_item(wrapper, payload)
    reaction = mapping(item.get("reaction"))
    removed = text(reaction.get("action")) == UNREACT
    return ReactionEvent(
        **_common(item, account_id),
        mid=_mid(reaction, "reaction.mid"),
        actor_id=required_identifier(mapping(item.get("sender")).get("id"), "sender.id"),
        removed=removed,
        emoji="" if removed else text(reaction.get("emoji"))[:EMOJI_LENGTH],
        reaction="" if removed else text(reaction.get("reaction"))[:REACTION_LENGTH],
    )


def read_seen(wrapper: str, payload: Any, account_id: str) -> SeenEvent:
    """Return a read receipt; raise PayloadError without a usable `mid`."""
    item = messaging_item(wrapper, payload)
    return SeenEvent(
        **_common(item, account_id),
        mid=_mid(mapping(item.get("read")), "read.mid"),
        by_customer=party(item, "sender") != account_id,
    )


def read_handover(wrapper: str, payload: Any, account_id: str) -> HandoverEvent:
    """Return who controls the thread now; nobody new for requests and role lists."""
    item = messaging_item(wrapper, payload)
    moved = (mapping(item.get(key)) for key in NEW_OWNERS)
    owners = (identifier(found.get("new_owner_app_id")) for found in moved)
    return HandoverEvent(**_common(item, account_id), owner_app_id=next(filter(None, owners), ""))


def _common(item: dict[str, Any], account_id: str) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "contact_id": kinds.contact_of(item, account_id),
        "occurred_at": read_timestamp(item.get("timestamp")),
    }


def _mid(holder: dict[str, Any], path: str) -> str:
    return required_identifier(holder.get("mid"), path, limit=MID_LENGTH)
