"""Both logins, step by step: consent address, tokens, who consented, which accounts."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from social_integrations.exceptions import GraphUnavailableError

from .client import GraphClient
from .flavours import Exchange, Flavour
from .reading import (
    read_id,
    read_ids,
    read_link,
    read_moment,
    read_number,
    read_object,
    read_objects,
    read_text,
    read_words,
)
from .types import (
    AppCredentials,
    Identity,
    InstagramAccount,
    Page,
    TokenGrant,
    TokenInspection,
)

PAGE_FIELDS = (
    "id,name,access_token,tasks,instagram_business_account{id,username,name,profile_picture_url}"
)
PAGES_PER_CALL = "50"
ACCOUNT_FIELDS = "id,user_id,username,name,account_type,profile_picture_url"
DEAD_TOKEN = 190


def authorize_url(
    flavour: Flavour,
    *,
    version: str,
    app_id: str,
    redirect_uri: str,
    state: str,
    scopes: Sequence[str],
    config_id: str = "",
) -> str:
    """Return the address of Meta's consent dialog.

    Meta: with Facebook Login for Business a configuration made in the Meta app stands in the
    place of the permissions.
    """
    wanted = {"config_id": config_id} if config_id else {"scope": ",".join(scopes)}
    query = urlencode(
        {
            "client_id": app_id,
            "redirect_uri": redirect_uri,
            "state": state,
            **wanted,
            "response_type": "code",
            **dict(flavour.dialog_switches),
        }
    )
    parts = (flavour.dialog_url, version if flavour.dialog_versioned else "", flavour.dialog_path)
    return f"{'/'.join(filter(None, parts))}?{query}"


def exchange_code(
    client: GraphClient,
    flavour: Flavour,
    *,
    credentials: AppCredentials,
    redirect_uri: str,
    code: str,
) -> TokenGrant:
    """Exchange a code for a short-lived user token (about an hour).

    Sent once, as a code works once. Raises `GraphRefusedError` with Meta's reason.
    """
    return _trade(client, flavour.code, code, credentials, redirect_uri)


def extend_token(
    client: GraphClient, flavour: Flavour, *, credentials: AppCredentials, token: str
) -> TokenGrant:
    """Exchange a working short-lived user token for a long-lived one (about 60 days).

    Meta: Page tokens read with a long-lived user token have no end date, others die in an hour.
    """
    return _trade(client, flavour.extend, token, credentials)


def _trade(
    client: GraphClient,
    exchange: Exchange,
    value: str,
    credentials: AppCredentials,
    redirect_uri: str = "",
) -> TokenGrant:
    known = {
        "client_id": credentials.app_id,
        "client_secret": credentials.app_secret,
        "redirect_uri": redirect_uri,
    }
    fields = {name: known[name] for name in exchange.sends}
    if exchange.grant_type:
        fields["grant_type"] = exchange.grant_type
    fields[exchange.given] = value
    if exchange.method == "POST":
        return _grant(client.post(exchange.path, fields))
    return _grant(client.get(exchange.path, fields, once=exchange.once))


def refresh_instagram_token(client: GraphClient, flavour: Flavour, *, token: str) -> TokenGrant:
    """Exchange a long-lived Instagram User token for its successor (about 60 days more).

    Meta: the token must be at least 24 hours old, not expired, and still have
    `instagram_business_basic`; it is documented as a parameter only, and no secret is asked for.
    The old token is not said to end. Sent as often as any other reading: each answer is good.
    """
    return _grant(
        client.get(flavour.refresh_path, {"grant_type": "ig_refresh_token", "access_token": token})
    )


def read_identity(client: GraphClient) -> Identity:
    """Return who consented; deauthorise callbacks name the same id."""
    answer = client.get("me", {"fields": "id,name"})
    user_id = read_id(answer, "id")
    if not user_id:
        raise GraphUnavailableError("Meta did not say who consented")
    return Identity(user_id=user_id, name=read_text(answer, "name"))


def read_permissions(client: GraphClient) -> frozenset[str]:
    """Return the granted permissions; people can untick some in the dialog."""
    return frozenset(
        read_text(row, "permission")
        for row in client.paged("me/permissions")
        if row.get("status") == "granted"
    )


def inspect_token(client: GraphClient, flavour: Flavour, *, token: str) -> TokenInspection:
    """Return what Meta knows about a token; the client must carry the app's own token."""
    answer = client.get(flavour.inspect_path, {"input_token": token})
    data = read_object(answer, "data")
    error = read_object(data, "error")
    return TokenInspection(
        is_valid=data.get("is_valid") is not False,
        error_code=read_number(error, "code") or DEAD_TOKEN,
        error_subcode=read_number(error, "subcode") or None,
        expires_at=read_moment(data, "expires_at"),
        data_access_expires_at=read_moment(data, "data_access_expires_at"),
        scopes=read_words(data, "scopes") or (),
        app_id=read_id(data, "app_id"),
        page_ids=_target_ids(data, "pages_"),
        instagram_ids=_target_ids(data, "instagram_"),
    )


