"""Trade the code for tokens, and read everything Meta tells about the consent behind it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from social_integrations.conf import app_settings
from social_integrations.exceptions import ConnectError, GraphError, GraphRefusedError
from social_integrations.graph import oauth
from social_integrations.graph.client import GraphClient
from social_integrations.graph.errors import explain
from social_integrations.graph.types import InstagramAccount, Page, TokenGrant, TokenInspection

from .clients import (
    FACEBOOK,
    INSTAGRAM,
    app_credentials,
    asked_scopes,
    client_for_app,
    client_for_exchange,
    client_for_token,
    facebook_login,
    flavour_of,
)
from .graph_problems import name_exchange_error, name_graph_error

logger = logging.getLogger(__name__)

# Meta: one of these tasks on the Page is needed to handle its messages.
MESSAGING_TASKS = frozenset({"MESSAGING", "MODERATE"})
# Meta: a long-lived token of Instagram Login lives about 60 days; it usually says so.
LONG_LIFE = timedelta(days=60)
# More Pages than anybody has, when each must be asked for by itself.
MAX_SINGLE_PAGES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One account the consent covers, or the Page that stands in its place."""

    instagram: InstagramAccount | None
    page_id: str = ""
    page_name: str = ""
    access_token: str = field(default="", repr=False)
    token_expires_at: datetime | None = None
    problem: str = ""
    """Why it cannot be used, a key of `PAGE_PROBLEMS`; empty if it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Everything Meta told us about one consent."""

    login: str
    meta_user_id: str
    granted: frozenset[str]
    data_access_expires_at: datetime | None = None
    offers: tuple[Offer, ...]


def redeem_code(*, code: str, login: str) -> Grant:
    """Return what the person granted.

    Raises `ConnectError` where Meta refuses or is unreachable, an essential permission is
    missing, or there is no Page. Must run outside a transaction: it calls Meta several times.
    """
    short, long = _tokens(code, login)
    try:
        grant = READERS[login](short, long)
    except GraphError as error:
        raise _stopped(*name_graph_error(error), error) from None
    missing = [s for s in flavour_of(login).essential_scopes if s not in grant.granted]
    if missing:
        raise ConnectError("permissions_missing", ", ".join(missing))
    if not grant.offers:
        hidden = "business_management" not in grant.granted
        raise ConnectError("no_pages_business" if hidden else "no_pages")
    return grant


def _tokens(code: str, login: str) -> tuple[TokenGrant, TokenGrant]:
    """Exchange the code, then the token; a Page token lives long only if this came first."""
    flavour, credentials = flavour_of(login), app_credentials(login)
    try:
        short = oauth.exchange_code(
            client_for_exchange(login, flavour.code),
            flavour,
            credentials=credentials,
            redirect_uri=app_settings.REDIRECT_URI,
            code=code,
        )
    except GraphError as error:
        raise _stopped(*name_exchange_error(error, login=login), error) from None
    try:
        long = oauth.extend_token(
            client_for_exchange(login, flavour.extend),
            flavour,
            credentials=credentials,
            token=short.access_token,
        )
    except GraphError as error:
        raise _stopped(*name_graph_error(error), error) from None
    return short, long


def _read_instagram(short: TokenGrant, long: TokenGrant) -> Grant:
    account = oauth.read_professional_account(client_for_token(long.access_token, INSTAGRAM))
    life = timedelta(seconds=long.expires_in) if long.expires_in else LONG_LIFE
    # The word has changed before; only what is surely a personal account is turned away.
    personal = account.account_type.upper() == "PERSONAL"
    offer = Offer(
        instagram=account,
        access_token=long.access_token,
        token_expires_at=timezone.now() + life,
        problem="personal_account" if personal else "",
    )
    return Grant(
        login=INSTAGRAM,
        # Meta: deauthorise callbacks name the app-scoped id, by analogy with Facebook's.
        meta_user_id=account.app_scoped_id,
        # Meta documents the list; where it is left out, refusals show what is missing.
        granted=frozenset(short.permissions or asked_scopes(INSTAGRAM)),
        offers=(offer,),
    )


def _read_facebook(_short: TokenGrant, long: TokenGrant) -> Grant:
    client = client_for_token(long.access_token)
    inspection = _inspect(long.access_token)
    identity = oauth.read_identity(client)
    granted = oauth.read_permissions(client) or frozenset(inspection.scopes)
    pages = oauth.list_pages(client)
    unlisted = [page_id for page_id in inspection.page_ids if page_id not in {p.id for p in pages}]
    hidden = "no_token" if "business_management" in granted else "business_managed"
    ticked = _ticked(pages, inspection)
    offers = [
        *(_offer(page, ticked) for page in pages),
        *(_unlisted_offer(client, page_id, hidden) for page_id in unlisted[:MAX_SINGLE_PAGES]),
    ]
    return Grant(
        login=FACEBOOK,
        meta_user_id=identity.user_id,
        granted=granted,
        data_access_expires_at=inspection.data_access_expires_at,
        offers=tuple(offers),
    )


READERS: dict[str, Callable[[TokenGrant, TokenGrant], Grant]] = {
    FACEBOOK: _read_facebook,
    INSTAGRAM: _read_instagram,
}


def _ticked(pages: Sequence[Page], inspection: TokenInspection) -> frozenset[str]:
    """Return the Instagram accounts that were ticked in Meta's window; empty means all.

    Only where the ids Meta names are those of the accounts; it does not document which they are.
    """
    named = frozenset(inspection.instagram_ids)
    shown = {page.instagram.id for page in pages if page.instagram}
    return named if named & shown else frozenset()


def _offer(page: Page, ticked: frozenset[str]) -> Offer:
    return Offer(
        instagram=page.instagram,
        page_id=page.id,
        page_name=page.name or page.id,
        access_token=page.access_token,
        # Meta: a Page token read with a long-lived user token has no end date.
        token_expires_at=None,
        problem=_page_problem(page, ticked),
    )


def _unlisted_offer(client: GraphClient, page_id: str, hidden: str) -> Offer:
    """Ask for a Page by its id that the consent covers and Meta's list leaves out.

    Meta: the list lacks Pages of a business portfolio, and may be empty, without any error.
    """
    try:
        return _offer(oauth.read_page(client, page_id), frozenset())
    except GraphRefusedError as error:
        if explain(error.code, error.subcode).retryable:
            raise
        logger.info("Connecting: Page %s is not shown: %s", page_id, error)
        return Offer(instagram=None, page_id=page_id, page_name=page_id, problem=hidden)


def _page_problem(page: Page, ticked: frozenset[str]) -> str:
    if page.instagram is None:
        return "no_instagram"
    if not page.access_token:
        return "no_token"
    if page.tasks is not None and MESSAGING_TASKS.isdisjoint(page.tasks):
        return "no_task"
    return "not_ticked" if ticked and page.instagram.id not in ticked else ""


def _inspect(token: str) -> TokenInspection:
    """Ask for expiry dates; they are worth knowing, not worth failing for."""
    try:
        return oauth.inspect_token(client_for_app(), facebook_login(), token=token)
    except GraphError as error:
        logger.warning("Connecting: the token could not be inspected: %s", error)
        return TokenInspection()


def _stopped(problem: str, detail: str, error: GraphError) -> ConnectError:
    logger.warning("Connecting stopped (%s): %s", problem, error)
    return ConnectError(problem, detail)
