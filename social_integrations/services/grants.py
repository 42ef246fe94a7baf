"""Trade the code for tokens, and read everything Meta tells about the consent behind it."""

import logging
from dataclasses import dataclass

from social_integrations.conf import app_settings
from social_integrations.exceptions import ConnectError, GraphError
from social_integrations.graph import oauth
from social_integrations.graph.types import Identity, Page, TokenInspection

from .clients import app_credentials, client_for_app, client_for_token, facebook_login
from .graph_problems import name_exchange_error, name_graph_error

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Everything Meta told us about one consent."""

    identity: Identity
    granted: frozenset[str]
    inspection: TokenInspection
    pages: tuple[Page, ...]


def redeem_code(*, code: str) -> Grant:
    """Return what the person granted; raise `ConnectError` where Meta refuses or is unreachable.

    Must run outside a transaction: it calls Meta six times or more.
    """
    token = _long_lived_token(code)
    try:
        return _read_grant(token)
    except GraphError as error:
        raise _stopped(*name_graph_error(error), error) from None


def _long_lived_token(code: str) -> str:
    """Exchange the code, then the token; a Page token lives long only if this came first."""
    flavour, client = facebook_login(), client_for_token("")
    credentials = app_credentials()
    try:
        short = oauth.exchange_code(
            client,
            flavour,
            credentials=credentials,
            redirect_uri=app_settings.REDIRECT_URI,
            code=code,
        )
    except GraphError as error:
        raise _stopped(*name_exchange_error(error), error) from None
    try:
        long = oauth.extend_token(
            client, flavour, credentials=credentials, token=short.access_token
        )
    except GraphError as error:
        raise _stopped(*name_graph_error(error), error) from None
    return long.access_token


def _read_grant(token: str) -> Grant:
    client = client_for_token(token)
    inspection = _inspect(token)
    return Grant(
        identity=oauth.read_identity(client),
        granted=oauth.read_permissions(client) or frozenset(inspection.scopes),
        inspection=inspection,
        pages=oauth.list_pages(client),
    )


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
