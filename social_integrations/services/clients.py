"""Graph clients, built from the settings: the only place where settings, tokens and Graph meet."""

from dataclasses import replace

from social_integrations.conf import app_settings
from social_integrations.exceptions import ConfigurationError
from social_integrations.graph.client import GraphClient
from social_integrations.graph.flavours import FACEBOOK_LOGIN, Flavour
from social_integrations.graph.types import AppCredentials
from social_integrations.models import ConnectedAccount


def facebook_login() -> Flavour:
    """Return Facebook Login at the configured hosts."""
    return replace(
        FACEBOOK_LOGIN,
        graph_url=app_settings.FACEBOOK_GRAPH_URL,
        dialog_url=app_settings.FACEBOOK_DIALOG_URL,
    )


def app_credentials() -> AppCredentials:
    """Return the Meta app's id and current secret; raise `ConfigurationError` if one is missing."""
    if not app_settings.APP_ID:
        raise ConfigurationError("INSTAGRAM_APP_ID is not set.")
    if not app_settings.APP_SECRETS:
        raise ConfigurationError("INSTAGRAM_APP_SECRET is not set.")
    return AppCredentials(app_id=app_settings.APP_ID, app_secret=app_settings.APP_SECRETS[0])


def client_for_token(token: str) -> GraphClient:
    """Return a client that acts for whoever the token stands for; the empty text is nobody."""
    return GraphClient(
        base_url=facebook_login().graph_url,
        version=app_settings.GRAPH_VERSION,
        app_secret=app_credentials().app_secret,
        token=token,
        timeout=app_settings.GRAPH_TIMEOUT,
    )


def client_for_app() -> GraphClient:
    """Return a client that acts for the Meta app itself."""
    credentials = app_credentials()
    return client_for_token(f"{credentials.app_id}|{credentials.app_secret}")


def client_for_account(account: ConnectedAccount) -> GraphClient:
    """Return a client that acts for a connected account, with its Page's token."""
    return client_for_token(account.access_token)
