"""Ways to break a connection, for the page's panel and for scripts, and the way back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .app_removal import LOGINS, remove_app
from .core import Emulator
from .faults import Fault, add_fault, clear_faults
from .outgoing import flush
from .people import NotFoundError, find_account
from .switches import rest_switches, set_switches
from .tokens import has_tokens, kill_tokens, revive_tokens, take_back_messaging

Params = dict[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Break:
    """One row: its name on the button, what a person would see, and what is done."""

    label: str
    effect: str
    do: Callable[[Emulator, Params], Answer]


def kill(emulator: Emulator, params: Params) -> Answer:
    """Make tokens fail with a subcode: all of them, or those of one account."""
    subcode, account = int(params["subcode"]), params.get("account")
    page_id = find_account(emulator.store, account)["id"] if account else ""
    return {"killed": kill_tokens(emulator.store, subcode, page_id), "subcode": subcode}


def _dies(subcode: int) -> Callable[[Emulator, Params], Answer]:
    return lambda emulator, params: kill(emulator, {**params, "subcode": subcode})


def set_message_access(emulator: Emulator, params: Params) -> Answer:
    """Let the owner switch access to messages on or off in Instagram's own app."""
    page, allowed = find_account(emulator.store, params.get("account")), bool(params["allowed"])
    emulator.store.run("UPDATE page SET message_access = ? WHERE id = ?", allowed, page["id"])
    return {"account": page["account_id"], "allowed": allowed}


def unlink(emulator: Emulator, params: Params) -> Answer:
    """Let the owner take the Instagram account off its Page; Instagram Login does not mind."""
    page = find_account(emulator.store, params.get("account"))
    emulator.store.run("UPDATE page SET linked = 0 WHERE id = ?", page["id"])
    return {"account": page["account_id"]}


def take_back(emulator: Emulator, params: Params) -> Answer:
    """Let the owner take the permission for messages back, in Facebook's settings."""
    page = find_account(emulator.store, params.get("account"))
    return {"tokens": take_back_messaging(emulator.store, page["id"])}


def _leave(*, silent: bool) -> Callable[[Emulator, Params], Answer]:
    """Remove the app from every login the account is connected through."""

    def leave(emulator: Emulator, params: Params) -> Answer:
        page_id = find_account(emulator.store, params.get("account"))["id"]
        connected = [
            login
            for login, kinds in LOGINS.items()
            if has_tokens(emulator.store, kinds, page_id if login == "instagram" else "")
        ]
        return {
            login: remove_app(emulator, {**params, "login": login, "silent": silent})
            for login in connected
        }

    return leave


def unsubscribe(emulator: Emulator, params: Params) -> Answer:
    """Take the app off an account without a word, as Meta does after an hour of failures."""
    page = find_account(emulator.store, params.get("account"))
    emulator.store.run(
        "UPDATE page SET subscribed_fields = NULL, login_fields = NULL WHERE id = ?", page["id"]
    )
    return {"account": page["account_id"]}


def _fails(form: str, *, times: int = 5, seconds: float = 0.0) -> Callable[..., Answer]:
    fault = Fault(
        pattern="", times=times, form=form, status=503, body={}, headers={}, seconds=seconds
    )
    return lambda emulator, _params: {"fault_id": add_fault(emulator.store, fault)}


def _turns(**values: object) -> Callable[..., Answer]:
    return lambda emulator, _params: {"switches": set_switches(emulator.store, values)}


def mend(emulator: Emulator, _params: Params) -> Answer:
    """Undo every break but a missing subscription, which only the CRM can set up again."""
    clear_faults(emulator.store)
    rest_switches(emulator.store)
    emulator.store.run("UPDATE page SET message_access = 1, linked = 1")
    return {"revived": revive_tokens(emulator.store), **flush(emulator)}


BREAKS: dict[str, Break] = {
    "remove_app": Break("Remove the app", "Access ends; Meta tells the CRM.", _leave(silent=False)),
    "remove_app_silently": Break(
        "Remove it silently",
        "Access ends; nobody is told.",
        _leave(silent=True),
    ),
    "expire": Break("Expire the access", "Calls fail with 190/463.", _dies(463)),
    "password": Break("Change the password", "Calls fail with 190/460.", _dies(460)),
    "checkpoint": Break("Ask for a checkpoint", "Calls fail with 190/459.", _dies(459)),
    "role": Break("Lose the Page role", "Calls fail with 190/492.", _dies(492)),
    "permission": Break("Take the permission back", "Reading messages fails with 200.", take_back),
    "unlink": Break("Unlink the Page", "Facebook Login's calls fail with 100/2534013.", unlink),
    "access_off": Break(
        "Switch message access off",
        "No events; reading fails with 200/2534041.",
        lambda emulator, params: set_message_access(emulator, {**params, "allowed": False}),
    ),
    "unsubscribe": Break("Unsubscribe the account", "No events, and no word of it.", unsubscribe),
    "withhold": Break("Lose every event", "Nothing is sent until mended.", _turns(withhold=1)),
    "forge": Break(
        "Sign with a wrong secret", "Deliveries cannot be trusted.", _turns(signature="wrong")
    ),
    "throttle": Break("Throttle the app", "Calls fail with 4.", _turns(throttle="4", usage=100)),
    "down": Break("Fail 5 times in HTML", "The next calls get a page, 503.", _fails("html")),
    "slow": Break("Be slow 5 times", "The next calls take 15 s.", _fails("slow", seconds=15.0)),
    "half": Break("Answer half 5 times", "The next answers are broken JSON.", _fails("half")),
    "close": Break("Hang up 5 times", "The next calls are done, not answered.", _fails("close")),
    "mend": Break("Mend everything", "All as before, save subscriptions.", mend),
}


def break_it(emulator: Emulator, params: Params) -> Answer:
    """Do one of the table."""
    name = str(params.get("name", ""))
    if name not in BREAKS:
        raise NotFoundError(f"There is no way to break it named {name or 'nothing'}.")
    return {"name": name, **BREAKS[name].do(emulator, params)}


def list_breaks() -> list[dict[str, str]]:
    """Name the ways, for the panel."""
    return [
        {"name": name, "label": row.label, "effect": row.effect} for name, row in BREAKS.items()
    ]
