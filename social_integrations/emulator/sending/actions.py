"""Sender actions: reactions, the typing indicator, and marking as seen (section 4.5)."""

from collections.abc import Callable, Mapping
from typing import Any

from social_integrations.emulator.caller import Caller
from social_integrations.emulator.deeds import EMOJI
from social_integrations.emulator.scenes import Scene
from social_integrations.emulator.store import Row

from .asked import Asked
from .errors import invalid
from .threads import TYPING, set_thread

MAX_EMOJI = 16
"""Characters of one emoji, with its joiners and skin tone."""


def act(caller: Caller, scene: Scene, asked: Asked) -> None:
    """Do one sender action; Meta sends no webhook for what the business does."""
    if asked.action not in ACTIONS:
        raise invalid(f"Param sender_action must be one of {', '.join(ACTIONS)}")
    ACTIONS[asked.action](caller, scene, asked.payload or {})


def _react(caller: Caller, scene: Scene, payload: Mapping[str, Any]) -> None:
    message = _message(scene, payload)
    name, emoji = _reaction(caller, str(payload.get("reaction") or ""))
    with scene.emulator.store.transaction():
        _take_back(scene, message["mid"])
        scene.emulator.store.run(
            "INSERT INTO reaction VALUES (?, ?, ?, ?)",
            *(message["mid"], scene.account_id, name, emoji),
        )


def _unreact(_caller: Caller, scene: Scene, payload: Mapping[str, Any]) -> None:
    _take_back(scene, _message(scene, payload)["mid"])


def _take_back(scene: Scene, mid: str) -> None:
    scene.emulator.store.run(
        "DELETE FROM reaction WHERE mid = ? AND customer_id = ?", mid, scene.account_id
    )


def _reaction(caller: Caller, given: str) -> tuple[str, str]:
    """Read name and emoji. Meta documents `love` for Facebook Login, any emoji for the other."""
    if not given:
        raise invalid("Param payload[reaction] is required")
    if caller.token.kind == "page":
        if given not in {"love", EMOJI["love"]}:
            raise invalid("Param payload[reaction] must be one of love")
        return "love", EMOJI["love"]
    if given in EMOJI and given != "other":
        return given, EMOJI[given]
    if given.isascii() or len(given) > MAX_EMOJI:
        raise invalid("Param payload[reaction] must be an emoji")
    named = next((name for name, emoji in EMOJI.items() if emoji == given), "other")
    return named, given


def _message(scene: Scene, payload: Mapping[str, Any]) -> Row:
    row = find_in_thread(scene, str(payload.get("message_id") or ""))
    if row is None:
        raise invalid("Param payload[message_id] must be a message of this thread")
    return row


def find_in_thread(scene: Scene, mid: str) -> Row | None:
    """Find a message of a thread that was not taken back."""
    return scene.emulator.store.one(
        "SELECT * FROM message WHERE mid = ? AND account_id = ? AND customer_id = ?"
        " AND unsent_at IS NULL",
        *(mid, scene.account_id, scene.customer["id"]),
    )


def _type(ms: int) -> Callable[[Caller, Scene, Mapping[str, Any]], None]:
    def set_typing(_caller: Caller, scene: Scene, payload: Mapping[str, Any]) -> None:
        _stand_alone(payload)
        until = scene.when + ms if ms else 0
        set_thread(scene.emulator, scene.account_id, scene.customer["id"], typing_until=until)

    return set_typing


def _mark_seen(_caller: Caller, scene: Scene, payload: Mapping[str, Any]) -> None:
    _stand_alone(payload)
    scene.emulator.store.run(
        "UPDATE message SET seen_at = ? WHERE account_id = ? AND customer_id = ?"
        " AND author = 'customer' AND seen_at IS NULL",
        *(scene.when, scene.account_id, scene.customer["id"]),
    )


def _stand_alone(payload: Mapping[str, Any]) -> None:
    if payload:
        raise invalid("Param sender_action must stand alone: no payload")


ACTIONS: dict[str, Callable[[Caller, Scene, Mapping[str, Any]], None]] = {
    "react": _react,
    "unreact": _unreact,
    "typing_on": _type(TYPING),
    "typing_off": _type(0),
    "mark_seen": _mark_seen,
}
