"""The token endpoint and the token inspector."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

from .core import Emulator
from .errors import MetaError
from .http import Request
from .ids import new_code
from .seed import OWNER
from .tokens import (
    DATA_ACCESS,
    LONG_LIFE,
    SHORT_LIFE,
    Consent,
    Token,
    app_token,
    authenticate,
    consent_of,
    dead_token_error,
    find_token,
    issue_user_token,
    working_token,
)

CODE_LIFE = 600


def issue_code(
    emulator: Emulator, consent: Consent, redirect_uri: str, login: str = "facebook"
) -> str:
    """Make the code the browser carries back to the CRM; it counts for one login only."""
    code = new_code()
    emulator.store.run(
        "INSERT INTO code (code, redirect_uri, scopes, declined, pages, issued_at, login)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        code,
        redirect_uri,
        *(json.dumps(part) for part in (consent.scopes, consent.declined, consent.pages)),
        emulator.now(),
        login,
    )
    return code


def with_client(request: Request) -> dict[str, Any]:
    """Read the parameters; OAuth libraries put the app's id and secret into HTTP Basic instead."""
    scheme, _, word = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return request.params
    try:
        client, _, secret = base64.b64decode(word).decode().partition(":")
    except ValueError:
        return request.params
    basic = {"client_id": unquote_plus(client), "client_secret": unquote_plus(secret)}
    return {**basic, **request.params}


def answer_token_request(emulator: Emulator, params: dict[str, Any]) -> dict[str, Any]:
    """Serve `/oauth/access_token`."""
    if str(params.get("client_id", "")) != emulator.config.app_id:
        raise MetaError("client_id")
    secret = str(params.get("client_secret", "")).encode()
    if not hmac.compare_digest(secret, emulator.config.app_secret.encode()):
        raise MetaError("client_secret")
    grant = str(params.get("grant_type") or "authorization_code")
    if grant not in GRANTS:
        raise MetaError("grant_type", value=grant)
    return GRANTS[grant](emulator, params)


def redeem_code(emulator: Emulator, params: dict[str, Any]) -> dict[str, Any]:
    """Exchange a code, once, for a short-lived user token."""
    if not params.get("redirect_uri"):
        raise MetaError("redirect_missing")
    store, now = emulator.store, emulator.now()
    with store.transaction():
        row = store.one(
            "SELECT * FROM code WHERE code = ? AND login = 'facebook'", str(params.get("code", ""))
        )
        if row is None:
            raise MetaError("code_invalid")
        if row["used_at"] is not None:
            raise MetaError("code_used")
        if now - row["issued_at"] >= CODE_LIFE:
            raise MetaError("code_expired")
        if params["redirect_uri"] != row["redirect_uri"]:
            raise MetaError("code_redirect")
        store.run("UPDATE code SET used_at = ? WHERE code = ?", now, row["code"])
        value = issue_user_token(store, consent_of(row), now=now, life=SHORT_LIFE)
    return _bearer(value, SHORT_LIFE)


def extend_token(emulator: Emulator, params: dict[str, Any]) -> dict[str, Any]:
    """Exchange a working user token for a long-lived one."""
    value = str(params.get("fb_exchange_token") or "")
    if not value:
        raise MetaError("parameter", name="fb_exchange_token")
    token = working_token(emulator, value)
    if token.kind != "user":
        raise MetaError("token_unknown")
    longer = issue_user_token(emulator.store, token.consent, now=emulator.now(), life=LONG_LIFE)
    return _bearer(longer, LONG_LIFE)


def grant_app_token(emulator: Emulator, _params: dict[str, Any]) -> dict[str, Any]:
    """Give the app its own token."""
    return {"access_token": app_token(emulator), "token_type": "bearer"}


def _bearer(value: str, life: int) -> dict[str, Any]:
    return {"access_token": value, "token_type": "bearer", "expires_in": life}


GRANTS: dict[str, Callable[[Emulator, dict[str, Any]], dict[str, Any]]] = {
    "authorization_code": redeem_code,
    "fb_exchange_token": extend_token,
    "client_credentials": grant_app_token,
}


def answer_debug_token(emulator: Emulator, request: Request) -> dict[str, Any]:
    """Serve `/debug_token`."""
    authenticate(emulator, request)
    value = str(request.params.get("input_token") or "")
    if not value:
        raise MetaError("parameter", name="input_token")
    token = find_token(emulator, value)
    # Meta: nothing says that tokens of Instagram Login can be inspected.
    if token is None or token.kind == "instagram":
        error = {"code": 190, "message": MetaError("token_unknown").message}
        return {"data": {"error": error, "is_valid": False, "scopes": []}}
    return {"data": _inspected(emulator, token)}


def _inspected(emulator: Emulator, token: Token) -> dict[str, Any]:
    subcode = token.problem(emulator.now())
    scopes = list(token.consent.scopes)
    data: dict[str, Any] = {
        "app_id": emulator.config.app_id,
        "type": token.kind.upper(),
        "application": emulator.config.app_name,
        "is_valid": not subcode,
        "scopes": scopes,
    }
    if token.kind == "app":
        return data
    data |= {
        "issued_at": int(token.issued_at),
        "expires_at": int(token.expires_at),
        "data_access_expires_at": int(token.issued_at + DATA_ACCESS),
        "granular_scopes": [_granular(emulator, token, scope) for scope in scopes],
        "user_id": OWNER["id"],
    }
    if token.page_id:
        data["profile_id"] = token.page_id
    if subcode:
        refusal = dead_token_error(emulator, token, subcode)
        data["error"] = {"code": refusal.spec.code, "message": refusal.message}
        if refusal.spec.subcode:
            data["error"]["subcode"] = subcode
    return data


def _granular(emulator: Emulator, token: Token, scope: str) -> dict[str, Any]:
    """Name the assets of one permission: accounts for Instagram's, Pages for the Pages'."""
    column = {"instagram": "account_id", "pages": "id"}.get(scope.partition("_")[0])
    # Meta: without target_ids a permission is good for everything.
    if column is None or not emulator.switch("granular_targets"):
        return {"scope": scope}
    pages = emulator.store.all("SELECT * FROM page ORDER BY position")
    targets = [page[column] for page in pages if page["id"] in token.consent.pages]
    return {"scope": scope, "target_ids": [target for target in targets if target]}
