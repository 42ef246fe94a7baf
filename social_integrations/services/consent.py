"""Both ends of Meta's consent dialog: sending a person there, and reading what comes back."""

from collections.abc import Mapping

from django.contrib.auth.models import AnonymousUser, User

from social_integrations.access import access_policy
from social_integrations.conf import app_settings
from social_integrations.exceptions import ConnectError
from social_integrations.graph.oauth import authorize_url
from social_integrations.models import OAuthAttempt

from .clients import FACEBOOK, INSTAGRAM, app_credentials, asked_scopes, flavour_of, graph_version
from .oauth_state import issue_state, issue_ticket, look_up_ticket, redeem_state, redeem_ticket

MAX_CODE_LENGTH = 4096
MAX_RETURN_URL = 2000
# Meta's `error_reason` or `error` → our problem code; asked in this order.
DIALOG_ERRORS = {
    "user_denied": "cancelled",
    "access_denied": "cancelled",
    "invalid_scope": "scope_refused",
    "redirect_uri_mismatch": "redirect_mismatch",
    "temporarily_unavailable": "meta_unreachable",
    "server_error": "meta_unreachable",
}
PERMISSIONS_ERROR = "200"


def configured_logins() -> tuple[str, ...]:
    """Return the login products this installation has an app id and secret for."""
    pairs = {
        FACEBOOK: (app_settings.APP_ID, app_settings.APP_SECRETS),
        INSTAGRAM: (app_settings.LOGIN_APP_ID, app_settings.LOGIN_APP_SECRETS),
    }
    return tuple(str(login) for login, pair in pairs.items() if all(pair))


def missing_settings(login: str = FACEBOOK) -> tuple[str, ...]:
    """Return the names of the settings without which a login product cannot be used."""
    own: dict[str, dict[str, object]] = {
        FACEBOOK: {
            "INSTAGRAM_APP_ID": app_settings.APP_ID,
            "INSTAGRAM_APP_SECRET": app_settings.APP_SECRETS,
        },
        INSTAGRAM: {
            "INSTAGRAM_LOGIN_APP_ID": app_settings.LOGIN_APP_ID,
            "INSTAGRAM_LOGIN_APP_SECRET": app_settings.LOGIN_APP_SECRETS,
        },
    }
    needed = {
        **own[login],
        "INSTAGRAM_REDIRECT_URI": app_settings.REDIRECT_URI,
        "INSTAGRAM_TOKEN_ENCRYPTION_KEYS": app_settings.TOKEN_ENCRYPTION_KEYS,
    }
    return tuple(name for name, value in needed.items() if not value)


def choose_login(wished: str) -> str:
    """Return the login product to use; empty where both are set up and nobody chose.

    Raises `ConnectError` `login_unknown` for one that does not exist.
    """
    if wished and wished not in (FACEBOOK, INSTAGRAM):
        raise ConnectError("login_unknown")
    known = configured_logins()
    if wished or len(known) > 1:
        return wished
    return known[0] if known else FACEBOOK


def check_return_url(url: str) -> str:
    """Return an address a frontend wants to come back to, if it is one we know.

    All before a `?` must be `INSTAGRAM_CONNECT_RETURN_URL` or one of
    `INSTAGRAM_CONNECT_RETURN_URLS`, letter by letter; nothing is parsed, so there is no second
    opinion of where the host ends. Empty stays empty. Raises `ConnectError` `return_refused`.
    """
    default = app_settings.CONNECT_RETURN_URL.partition("#")[0].partition("?")[0]
    page = url.partition("?")[0]
    known = bool(page) and page in {default, *app_settings.CONNECT_RETURN_URLS}
    if url and not (known and len(url) <= MAX_RETURN_URL and url.isprintable() and "#" not in url):
        raise ConnectError("return_refused")
    return url


def start_consent(*, user: User, browser_key: str, login: str, return_url: str = "") -> str:
    """Return the address of Meta's dialog for this person and browser.

    Raises `ConnectError` `not_allowed` or `not_configured` (with the names of the settings).
    """
    refuse_unready(user, login)
    state = issue_state(user=user, browser_key=browser_key, login=login, redirect_target=return_url)
    return _dialog(login, state)


def make_ticket(*, user: User, login: str, return_url: str = "") -> str:
    """Return a one-time ticket for a browser that need not be signed in here.

    Raises `ConnectError` as `start_consent` does.
    """
    refuse_unready(user, login or FACEBOOK)
    return issue_ticket(user=user, login=login, redirect_target=return_url)


def open_ticket(*, ticket: str, visitor: User | AnonymousUser, browser_key: str, login: str) -> str:
    """Return the address of Meta's dialog for a ticket and bind it to this browser.

    Returns the empty text, and leaves the ticket usable, while the login must still be chosen.
    Raises `ConnectError` for a ticket that is no good, and as `start_consent` does.
    """
    attempt = look_up_ticket(ticket=ticket, visitor=visitor)
    chosen = attempt.login or choose_login(login)
    if not chosen:
        return ""
    refuse_unready(attempt.user, chosen)
    return _dialog(chosen, redeem_ticket(ticket=ticket, browser_key=browser_key, login=chosen))


def redeem_answer(
    *, visitor: User | AnonymousUser, browser_key: str, answer: Mapping[str, str]
) -> OAuthAttempt:
    """Use up the state Meta sent back and return its attempt.

    It is redeemed before anything else is looked at, so a forged callback learns and changes
    nothing. Raises `ConnectError` for a state that is no good.
    """
    state = answer.get("state", "")
    return redeem_state(state=state, visitor=visitor, browser_key=browser_key)


def read_answer(*, attempt: OAuthAttempt, answer: Mapping[str, str]) -> str:
    """Return the code Meta sent back; raise `ConnectError` for a refusal or no code at all."""
    refuse_unready(attempt.user, attempt.login)
    if answer.get("error") or answer.get("error_code"):
        raise ConnectError(_dialog_problem(answer))
    # The fragment of Meta's redirect ends up in the code where an address was pasted by hand.
    code = answer.get("code", "").removesuffix("#_")
    if not code:
        raise ConnectError("no_answer")
    if len(code) > MAX_CODE_LENGTH:
        raise ConnectError("code_invalid")
    return code


def refuse_unready(user: User, login: str) -> None:
    """Raise `ConnectError` where the person may not connect, or a setting is missing."""
    if not user.is_active or not access_policy().may_connect(user):
        raise ConnectError("not_allowed")
    missing = missing_settings(login)
    if missing:
        raise ConnectError("not_configured", ", ".join(missing))


def _dialog(login: str, state: str) -> str:
    return authorize_url(
        flavour_of(login),
        version=graph_version(login),
        app_id=app_credentials(login).app_id,
        redirect_uri=app_settings.REDIRECT_URI,
        state=state,
        scopes=asked_scopes(login),
        config_id=app_settings.FACEBOOK_CONFIG_ID if login == FACEBOOK else "",
    )


def _dialog_problem(answer: Mapping[str, str]) -> str:
    # Meta sends error_code 200 along with a plain "Cancel" too, so the reason is asked first.
    if answer.get("error_reason") in DIALOG_ERRORS:
        return DIALOG_ERRORS[answer["error_reason"]]
    if answer.get("error_code") == PERMISSIONS_ERROR:
        return "development_mode"
    return DIALOG_ERRORS.get(answer.get("error", ""), "dialog_error")
