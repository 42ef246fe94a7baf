"""Instagram Login's tokens (section 1.2): code, long-lived token, refresh."""

import hmac
from typing import Any

from .core import Emulator
from .errors import LoginError, MetaError
from .http import Request
from .ids import app_scoped_id
from .oauth import answer_token_request, with_client
from .store import Row
from .switches import read_switches
from .tokens import LONG_LIFE, SHORT_LIFE, Token, consent_of, issue_login_token, working_token

CODE_LIFE = 3600
DAY = 24 * 3600
Params = dict[str, Any]


def answer_code_or_token(emulator: Emulator, request: Request) -> dict[str, Any]:
    """Serve `/oauth/access_token`, which both logins have: Instagram's is a POST of its own app."""
    config = emulator.config
    params = with_client(request)
    client = str(params.get("client_id", ""))
    is_login = client == config.login_app_id or (
        request.method == "POST" and client != config.app_id
    )
    if config.login_app_id and is_login:
        return redeem_login_code(emulator, request)
    return answer_token_request(emulator, params)


def redeem_login_code(emulator: Emulator, request: Request) -> dict[str, Any]:
    """Exchange a code, once and within an hour, for a token that lives an hour."""
    params = request.params
    if request.method != "POST" or params.get("grant_type") != "authorization_code":
        raise LoginError("login_grant")
    if params.get("client_id") != emulator.config.login_app_id:
        raise LoginError("login_client")
    if not _knows_secret(emulator, params):
        raise LoginError("client_secret")
    store, now = emulator.store, emulator.now()
    with store.transaction():
        row = _unused_code(emulator, params)
        store.run("UPDATE code SET used_at = ? WHERE code = ?", now, row["code"])
        consent = consent_of(row)
        value = issue_login_token(store, consent, now=now, life=SHORT_LIFE)
    page = store.one("SELECT * FROM page WHERE id = ?", consent.pages[0])
    return _code_answer(emulator, value, page, consent.scopes)


def _knows_secret(emulator: Emulator, params: Params) -> bool:
    given = str(params.get("client_secret", "")).encode()
    return hmac.compare_digest(given, emulator.config.login_app_secret.encode())


def _unused_code(emulator: Emulator, params: Params) -> Row:
    row = emulator.store.one(
        "SELECT * FROM code WHERE code = ? AND login = 'instagram'", str(params.get("code", ""))
    )
    if row is None or row["used_at"] is not None:
        raise LoginError("login_code")
    if emulator.now() - row["issued_at"] >= CODE_LIFE:
        raise LoginError("login_expired")
    if params.get("redirect_uri") != row["redirect_uri"]:
        raise LoginError("login_redirect")
    return row


def _code_answer(
    emulator: Emulator, value: str, page: Row | None, scopes: tuple[str, ...]
) -> dict[str, Any]:
    """Write the answer in the shape that is switched on: nobody knows which one Meta sends."""
    switches = read_switches(emulator.store)
    # Meta: the account as this app sees it, not the id webhooks name.
    user_id = app_scoped_id(str((page or {}).get("account_id", "")))
    answer = {
        "access_token": value,
        "user_id": int(user_id) if switches["login_ids"] == "number" else user_id,
        "permissions": list(scopes)
        if switches["login_permissions"] == "list"
        else ",".join(scopes),
    }
    return shaped(answer, str(switches["login_reply"]))


def shaped(answer: dict[str, Any], shape: str) -> dict[str, Any]:
    """Put an answer flat, into a list under `data` as Meta documents it, or in both places."""
    wrapped = {"data": [answer]}
    return {"flat": answer, "wrapped": wrapped}.get(shape, {**answer, **wrapped})


def exchange_login_token(emulator: Emulator, request: Request) -> dict[str, Any]:
    """Serve `/access_token`: a short-lived token becomes one for 60 days."""
    params = request.params
    if params.get("grant_type") != "ig_exchange_token":
        raise MetaError("grant_type", value=params.get("grant_type", ""))
    if not _knows_secret(emulator, params):
        raise MetaError("client_secret")
    token = _login_token(emulator, params)
    return _renewed(emulator, token)


def refresh_login_token(emulator: Emulator, request: Request) -> dict[str, Any]:
    """Serve `/refresh_access_token`: not before a day, not after the end."""
    params = request.params
    if params.get("grant_type") != "ig_refresh_token":
        raise MetaError("grant_type", value=params.get("grant_type", ""))
    token = _login_token(emulator, params)
    token.require("instagram_business_basic")
    if emulator.now() - token.issued_at < DAY:
        raise MetaError("token_young")
    return _renewed(emulator, token)


def _login_token(emulator: Emulator, params: Params) -> Token:
    value = str(params.get("access_token") or "")
    if not value:
        raise MetaError("no_token")
    token = working_token(emulator, value)
    if token.kind != "instagram":
        raise MetaError("instagram_only")
    return token


def _renewed(emulator: Emulator, token: Token) -> dict[str, Any]:
    longer = issue_login_token(emulator.store, token.consent, now=emulator.now(), life=LONG_LIFE)
    return {"access_token": longer, "token_type": "bearer", "expires_in": LONG_LIFE}
