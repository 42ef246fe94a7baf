"""The differences between Meta's login products, as data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One trade at Meta: something is given, a token comes back."""

    path: str
    given: str
    """The parameter that carries the code or token traded in."""
    sends: tuple[str, ...] = ()
    """What goes along of `client_id`, `client_secret` and `redirect_uri`."""
    grant_type: str = ""
    method: str = "GET"
    once: bool = False
    """Whether a repeated call would mean something else: a code works once."""
    versioned: bool = True
    """Whether the API version stands in the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """One login product: its hosts, paths and the permissions nothing works without."""

    name: str
    graph_url: str
    """Where Graph calls go, without version."""
    dialog_url: str
    """Where the consent dialog lives, without version."""
    dialog_path: str
    dialog_versioned: bool = True
    dialog_switches: tuple[tuple[str, str], ...] = ()
    """Further parameters of the dialog."""
    code_url: str
    """Where a code is exchanged, without version."""
    code: Exchange
    """Code → short-lived token."""
    extend: Exchange
    """Short-lived → long-lived token."""
    inspect_path: str = ""
    """Where a token is inspected; empty where there is no such door."""
    subscribed_node: str = ""
    """Whose events are subscribed; empty is the account's Page."""
    fallback_fields: tuple[str, ...]
    """Webhook fields that need no further permission, for when Meta refuses the others."""
    proves: bool = True
    """Whether calls carry `appsecret_proof` unasked."""
    essential_scopes: tuple[str, ...]
    """Without one of these an account cannot be connected at all."""
    names_responses: bool = False
    """Whether an answer inside the 24 hours says `messaging_type: RESPONSE`."""
    any_emoji: bool = False
    """Whether a reaction may be any emoji; otherwise Meta documents `love` only."""
    messenger_platform: str = ""
    """What the Messenger profile wants to be told: a Page has one for Messenger as well."""
    refresh_path: str = ""
    """Where a token that expires is renewed; empty where tokens have no end."""


FACEBOOK_LOGIN = Flavour(
    name="facebook",
    graph_url="https://graph.facebook.com",
    dialog_url="https://www.facebook.com",
    dialog_path="dialog/oauth",
    code_url="https://graph.facebook.com",
    # Meta documents GET only, so code and secret stand in the address: it must never be logged.
    code=Exchange(
        path="oauth/access_token",
        given="code",
        sends=("client_id", "client_secret", "redirect_uri"),
        once=True,
    ),
    extend=Exchange(
        path="oauth/access_token",
        given="fb_exchange_token",
        sends=("client_id", "client_secret"),
        grant_type="fb_exchange_token",
    ),
    inspect_path="debug_token",
    names_responses=True,
    messenger_platform="instagram",
    # Meta: the Page call only has to install the app; Instagram's fields come from the app's own
    # webhook settings. `feed` needs no messaging permission of the Page.
    fallback_fields=("feed",),
    essential_scopes=("instagram_basic", "instagram_manage_messages"),
)

INSTAGRAM_LOGIN = Flavour(
    name="instagram",
    graph_url="https://graph.instagram.com",
    dialog_url="https://www.instagram.com",
    dialog_path="oauth/authorize",
    dialog_versioned=False,
    dialog_switches=(("force_reauth", "true"), ("enable_fb_login", "false")),
    code_url="https://api.instagram.com",
    code=Exchange(
        path="oauth/access_token",
        given="code",
        sends=("client_id", "client_secret", "redirect_uri"),
        grant_type="authorization_code",
        method="POST",
        once=True,
        versioned=False,
    ),
    extend=Exchange(
        path="access_token",
        given="access_token",
        sends=("client_secret",),
        grant_type="ig_exchange_token",
        versioned=False,
    ),
    any_emoji=True,
    refresh_path="refresh_access_token",
    subscribed_node="me",
    fallback_fields=("messages",),
    # Which secret would sign it here is not documented; it is added once Meta asks for it.
    proves=False,
    essential_scopes=("instagram_business_basic", "instagram_business_manage_messages"),
)