def _target_ids(data: dict[str, Any], scopes: str) -> tuple[str, ...]:
    """Return the ids all scopes beginning so are limited to; Meta: no `target_ids` means all."""
    rows = [row for row in read_objects(data, "granular_scopes") if "target_ids" in row]
    named = [row for row in rows if read_text(row, "scope").startswith(scopes)]
    ids = chain.from_iterable(read_ids(row, "target_ids") for row in named)
    return tuple(dict.fromkeys(ids))


def list_pages(client: GraphClient) -> tuple[Page, ...]:
    """Return every Page Meta shows for the person.

    Meta leaves Pages of a business portfolio out, without any error, where
    `business_management` was not granted.
    """
    params = {"fields": PAGE_FIELDS, "limit": PAGES_PER_CALL}
    rows = client.paged("me/accounts", params)
    return tuple(_page(row) for row in rows if read_id(row, "id"))


def read_page(client: GraphClient, page_id: str) -> Page:
    """Return one Page by its id; raise `GraphRefusedError` where Meta does not show it."""
    return replace(_page(client.get(page_id, {"fields": PAGE_FIELDS})), id=page_id)


def read_linked_account(client: GraphClient, page_id: str) -> InstagramAccount | None:
    """Return the Instagram account linked to a Page, None where Meta shows none.

    Asks for less than `read_page`: a Page's own token need not see the tasks.
    """
    fields = "instagram_business_account{id,username}"
    row = read_object(client.get(page_id, {"fields": fields}), "instagram_business_account")
    return _instagram_account(row) if read_id(row, "id") else None


def read_professional_account(client: GraphClient) -> InstagramAccount:
    """Return the account behind an Instagram Login token.

    Meta: `user_id` is the account's id, which webhooks name; `id` is the account as this app sees
    it, another number. Both stand flat in the answer or in a list under `data`.
    """
    answer = _unwrapped(client.get("me", {"fields": ACCOUNT_FIELDS}))
    if not read_id(answer, "user_id"):
        raise GraphUnavailableError("Meta did not say which account it is")
    account = _instagram_account({**answer, "id": answer["user_id"]})
    return replace(
        account,
        app_scoped_id=read_id(answer, "id"),
        account_type=read_text(answer, "account_type"),
    )


def _unwrapped(answer: dict[str, Any]) -> dict[str, Any]:
    return next(iter(read_objects(answer, "data")), read_object(answer, "data") or answer)


def _page(row: dict[str, Any]) -> Page:
    account = read_object(row, "instagram_business_account")
    return Page(
        id=read_id(row, "id"),
        name=read_text(row, "name"),
        access_token=read_text(row, "access_token"),
        tasks=read_words(row, "tasks"),
        instagram=_instagram_account(account) if read_id(account, "id") else None,
    )


def _instagram_account(row: dict[str, Any]) -> InstagramAccount:
    return InstagramAccount(
        id=read_id(row, "id"),
        username=read_text(row, "username"),
        name=read_text(row, "name"),
        profile_picture_url=read_link(row, "profile_picture_url"),
    )


def _grant(answer: dict[str, Any]) -> TokenGrant:
    found = _unwrapped(answer)
    token = read_text(found, "access_token")
    if not token:
        raise GraphUnavailableError("Meta's answer holds no token")
    listed = read_words(found, "permissions") or read_text(found, "permissions").split(",")
    return TokenGrant(
        access_token=token,
        expires_in=read_number(found, "expires_in"),
        permissions=tuple(filter(None, (word.strip() for word in listed))),
    )
