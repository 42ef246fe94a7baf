"""Graph clients, built from the settings: the only place where settings, tokens and Graph meet."""

from dataclasses import replace

from social_integrations.conf import app_settings
from social_integrations.exceptions import AccountOnHold, ConfigurationError
from social_integrations.graph.client import GraphClient
from social_integrations.graph.flavours import FACEBOOK_LOGIN, INSTAGRAM_LOGIN, Flavour
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


def instagram_login() -> Flavour:
    """Return Instagram Login."""
    return INSTAGRAM_LOGIN


def flavour_of(login: str) -> Flavour:
    """Return a login product at the configured hosts."""
    instagram = login == ConnectedAccount.Login.INSTAGRAM
    return instagram_login() if instagram else facebook_login()


def client_for_token(token: str, login: str = ConnectedAccount.Login.FACEBOOK) -> GraphClient:
    """Return a client that acts for whoever the token stands for; the empty text is nobody."""
    return _client(flavour_of(login).graph_url, app_settings.GRAPH_VERSION, token)


def client_for_refresh(account: ConnectedAccount) -> GraphClient:
    """Return a client for renewing a token: Meta documents that address without a version."""
    return _client(flavour_of(account.login).graph_url, "", account.access_token)


def client_for_app() -> GraphClient:
    """Return a client that acts for the Meta app itself."""
    credentials = app_credentials()
    return client_for_token(f"{credentials.app_id}|{credentials.app_secret}")


def client_for_account(account: ConnectedAccount, *, even_on_hold: bool = False) -> GraphClient:
    """Return a client that acts for a connected account, through the login it was made with.

    Raises `AccountOnHold` unless the account is connected: this is where calls with a dead token
    end. `even_on_hold` is for saying goodbye.
    """
    if not account.is_active and not even_on_hold:
        disconnected = account.status == ConnectedAccount.Status.DISCONNECTED
        raise AccountOnHold(account.pk, disconnected=disconnected)
    return client_for_token(account.access_token, account.login)


def _client(base_url: str, version: str, token: str) -> GraphClient:
    return GraphClient(
        base_url=base_url,
        version=version,
        app_secret=app_credentials().app_secret,
        token=token,
        timeout=app_settings.GRAPH_TIMEOUT,
    )
