"""The catalogue of everything that can happen, by name: for scripts and for the page's menu."""

from collections.abc import Callable
from typing import Any

from .contents import CONTENTS
from .core import Emulator
from .deeds import edit, react, see, unreact, unsend
from .messaging import edit_trap, send_kind, tap, tell
from .people import NotFoundError
from .scenes import Params, Scene, set_scene
from .signals import SIGNALS

Play = Callable[[Emulator, Params, str], dict[str, Any]]

DEEDS: dict[str, tuple[str, Play]] = {
    "edit": ("Edit the newest", edit),
    "unsend": ("Unsend the newest", unsend),
    "reaction": ("React to the answer", react),
    "unreact": ("Take the reaction back", unreact),
    "seen": ("Read the answer", see),
}
TAPS = {
    "postback": "Button",
    "postback_without_mid": "Button, without mid",
    "postback_referral": "Button after a link",
    "postback_ad": "Button after an ad",
}
TRAPS = {"edit_zero_alone": "Edit 0 alone", "edit_zero_beside": "Edit 0 beside the message"}


def _say_in_standby(scene: Scene, _kind: str) -> dict[str, Any]:
    return send_kind(scene, "text")


def _signal(scene: Scene, kind: str) -> dict[str, Any]:
    signal = SIGNALS[kind]
    answer = tell(scene, "", signal.build(scene), field=signal.field, kind=kind)
    return {name: value for name, value in answer.items() if name != "mid"}


PLAYS: dict[str, tuple[str, str, Callable[[Scene, str], dict[str, Any]]]] = {
    **{kind: (row.group, row.label, send_kind) for kind, row in CONTENTS.items()},
    **{kind: ("Taps", label, tap) for kind, label in TAPS.items()},
    **{kind: ("Odd", label, edit_trap) for kind, label in TRAPS.items()},
    "standby_text": ("Routing", "Text, in standby", _say_in_standby),
    **{kind: (row.group, row.label, _signal) for kind, row in SIGNALS.items()},
}


def play(emulator: Emulator, params: Params, base_url: str) -> dict[str, Any]:
    """Let one thing of the catalogue happen."""
    kind = str(params.get("kind") or "")
    if kind in DEEDS:
        return DEEDS[kind][1](emulator, params, base_url)
    if kind not in PLAYS:
        raise NotFoundError(f"There is no kind of event named {kind or 'nothing'}.")
    return PLAYS[kind][2](set_scene(emulator, params, base_url), kind)


def list_kinds() -> list[dict[str, str]]:
    """Name everything that can happen, in the order of the menu."""
    deeds = [("Newest message", kind, label) for kind, (label, _) in DEEDS.items()]
    others = [(group, kind, label) for kind, (group, label, _) in PLAYS.items()]
    return [
        {"kind": kind, "group": group, "label": label} for group, kind, label in [*others, *deeds]
    ]
