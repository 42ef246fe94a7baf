"""Everything about webhooks and answers that can be switched, as one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .people import ControlError
from .store import Store

Value = str | int | float | bool
Switches = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Switch:
    """One row: where the panel shows it, its words, its value at rest, and what it accepts."""

    group: str
    label: str
    default: Value
    choices: tuple[str, ...] = ()
    most: int = 0
    """Numbers go from 0 to here; a switch whose value at rest is 1 starts at 1."""


SHAPES = ("both", "wrapped", "flat")

SWITCHES: dict[str, Switch] = {
    "duplicate": Switch("Delivery", "Deliver everything this many times", default=1, most=20),
    "batch": Switch("Delivery", "Gather this many events into one delivery", default=1, most=1000),
    "merge": Switch("Delivery", "In a batch, put an account's events into one entry", default=True),
    "reorder": Switch(
        "Delivery", "Hold this many events, then send them shuffled", default=0, most=1000
    ),
    "delay": Switch("Delivery", "Send everything this many seconds late", default=0.0, most=86400),
    "withhold": Switch(
        "Delivery", "Never send every n-th event (1: none is sent)", default=0, most=1000
    ),
    "wrapper": Switch(
        "Shape",
        "Where an item stands",
        default="messaging",
        choices=("messaging", "standby", "changes", "entry"),
    ),
    "list_body": Switch("Shape", "Wrap the body in a list", default=False),
    "ids": Switch("Shape", "Ids as", default="text", choices=("text", "number")),
    "timestamps": Switch(
        "Shape", "Times as", default="ms", choices=("ms", "seconds", "text_ms", "text_seconds")
    ),
    "edit_count": Switch("Shape", "num_edit as", default="number", choices=("number", "text")),
    "signature": Switch(
        "Shape", "Signatures are", default="right", choices=("right", "wrong", "missing")
    ),
    "media_life": Switch("Media", "A media link works for seconds", default=604_800, most=10**8),
    "media_gone": Switch(
        "Media", "A dead link answers", default="403", choices=("403", "404", "410")
    ),
    "conversation_rate": Switch(
        "Graph", "Conversations calls per second and account (0: any)", default=2, most=1000
    ),
    "throttle": Switch(
        "Graph",
        "Calls fail with code",
        default="off",
        choices=("off", "4", "17", "32", "341", "613", "80001", "80002", "80006"),
    ),
    "echo": Switch(
        "Sending",
        "A message sent through the API is echoed",
        default="after",
        choices=("after", "before", "never"),
    ),
    "echo_delay": Switch("Sending", "An echo after the answer waits seconds", 0.3, most=3600),
    "echo_app_id": Switch("Sending", "Echoes name the app", default=True),
    "seen_after": Switch(
        "Sending", "The customer reads after seconds (0: when they look)", default=0.0, most=86400
    ),
    "human_agent": Switch("Sending", "The app has the Human Agent feature", default=False),
    "default_app": Switch(
        "Sending",
        "The default app of Conversation Routing is",
        default="none",
        choices=("none", "ours", "other"),
    ),
    "send_rate": Switch(
        "Sending", "Sends per second and account (0: Meta's 300 or 100)", default=0, most=1000
    ),
    "fetch_patience": Switch(
        "Sending", "Seconds Meta waits for a file it fetches", default=75.0, most=120
    ),
    "granular_targets": Switch("Graph", "debug_token names the assets of a scope", default=True),
    "all_or_nothing": Switch("Graph", "Who unticks one permission grants none", default=False),
    "usage": Switch("Graph", "Usage headers say percent (0: no headers)", default=0, most=200),
    "regain": Switch("Graph", "They say minutes until access returns", default=5, most=1440),
    "login_reply": Switch(
        "Instagram Login", "The code's answer is", default="both", choices=SHAPES
    ),
    "login_me": Switch("Instagram Login", "The answer of /me is", default="both", choices=SHAPES),
    "login_permissions": Switch(
        "Instagram Login", "permissions as", default="text", choices=("text", "list")
    ),
    "login_ids": Switch(
        "Instagram Login", "user_id as", default="text", choices=("text", "number")
    ),
    "login_signer": Switch(
        "Instagram Login",
        "Webhooks signed with",
        default="instagram",
        choices=("instagram", "meta"),
    ),
}


def read_switches(store: Store) -> dict[str, Value]:
    """Read all switches, as set or at rest."""
    return {name: switch.default for name, switch in SWITCHES.items()} | (
        store.setting("switches") or {}
    )


def set_switches(store: Store, given: Mapping[str, Any]) -> dict[str, Value]:
    """Set some switches and return all; refuses unknown names and values, then sets none."""
    wanted = check_switches(given)
    with store.transaction():
        values = read_switches(store) | wanted
        store.remember("switches", values)
    return values


def rest_switches(store: Store) -> None:
    """Put every switch back to its value at rest."""
    store.remember("switches", {})


def check_switches(given: object) -> dict[str, Value]:
    """Read values for switches from a control call."""
    if not isinstance(given, dict):
        raise ControlError('Switches are an object like {"duplicate": 2}.')
    return {str(name): _value(str(name), value) for name, value in given.items()}


def _value(name: str, value: object) -> Value:
    switch = SWITCHES.get(name)
    if switch is None:
        raise ControlError(f"There is no switch {name}.")
    if isinstance(switch.default, bool):
        if not isinstance(value, bool):
            raise ControlError(f"The switch {name} is true or false.")
        return value
    if switch.choices:
        if str(value) not in switch.choices:
            raise ControlError(f"The switch {name} is one of {', '.join(switch.choices)}.")
        return str(value)
    return _number(name, switch, value)


def _number(name: str, switch: Switch, value: object) -> int | float:
    least = 1 if switch.default == 1 else 0
    try:
        number = type(switch.default)(str(value))
    except ValueError:
        number = None
    if not isinstance(number, int | float) or not least <= number <= switch.most:
        kind = "whole number" if isinstance(switch.default, int) else "number"
        raise ControlError(f"The switch {name} is a {kind} from {least} to {switch.most}.")
    return number


def describe_switches(store: Store) -> list[dict[str, Any]]:
    """Show the table with the values in force, for the panel."""
    values = read_switches(store)
    return [
        {
            "name": name,
            "group": switch.group,
            "label": switch.label,
            "value": values[name],
            "default": switch.default,
            "choices": list(switch.choices),
        }
        for name, switch in SWITCHES.items()
    ]
