"""Facebook Login, step by step: consent address, tokens, who consented, which Pages."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from social_integrations.exceptions import GraphUnavailableError

from .client import GraphClient
from .flavours import Flavour
from .reading import (
    read_id,
    read_link,
    read_moment,
    read_number,
    read_object,
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
DEAD_TOKEN = 190


def authorize_url(
    flavour: Flavour,
    *,
    version: str,
    app_id: str,
    redirect_uri: str,
    state: str,
    scopes: Sequence[str],
) -> str:
    """Return the address of Meta's consent dialog."""
    query = urlencode(
        {
            "client_id": app_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "scope": ",".join(scopes),
            "response_type": "code",
        }
    )
    return f"{flavour.dialog_url}/{version}/{flavour.dialog_path}?{query}"


def exchange_code(
    client: GraphClient,
    flavour: Flavour,
    *,
    credentials: AppCredentials,
    redirect_uri: str,
    code: str,
) -> TokenGrant:
    """Exchange a code for a short-lived user token (about an hour).

    Meta documents GET only, so code and secret stand in the address: it must never be logged.
    Sent once, as a code works once. Raises `GraphRefusedError` with Meta's reason.
    """
    return _grant(
        client.get(
            flavour.token_path,
            {**_app(credentials), "redirect_uri": redirect_uri, "code": code},
            once=True,
        )
    )


def extend_token(
    client: GraphClient, flavour: Flavour, *, credentials: AppCredentials, token: str
) -> TokenGrant:
    """Exchange a working short-lived user token for a long-lived one (about 60 days).

    Meta: Page tokens read with a long-lived user token have no end date, others die in an hour.
    """
    return _grant(
        client.get(
            flavour.token_path,
            {
                **_app(credentials),
                "grant_type": "fb_exchange_token",
                "fb_exchange_token": token,
            },
        )
    )


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
    )


def list_pages(client: GraphClient) -> tuple[Page, ...]:
    """Return every Page Meta shows for the person.

    Meta leaves Pages of a business portfolio out, without any error, where
    `business_management` was not granted.
    """
    params = {"fields": PAGE_FIELDS, "limit": PAGES_PER_CALL}
    rows = client.paged("me/accounts", params)
    return tuple(_page(row) for row in rows if read_id(row, "id"))


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


def _app(credentials: AppCredentials) -> dict[str, str]:
    return {"client_id": credentials.app_id, "client_secret": credentials.app_secret}


def _grant(answer: dict[str, Any]) -> TokenGrant:
    token = read_text(answer, "access_token")
    if not token:
        raise GraphUnavailableError("Meta's answer holds no token")
    return TokenGrant(access_token=token, expires_in=read_number(answer, "expires_in"))
