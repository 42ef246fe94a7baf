"""The consent dialog: the page Meta shows the owner before the CRM gets a code."""

import html
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from string import Template
from urllib.parse import urlencode

from .core import Emulator
from .http import Request, Response, redirect
from .media import avatar_url
from .oauth import issue_code
from .seed import OWNER
from .store import Row
from .tokens import Consent

PAGES = Path(__file__).parent / "pages"
PAGE_HEADERS = {"Content-Security-Policy": "default-src 'self'", "Referrer-Policy": "no-referrer"}

SCOPES = {
    "public_profile": "Your name and profile picture",
    "email": "Your email address",
    "instagram_basic": "Access profile and posts from the Instagram account connected to your Page",
    "instagram_manage_messages": "Manage and access Instagram messages",
    "instagram_manage_comments": "Manage comments on your Instagram account",
    "instagram_content_publish": "Upload media and create posts for your Instagram account",
    "instagram_manage_insights": "Access insights for your Instagram account",
    "pages_show_list": "Show a list of the Pages you manage",
    "pages_read_engagement": "Read content posted on the Page",
    "pages_manage_metadata": "Manage accounts, settings and webhooks for a Page",
    "pages_messaging": "Manage and access Page conversations in Messenger",
    "pages_manage_engagement": "Create and manage comments on a Page",
    "business_management": "Manage your business portfolio",
}
ALWAYS = "public_profile"


class DialogError(Exception):
    """The dialog cannot be shown: a title and an explanation for the owner."""

    def __init__(self, title: str, text: str) -> None:
        super().__init__(text)
        self.title, self.text = title, text


def _check_client(emulator: Emulator, params: Mapping[str, str]) -> None:
    if params.get("client_id") != emulator.config.app_id:
        raise DialogError(
            "Invalid App ID", "The provided app ID does not look like a valid app ID."
        )


def check_redirect(emulator: Emulator, params: Mapping[str, str]) -> None:
    """Refuse every redirect URI but the app's own, byte for byte."""
    if params.get("redirect_uri") != emulator.config.redirect_uri:
        raise DialogError(
            "URL blocked",
            "This redirect failed because the redirect URI is not whitelisted in the app's "
            "Client OAuth Settings. Make sure Client and Web OAuth Login are on and add all your "
            "app domains as Valid OAuth Redirect URIs.",
        )


def _check_type(_emulator: Emulator, params: Mapping[str, str]) -> None:
    if params.get("response_type", "code") != "code":
        raise DialogError("Invalid response type", "This emulator only knows response_type=code.")


def _check_scopes(_emulator: Emulator, params: Mapping[str, str]) -> None:
    unknown = [scope for scope in asked_scopes(params) if scope not in SCOPES]
    if unknown:
        raise DialogError(
            "Invalid Scopes",
            f"Invalid Scopes: {', '.join(unknown)}. This message is only shown to developers.",
        )


CHECKS: tuple[Callable[[Emulator, Mapping[str, str]], None], ...] = (
    _check_client,
    check_redirect,
    _check_type,
    _check_scopes,
)


def asked_scopes(params: Mapping[str, str]) -> list[str]:
    """Read the permissions a login asks for; the public profile always belongs to them."""
    words = params.get("scope", "").replace(",", " ").split()
    return list(dict.fromkeys([ALWAYS, *words]))


def answer_dialog(emulator: Emulator, request: Request) -> Response:
    """Show the dialog, or take the owner's answer."""
    params = {key: str(value) for key, value in request.params.items()}
    try:
        if request.method == "POST":
            return redirect(decide(emulator, params, form_choice(emulator, params)))
        if params.get("_auto") == "1":
            return redirect(decide(emulator, params, full_consent(emulator, params)))
        check(emulator, params)
    except DialogError as error:
        return show("error.html", status=400, title=error.title, text=error.text)
    return _consent_page(emulator, params, request.base_url)


def check(emulator: Emulator, params: Mapping[str, str]) -> None:
    """Refuse a login Meta would not show."""
    for checked in CHECKS:
        checked(emulator, params)


def decide(emulator: Emulator, params: Mapping[str, str], consent: Consent | None) -> str:
    """Make the address the browser goes back to; no consent means the owner cancelled."""
    check(emulator, params)
    if consent is None:
        answer = {
            "error": "access_denied",
            "error_code": "200",
            "error_description": "Permissions error",
            "error_reason": "user_denied",
        }
    else:
        if emulator.switch("all_or_nothing") and consent.declined:
            # Meta: with Facebook Login for Business a partial grant is none.
            asked = (*consent.scopes, *consent.declined)
            consent = choose(asked, scopes=(), pages=())
        answer = {"code": issue_code(emulator, consent, params["redirect_uri"])}
    return way_back(params, answer)


