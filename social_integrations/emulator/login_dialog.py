"""Instagram Login's consent page: the account itself logs in, and no Page takes part."""

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from .core import Emulator
from .dialog import DialogError, check_redirect, choice, hidden_field, show, way_back
from .http import Request, Response, redirect
from .media import avatar_url
from .oauth import issue_code
from .people import ControlError, find_account
from .store import Row
from .tokens import Consent

PATH = "/oauth/authorize"

SCOPES = {
    "instagram_business_basic": "View profile and access media",
    "instagram_business_manage_messages": "Access and manage messages",
    "instagram_business_manage_comments": "Access and manage comments",
    "instagram_business_content_publish": "Publish posts",
    "instagram_business_manage_insights": "View insights",
}
ALWAYS = "instagram_business_basic"
CARRIED = ("client_id", "redirect_uri", "state", "scope", "response_type", "force_reauth")


@dataclass(frozen=True, slots=True)
class Choice:
    """Who logged in, and what they ticked."""

    account: Row
    scopes: tuple[str, ...]


def check_login(emulator: Emulator, params: Mapping[str, str]) -> None:
    """Refuse a login Instagram would not show."""
    own = emulator.config.login_app_id
    if not own or params.get("client_id") != own:
        raise DialogError("Invalid platform app", "Invalid Request: invalid platform app.")
    check_redirect(emulator, params)
    if params.get("response_type") != "code":
        raise DialogError("Invalid response type", "Invalid Request: response_type must be code.")
    asked = asked_login_scopes(params)
    unknown = [scope for scope in asked if scope not in SCOPES]
    if unknown or ALWAYS not in asked:
        wrong = ", ".join(unknown) or f"{ALWAYS} is always needed"
        raise DialogError("Invalid scope", f"Invalid Request: invalid scope ({wrong}).")


def asked_login_scopes(params: Mapping[str, str]) -> list[str]:
    """Read the permissions a login asks for."""
    return list(dict.fromkeys(params.get("scope", "").replace(",", " ").split()))


def answer_login_dialog(emulator: Emulator, request: Request) -> Response:
    """Show the page, or take the account's answer."""
    params = {key: str(value) for key, value in request.params.items()}
    try:
        check_login(emulator, params)
        if request.method == "POST":
            return redirect(decide_login(emulator, params, _form_choice(emulator, params)))
        if params.get("_auto") == "1":
            return redirect(decide_login(emulator, params, full_choice(emulator, params, None)))
    except DialogError as error:
        return show("error.html", status=400, title=error.title, text=error.text)
    except ControlError as error:
        return show("error.html", status=400, title="Cannot log in", text=str(error))
    return _page(emulator, params, request.base_url)


def full_choice(emulator: Emulator, params: Mapping[str, str], account: object) -> Choice:
    """Log in as an account, the first by default, and agree to everything."""
    return Choice(find_account(emulator.store, account), tuple(asked_login_scopes(params)))


def _form_choice(emulator: Emulator, params: Mapping[str, str]) -> Choice | None:
    if params.get("answer") != "continue":
        return None
    asked = asked_login_scopes(params)
    ticked = tuple(scope for scope in asked if scope == ALWAYS or f"scope_{scope}" in params)
    return Choice(find_account(emulator.store, params.get("account")), ticked)


def decide_login(emulator: Emulator, params: Mapping[str, str], answer: Choice | None) -> str:
    """Make the address the browser goes back to; no choice means the account cancelled."""
    check_login(emulator, params)
    if answer is None:
        refusal = {
            "error": "access_denied",
            "error_reason": "user_denied",
            "error_description": "The user denied your request",
        }
        return way_back(params, refusal)
    emulator.store.remember("login_session", answer.account["account_id"])
    asked = asked_login_scopes(params)
    consent = Consent(
        scopes=tuple(scope for scope in asked if scope in {ALWAYS, *answer.scopes}),
        declined=tuple(scope for scope in asked if scope not in {ALWAYS, *answer.scopes}),
        pages=(answer.account["id"],),
    )
    code = issue_code(emulator, consent, params["redirect_uri"], "instagram")
    # Meta puts `#_` behind the address; it is not part of the code.
    return f"{way_back(params, {'code': code})}#_"


def _page(emulator: Emulator, params: Mapping[str, str], base_url: str) -> Response:
    """Ask who logs in; without `force_reauth` whoever did last time is still logged in."""
    accounts = emulator.store.all("SELECT * FROM page WHERE account_id IS NOT NULL")
    session = emulator.store.setting("login_session")
    same = [row for row in accounts if row["account_id"] == session]
    switch = ""
    if same and params.get("force_reauth", "").lower() not in {"true", "1"}:
        accounts = same
        address = f"{PATH}?{urlencode({**params, 'force_reauth': 'true'})}"
        switch = f'<p class="note"><a href="{html.escape(address)}">Use another account</a></p>'
    hidden = [hidden_field(name, params[name]) for name in CARRIED if name in params]
    markup = "".join(
        [
            *hidden,
            "<fieldset><legend>Log in as</legend>",
            *_accounts(accounts, base_url),
            f"</fieldset>{switch}<fieldset><legend>Permissions</legend>",
            *(_scope(scope) for scope in asked_login_scopes(params)),
            "</fieldset>",
        ]
    )
    return show("login.html", markup=markup, app=emulator.config.app_name)


def _accounts(rows: Iterable[Row], base_url: str) -> list[str]:
    return [
        choice(
            "account",
            f"@{row['username']}",
            row["account_name"],
            attributes="" if index else " checked",
            picture=avatar_url(base_url, row["username"]),
            kind="radio",
            value=row["account_id"],
        )
        for index, row in enumerate(rows)
    ]


def _scope(scope: str) -> str:
    fixed = " checked disabled" if scope == ALWAYS else " checked"
    return choice(f"scope_{scope}", SCOPES[scope], scope, attributes=fixed)
