"""Graph clients, built from the settings: the only place where settings, tokens and Graph meet."""

from dataclasses import replace

from social_integrations.conf import app_settings
from social_integrations.exceptions import AccountOnHold, ConfigurationError
from social_integrations.graph.client import GraphClient
from social_integrations.graph.flavours import (
    FACEBOOK_LOGIN,
    INSTAGRAM_LOGIN,
    Exchange,
    Flavour,
)
from social_integrations.graph.types import AppCredentials
from social_integrations.models import ConnectedAccount

FACEBOOK, INSTAGRAM = ConnectedAccount.Login.FACEBOOK, ConnectedAccount.Login.INSTAGRAM


def facebook_login() -> Flavour:
    """Return Facebook Login at the configured hosts."""
    return replace(
        FACEBOOK_LOGIN,
        graph_url=app_settings.FACEBOOK_GRAPH_URL,
        code_url=app_settings.FACEBOOK_GRAPH_URL,
        dialog_url=app_settings.FACEBOOK_DIALOG_URL,
        dialog_path=app_settings.FACEBOOK_DIALOG_PATH,
        code=replace(FACEBOOK_LOGIN.code, path=app_settings.FACEBOOK_TOKEN_PATH),
        extend=replace(FACEBOOK_LOGIN.extend, path=app_settings.FACEBOOK_TOKEN_PATH),
    )


def instagram_login() -> Flavour:
    """Return Instagram Login at the configured hosts."""
    return replace(
        INSTAGRAM_LOGIN,
        graph_url=app_settings.LOGIN_GRAPH_URL,
        code_url=app_settings.LOGIN_TOKEN_URL,
        dialog_url=app_settings.LOGIN_DIALOG_URL,
        dialog_path=app_settings.LOGIN_DIALOG_PATH,
        dialog_switches=app_settings.LOGIN_DIALOG_SWITCHES,
        code=replace(INSTAGRAM_LOGIN.code, path=app_settings.LOGIN_TOKEN_PATH),
        extend=replace(INSTAGRAM_LOGIN.extend, path=app_settings.LOGIN_EXTEND_PATH),
    )


def flavour_of(login: str) -> Flavour:
    """Return a login product at the configured hosts."""
    return instagram_login() if login == INSTAGRAM else facebook_login()


def graph_version(login: str) -> str:
    """Return the API version for a login product."""
    instagram = login == INSTAGRAM
    return app_settings.LOGIN_GRAPH_VERSION if instagram else app_settings.GRAPH_VERSION


def asked_scopes(login: str) -> tuple[str, ...]:
    """Return the permissions asked for with a login product."""
    return app_settings.LOGIN_SCOPES if login == INSTAGRAM else app_settings.SCOPES


def app_credentials(login: str = FACEBOOK) -> AppCredentials:
    """Return the id and current secret a login product goes by.

    Raises `ConfigurationError` if one is missing.
    """
    if login == INSTAGRAM:
        name, app_id, secrets = "_LOGIN", app_settings.LOGIN_APP_ID, app_settings.LOGIN_APP_SECRETS
    else:
        name, app_id, secrets = "", app_settings.APP_ID, app_settings.APP_SECRETS
    if not app_id:
        raise ConfigurationError(f"INSTAGRAM{name}_APP_ID is not set.")
    if not secrets:
        raise ConfigurationError(f"INSTAGRAM{name}_APP_SECRET is not set.")
    return AppCredentials(app_id=app_id, app_secret=secrets[0])


def client_for_token(token: str, login: str = FACEBOOK) -> GraphClient:
    """Return a client that acts for whoever the token stands for; the empty text is nobody."""
    flavour = flavour_of(login)
    return _client(flavour.graph_url, graph_version(login), token, login)


def client_for_exchange(login: str, exchange: Exchange) -> GraphClient:
    """Return a client without a token, at the host where this is exchanged."""
    flavour = flavour_of(login)
    base_url = flavour.code_url if exchange == flavour.code else flavour.graph_url
    return _client(base_url, graph_version(login) if exchange.versioned else "", "", login)


def client_for_refresh(account: ConnectedAccount) -> GraphClient:
    """Return a client for renewing a token: Meta documents that address without a version."""
    graph_url = flavour_of(account.login).graph_url
    return _client(graph_url, "", account.access_token, account.login)


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


def _client(base_url: str, version: str, token: str, login: str) -> GraphClient:
    return GraphClient(
        base_url=base_url,
        version=version,
        app_secret=app_credentials(login).app_secret,
        token=token,
        timeout=app_settings.GRAPH_TIMEOUT,
        proves=flavour_of(login).proves,
    )