def way_back(params: Mapping[str, str], answer: dict[str, str]) -> str:
    """Make the address the browser returns to; the state comes back unchanged."""
    if "state" in params:
        answer = {**answer, "state": params["state"]}
    joint = "&" if "?" in params["redirect_uri"] else "?"
    return f"{params['redirect_uri']}{joint}{urlencode(answer)}"


def form_choice(emulator: Emulator, params: Mapping[str, str]) -> Consent | None:
    """Read what was ticked on the page."""
    if params.get("answer") != "continue":
        return None
    pages = [row["id"] for row in _all_pages(emulator)]
    return choose(
        asked_scopes(params),
        scopes=[scope for scope in asked_scopes(params) if f"scope_{scope}" in params],
        pages=[page_id for page_id in pages if f"page_{page_id}" in params],
    )


def full_consent(emulator: Emulator, params: Mapping[str, str]) -> Consent:
    """Agree to everything, with every Page that has Instagram."""
    asked = asked_scopes(params)
    ticked = [row["id"] for row in _all_pages(emulator) if row["account_id"]]
    return choose(asked, scopes=asked, pages=ticked)


def choose(asked: Iterable[str], *, scopes: Iterable[str], pages: Iterable[str]) -> Consent:
    """Split what was asked into given and withheld."""
    given = {ALWAYS, *scopes}
    return Consent(
        scopes=tuple(scope for scope in asked if scope in given),
        declined=tuple(scope for scope in asked if scope not in given),
        pages=tuple(pages),
    )


def _all_pages(emulator: Emulator) -> list[Row]:
    return emulator.store.all("SELECT * FROM page ORDER BY position")


def show(page: str, *, status: int = 200, markup: str = "", **texts: str) -> Response:
    """Fill in a page; texts are escaped, `$markup` was built from escaped pieces."""
    template = Template((PAGES / page).read_text(encoding="utf-8"))
    safe = {key: html.escape(value) for key, value in texts.items()}
    return Response(
        body=template.substitute(safe, markup=markup).encode(),
        status=status,
        content_type="text/html; charset=utf-8",
        headers=PAGE_HEADERS,
    )


def _consent_page(emulator: Emulator, params: Mapping[str, str], base_url: str) -> Response:
    carried = ("client_id", "redirect_uri", "state", "scope", "response_type")
    hidden = [hidden_field(name, params[name]) for name in carried if name in params]
    pages = [_page_choice(row, base_url) for row in _all_pages(emulator)]
    scopes = [_scope_choice(scope) for scope in asked_scopes(params)]
    markup = "".join(
        [
            *hidden,
            "<fieldset><legend>Pages and their Instagram accounts</legend>",
            *pages,
            "</fieldset><fieldset><legend>Permissions</legend>",
            *scopes,
            "</fieldset>",
        ]
    )
    return show("consent.html", markup=markup, app=emulator.config.app_name, owner=OWNER["name"])


def hidden_field(name: str, value: str) -> str:
    """Carry a value through a form."""
    return f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'


def _page_choice(row: Row, base_url: str) -> str:
    linked = f"Instagram: @{row['username']}" if row["account_id"] else "No Instagram account"
    return choice(
        f"page_{row['id']}",
        row["name"],
        linked,
        attributes=" checked" if row["account_id"] else "",
        picture=avatar_url(base_url, row["username"] or "page"),
    )


def _scope_choice(scope: str) -> str:
    attributes = " checked disabled" if scope == ALWAYS else " checked"
    return choice(f"scope_{scope}", SCOPES[scope], scope, attributes=attributes)


def choice(
    name: str,
    label: str,
    detail: str,
    *,
    attributes: str = "",
    picture: str = "",
    kind: str = "checkbox",
    value: str = "1",
) -> str:
    """Draw one box to tick, or one of several to choose from."""
    image = f'<img src="{html.escape(picture)}" alt="">' if picture else ""
    return (
        f'<label class="choice"><input type="{kind}" name="{html.escape(name)}"'
        f' value="{html.escape(value)}"{attributes}>'
        f"{image}<span><strong>{html.escape(label)}</strong>"
        f"<small>{html.escape(detail)}</small></span></label>"
    )
