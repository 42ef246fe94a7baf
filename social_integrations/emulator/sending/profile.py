"""Ice breakers and the persistent menu: `/me/messenger_profile` (section 10 of the reference)."""

from collections.abc import Callable, Mapping
from typing import Any

from social_integrations.emulator.caller import Caller, Node, Params
from social_integrations.emulator.core import Emulator
from social_integrations.emulator.errors import MetaError
from social_integrations.emulator.fields import listing
from social_integrations.emulator.forms import read_json
from social_integrations.emulator.webhooks import Item

from .errors import SEND_ERRORS, invalid
from .rules import check_sender
from .templates import read_button

MAX_QUESTIONS = 4
CALLS, PERIOD = 10, 600.0
DEFAULT_LOCALE = "default"
NOT_ON_INSTAGRAM = ("composer_input_disabled", "webview_height_ratio")

Profile = dict[str, list[Item]]


def show_profile(caller: Caller, node: Node, params: Params) -> dict[str, Any]:
    """Serve GET: the properties asked for, as far as they are set."""
    profile = _open(caller, node, params)
    wanted = _names(params) or list(READERS)
    shown = {name: profile[name] for name in wanted if name in profile}
    return {"data": [shown] if shown else []}


def set_profile(caller: Caller, node: Node, params: Params) -> dict[str, Any]:
    """Serve POST: changes only the properties that are given."""
    profile = _open(caller, node, params)
    given = {name: _list(params[name], name) for name in READERS if name in params}
    if not given:
        raise invalid(f"Give at least one of {', '.join(READERS)}")
    changed = {name: _localised(name, entries) for name, entries in given.items()}
    _save(caller.emulator, node.row["account_id"], {**profile, **changed})
    return {"result": "success"}


def remove_profile(caller: Caller, node: Node, params: Params) -> dict[str, Any]:
    """Serve DELETE: drops the properties named in `fields`."""
    profile = _open(caller, node, params)
    dropped = _names(params)
    if not dropped:
        raise invalid("The parameter fields is required")
    kept = {name: value for name, value in profile.items() if name not in dropped}
    _save(caller.emulator, node.row["account_id"], kept)
    return {"result": "success"}


def _open(caller: Caller, node: Node, params: Params) -> Profile:
    check_sender(caller, node)
    account_id = str(node.row["account_id"])
    seconds = caller.emulator.pace.wait_for(f"profile:{account_id}", CALLS, PERIOD)
    if seconds:
        headers = {"Retry-After": str(max(1, round(seconds)))}
        raise MetaError(SEND_ERRORS["613"], headers=headers)
    if node.kind == "page" and str(params.get("platform", "")).lower() != "instagram":
        raise invalid("Without platform=instagram this is the Page's profile on Messenger")
    return read_profile(caller.emulator, account_id)


def read_profile(emulator: Emulator, account_id: str) -> Profile:
    """Read what an account has set; nothing for most."""
    return dict(emulator.store.setting(f"profile:{account_id}") or {})


def _save(emulator: Emulator, account_id: str, profile: Profile) -> None:
    emulator.store.remember(f"profile:{account_id}", profile)


def _names(params: Params) -> list[str]:
    """Read the properties asked for; Meta's own SDK writes them in capitals."""
    names = [name.lower() for name in listing(params.get("fields"))]
    if any(name not in READERS for name in names):
        raise invalid(f"Param fields must be one of {', '.join(READERS)}")
    return names


def _list(value: object, name: str) -> list[Any]:
    """Read a list, or a form's field with a list in JSON."""
    if isinstance(value, str):
        try:
            value = read_json(value)
        except ValueError as error:
            raise invalid(f"Param {name} must be a valid JSON list") from error
    if not isinstance(value, list) or not value:
        raise invalid(f"Param {name} must be a list")
    return value


def _localised(name: str, entries: list[Any]) -> list[Item]:
    read = [_entry(name, one) for one in entries]
    locales = [one["locale"] for one in read]
    if DEFAULT_LOCALE not in locales or len(set(locales)) < len(locales):
        raise invalid(f"Param {name} must have the locale default, and each locale once")
    return read


def _entry(name: str, given: object) -> Item:
    if not isinstance(given, dict):
        raise invalid(f"Param {name} must hold objects")
    if any(key in given for key in NOT_ON_INSTAGRAM):
        raise invalid(f"{' and '.join(NOT_ON_INSTAGRAM)} are not available on Instagram")
    actions = _list(given.get("call_to_actions"), "call_to_actions")
    locale = str(given.get("locale") or DEFAULT_LOCALE)
    return {"locale": locale, "call_to_actions": READERS[name](actions)}


def _questions(actions: list[Any]) -> list[Item]:
    if len(actions) > MAX_QUESTIONS:
        raise invalid(f"Param ice_breakers must hold at most {MAX_QUESTIONS} questions")
    return [_question(one) for one in actions]


def _question(given: object) -> Item:
    pair = given if isinstance(given, Mapping) else {}
    question, payload = pair.get("question"), pair.get("payload")
    if not (isinstance(question, str) and question.strip()):
        raise invalid("Param question is required")
    if not (isinstance(payload, str) and payload.strip()):
        raise invalid("Param payload is required")
    return {"question": question, "payload": payload}


def _menu(actions: list[Any]) -> list[Item]:
    for one in actions:
        if isinstance(one, dict) and any(key in one for key in NOT_ON_INSTAGRAM):
            raise invalid(f"{' and '.join(NOT_ON_INSTAGRAM)} are not available on Instagram")
    return [read_button(one) for one in actions]


READERS: dict[str, Callable[[list[Any]], list[Item]]] = {
    "ice_breakers": _questions,
    "persistent_menu": _menu,
}
