"""The differences between Meta's login products, as data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """One login product: its hosts, paths and the permissions nothing works without."""

    name: str
    graph_url: str
    """Where Graph calls go, without version."""
    dialog_url: str
    """Where the consent dialog lives, without version."""
    dialog_path: str
    token_path: str
    inspect_path: str
    essential_scopes: tuple[str, ...]
    """Without one of these an account cannot be connected at all."""
    refresh_path: str = ""
    """Where a token that expires is renewed; empty where tokens have no end."""
    subscribed_node: str = ""
    """Whose events are subscribed; empty is the account's Page."""


FACEBOOK_LOGIN = Flavour(
    name="facebook",
    graph_url="https://graph.facebook.com",
    dialog_url="https://www.facebook.com",
    dialog_path="dialog/oauth",
    token_path="oauth/access_token",  # noqa: S106 - a path
    inspect_path="debug_token",
    essential_scopes=("instagram_basic", "instagram_manage_messages"),
)

INSTAGRAM_LOGIN = Flavour(
    name="instagram",
    graph_url="https://graph.instagram.com",
    dialog_url="https://www.instagram.com",
    dialog_path="oauth/authorize",
    token_path="oauth/access_token",  # noqa: S106 - a path
    inspect_path="",  # Meta: no inspector for these tokens was found
    essential_scopes=("instagram_business_basic", "instagram_business_manage_messages"),
    refresh_path="refresh_access_token",
    subscribed_node="me",
)
