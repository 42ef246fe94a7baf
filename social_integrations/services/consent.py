"""Both ends of Meta's consent dialog: sending a person there, and reading what comes back."""

from collections.abc import Mapping

from django.contrib.auth.models import User

from social_integrations.access import access_policy
from social_integrations.conf import app_settings
from social_integrations.exceptions import ConnectError
from social_integrations.graph.oauth import authorize_url
from social_integrations.models import ConnectedAccount

from .clients import facebook_login
from .oauth_state import issue_state, redeem_state

LOGIN = ConnectedAccount.Login.FACEBOOK
MAX_CODE_LENGTH = 4096
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


def missing_settings() -> tuple[str, ...]:
    """Return the names of the settings without which nothing can be connected."""
    needed = {
        "INSTAGRAM_APP_ID": app_settings.APP_ID,
        "INSTAGRAM_APP_SECRET": app_settings.APP_SECRETS,
        "INSTAGRAM_REDIRECT_URI": app_settings.REDIRECT_URI,
        "INSTAGRAM_TOKEN_ENCRYPTION_KEYS": app_settings.TOKEN_ENCRYPTION_KEYS,
    }
    return tuple(name for name, value in needed.items() if not value)


def start_consent(*, user: User, browser_key: str) -> str:
    """Return the address of Meta's dialog for this person and browser.

    Raises `ConnectError` `not_allowed` or `not_configured` (with the names of the settings).
    """
    _refuse_unready(user)
    return authorize_url(
        facebook_login(),
        version=app_settings.GRAPH_VERSION,
        app_id=app_settings.APP_ID,
        redirect_uri=app_settings.REDIRECT_URI,
        state=issue_state(user=user, browser_key=browser_key, login=LOGIN),
        scopes=app_settings.SCOPES,
    )


def finish_consent(*, user: User, browser_key: str, answer: Mapping[str, str]) -> str:
    """Return the code Meta sent back, after its state was used up.

    The state is redeemed before anything else is looked at, so a forged callback learns and
    changes nothing. Raises `ConnectError` for a bad state, a refusal or an answer without code.
    """
    state = answer.get("state", "")
    redeem_state(state=state, user=user, browser_key=browser_key, login=LOGIN)
    _refuse_unready(user)
    if answer.get("error") or answer.get("error_code"):
        raise ConnectError(_dialog_problem(answer))
    # The fragment of Meta's redirect ends up in the code where an address was pasted by hand.
    code = answer.get("code", "").removesuffix("#_")
    if not code:
        raise ConnectError("no_answer")
    if len(code) > MAX_CODE_LENGTH:
        raise ConnectError("code_invalid")
    return code


def _refuse_unready(user: User) -> None:
    if not access_policy().may_connect(user):
        raise ConnectError("not_allowed")
    missing = missing_settings()
    if missing:
        raise ConnectError("not_configured", ", ".join(missing))


def _dialog_problem(answer: Mapping[str, str]) -> str:
    # Meta sends error_code 200 along with a plain "Cancel" too, so the reason is asked first.
    if answer.get("error_reason") in DIALOG_ERRORS:
        return DIALOG_ERRORS[answer["error_reason"]]
    if answer.get("error_code") == PERMISSIONS_ERROR:
        return "development_mode"
    return DIALOG_ERRORS.get(answer.get("error", ""), "dialog_error")
