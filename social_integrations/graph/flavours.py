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


FACEBOOK_LOGIN = Flavour(
    name="facebook",
    graph_url="https://graph.facebook.com",
    dialog_url="https://www.facebook.com",
    dialog_path="dialog/oauth",
    token_path="oauth/access_token",  # noqa: S106 - a path
    inspect_path="debug_token",
    essential_scopes=("instagram_basic", "instagram_manage_messages"),
)
