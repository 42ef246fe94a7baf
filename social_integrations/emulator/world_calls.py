"""Control calls about the world: Pages, people, logins, media, tokens and the clock."""

import re
import sqlite3
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .breaks import kill, set_message_access
from .control_input import names, text, username, whole
from .core import Emulator
from .dialog import asked_scopes, check_redirect, choose, decide, full_consent, way_back
from .http import Request
from .ids import new_account_id, new_digits
from .login_dialog import PATH, Choice, decide_login, full_choice
from .media import expire_links, host_media, sign_link
from .people import ControlError, find_customer
from .seed import add_customer, add_page, seed
from .state import describe_customer, describe_page, describe_world
from .tokens import revive_tokens

Answer = dict[str, Any]


def get_state(emulator: Emulator, request: Request) -> Answer:
    """Show everything."""
    return describe_world(emulator, request.base_url)


def reset(emulator: Emulator, request: Request) -> Answer:
    """Go back to the seeded world; the CRM is not told."""
    with emulator.store.transaction():
        emulator.store.clear()
        seed(emulator.store)
    return describe_world(emulator, request.base_url)


def create_page(emulator: Emulator, request: Request) -> Answer:
    """Give the owner a Page, with an Instagram account unless `instagram` is false.

    `count` makes so many at once, with a number behind name and username.
    """
    if "count" not in request.json:
        return _one_page(emulator, request, "")
    count = whole(request.json, "count", 1)
    if not 1 <= count <= 500:
        raise ControlError("The count must lie between 1 and 500.")
    with emulator.store.transaction():
        made = [_one_page(emulator, request, str(number)) for number in range(1, count + 1)]
    return {"pages": made}


def _one_page(emulator: Emulator, request: Request, number: str) -> Answer:
    name, chosen = f"{text(request, 'name')} {number}".strip(), None
    linked = request.json.get("instagram", True) is not False
    if linked:
        fallback = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        given = request.json.get("username")
        chosen = username(f"{given}{number}" if given else fallback)
    page_id = new_digits()
    try:
        add_page(
            emulator.store,
            page_id=page_id,
            name=name,
            account_id=new_account_id() if linked else None,
            username=chosen,
            in_business=bool(request.json.get("business")),
        )
    except sqlite3.IntegrityError as error:
        raise ControlError(f"The username {chosen} is taken.") from error
    row = emulator.store.one("SELECT * FROM page WHERE id = ?", page_id) or {}
    return describe_page(row, request.base_url)


def create_customer(emulator: Emulator, request: Request) -> Answer:
    """Let one more person exist."""
    chosen = username(text(request, "username"))
    name = str(request.json.get("name") or chosen)
    try:
        add_customer(emulator.store, new_digits(), chosen, name)
    except sqlite3.IntegrityError as error:
        raise ControlError(f"The username {chosen} is taken.") from error
    row = find_customer(emulator.store, chosen)
    return describe_customer(emulator, row, request.base_url)


def consent(emulator: Emulator, request: Request) -> Answer:
    """Answer either dialog at an authorize URL without a browser."""
    url = urlsplit(text(request, "url"))
    params = dict(parse_qsl(url.query, keep_blank_values=True))
    if request.json.get("silent"):
        # Meta now and then returns with neither a code nor an error.
        check_redirect(emulator, params)
        return {"location": way_back(params, {})}
    if url.path.endswith("/dialog/oauth"):
        return {"location": _facebook(emulator, request, params)}
    if url.path.endswith(PATH):
        return {"location": _instagram(emulator, request, params)}
    raise ControlError("The url is not an address of the dialog.")


def _facebook(emulator: Emulator, request: Request, params: dict[str, str]) -> str:
    everything = full_consent(emulator, params)
    answer = choose(
        asked_scopes(params),
        scopes=names(request, "scopes", everything.scopes),
        pages=names(request, "pages", everything.pages),
    )
    return decide(emulator, params, None if request.json.get("deny") else answer)


def _instagram(emulator: Emulator, request: Request, params: dict[str, str]) -> str:
    everything = full_choice(emulator, params, request.json.get("account"))
    answer = Choice(everything.account, tuple(names(request, "scopes", everything.scopes)))
    return decide_login(emulator, params, None if request.json.get("deny") else answer)


def stop_tokens(emulator: Emulator, request: Request) -> Answer:
    """Make tokens, of one `account` or all, fail with 190 and a subcode; 463 by default."""
    return kill(emulator, {**request.json, "subcode": whole(request.json, "subcode", 463)})


def restore_tokens(emulator: Emulator, _request: Request) -> Answer:
    """Let the stopped tokens work again; what expired by the clock stays expired."""
    return {"revived": revive_tokens(emulator.store)}


def allow_messages(emulator: Emulator, request: Request) -> Answer:
    """Switch the owner's message access of an account on or off."""
    allowed = request.json.get("allowed")
    if not isinstance(allowed, bool):
        raise ControlError("The field allowed is true or false.")
    return set_message_access(emulator, request.json)


def upload(emulator: Emulator, request: Request) -> Answer:
    """Host a file sent as the raw body or in a form; the link is signed and expires."""
    content = request.body
    if request.content_type == "multipart/form-data":
        content = request.file or b""
    path = host_media(emulator.store, content)
    return {"url": sign_link(emulator, path, request.base_url)}


def expire_media(emulator: Emulator, _request: Request) -> Answer:
    """Kill every media link given out so far."""
    expire_links(emulator.store)
    return {"expired": True}


def get_clock(emulator: Emulator, _request: Request) -> Answer:
    """Show how far the clock was moved, and what it shows, in seconds."""
    return {"ahead": emulator.store.setting("clock_ahead") or 0, "now": emulator.now()}


def move_clock(emulator: Emulator, request: Request) -> Answer:
    """Set the clock `ahead` of the real one, or `advance` it further; seconds, both."""
    ahead = emulator.store.setting("clock_ahead") or 0
    name = "advance" if "advance" in request.json else "ahead"
    value = request.json.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 10**10:
        raise ControlError("Give ahead or advance, in seconds.")
    emulator.store.remember("clock_ahead", value + (ahead if name == "advance" else 0))
    return get_clock(emulator, request)
