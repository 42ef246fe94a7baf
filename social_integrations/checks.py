"""System checks: every missing or insecure setting, named with the variable to set."""

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning  # noqa: A004 - Django's own name
from django.db import connections
from django.utils.module_loading import import_string

from .conf import app_settings
from .media.links import is_host_entry, is_stand_in

MINIMUM_TOKEN_LENGTH = 32
SHORTEST_LINK_SECONDS = 300
SHORTEST_LEDGER_DAYS = 3
OFFICIAL_HOSTS = {
    "INSTAGRAM_FACEBOOK_GRAPH_URL": "graph.facebook.com",
    "INSTAGRAM_FACEBOOK_DIALOG_URL": "www.facebook.com",
    "INSTAGRAM_LOGIN_GRAPH_URL": "graph.instagram.com",
    "INSTAGRAM_LOGIN_TOKEN_URL": "api.instagram.com",
    "INSTAGRAM_LOGIN_DIALOG_URL": "www.instagram.com",
}
# Texts people leave in place: samples of guides, and the usual stand-ins.
PLACEHOLDER = re.compile(
    r"|change[-_ ]?me.*|your[-_ ].*|<.*>|\.\.\.|x+|todo|secret|password|test"
    r"|example.*|placeholder.*",
    re.IGNORECASE,
)
PUBLISHED_TOKENS = frozenset({"instagram_webhook_verify_token_2024"})

Messages: TypeAlias = Iterator[CheckMessage]


def is_placeholder(value: str) -> bool:
    """Return whether a secret is obviously not one."""
    return PLACEHOLDER.fullmatch(value.strip()) is not None


def is_loopback(url: str) -> bool:
    """Return whether the address points at this machine."""
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}


def check_app_secret() -> Messages:
    """Without the secret nothing Meta sends can be believed."""
    secrets = app_settings.APP_SECRETS
    alone = app_settings.LOGIN_APP_SECRETS and not app_settings.APP_ID
    if not secrets and not alone:
        yield Error(
            "INSTAGRAM_APP_SECRET is missing: every webhook delivery will be refused.",
            hint="Copy the App secret from App settings > Basic of your Meta app.",
            id="social_integrations.E001",
        )
    if any(is_placeholder(secret) for secret in secrets):
        yield Error(
            "INSTAGRAM_APP_SECRET is a placeholder: anybody could sign deliveries.",
            hint="Copy the App secret from App settings > Basic of your Meta app.",
            id="social_integrations.E002",
        )


def check_app_id() -> Messages:
    """The consent dialog needs the app's id."""
    alone = app_settings.LOGIN_APP_ID and not app_settings.APP_ID
    if not app_settings.APP_ID.isdecimal() and not alone:
        yield Warning(
            "INSTAGRAM_APP_ID is missing or a placeholder: no account can be connected.",
            hint="Copy the App ID, a number, from App settings > Basic of your Meta app.",
            id="social_integrations.W006",
        )


def check_instagram_login() -> Messages:
    """Instagram Login has an id and a secret of its own, and is offered with both only."""
    app_id, app_secrets = app_settings.LOGIN_APP_ID, app_settings.LOGIN_APP_SECRETS
    hint = "Copy both from Instagram > API setup with Instagram login, or leave both empty."
    if bool(app_id) != bool(app_secrets):
        missing = "INSTAGRAM_LOGIN_APP_SECRET" if app_id else "INSTAGRAM_LOGIN_APP_ID"
        yield Error(
            f"{missing} is missing: Instagram Login needs id and secret.",
            hint=hint,
            id="social_integrations.E010",
        )
    if app_id and not app_id.isdecimal():
        yield Error(
            "INSTAGRAM_LOGIN_APP_ID is a placeholder: nobody can connect with Instagram.",
            hint=hint,
            id="social_integrations.E011",
        )
    if any(is_placeholder(secret) for secret in app_secrets):
        yield Error(
            "INSTAGRAM_LOGIN_APP_SECRET is a placeholder: anybody could sign deliveries.",
            hint=hint,
            id="social_integrations.E011",
        )
    same = {
        "INSTAGRAM_LOGIN_APP_ID": app_id and app_id == app_settings.APP_ID,
        "INSTAGRAM_LOGIN_APP_SECRET": set(app_secrets) & set(app_settings.APP_SECRETS),
    }
    for name in (name for name, found in same.items() if found):
        yield Error(
            f"{name} is the Meta app's own: Instagram Login has another one.",
            hint=hint,
            id="social_integrations.E012",
        )


def check_return_urls() -> Messages:
    """An entry that is no plain address never matches, or sends people somewhere else."""
    for url in app_settings.CONNECT_RETURN_URLS:
        parts = urlsplit(url)
        plain = parts.scheme in {"https", "http"} and parts.hostname and "@" not in parts.netloc
        if not plain or "?" in url or "#" in url or not url.isprintable():
            yield Error(
                "INSTAGRAM_CONNECT_RETURN_URLS holds something that is no plain web address.",
                hint="Write each as https://host/path/, without query and fragment.",
                id="social_integrations.E013",
            )


def check_verify_token() -> Messages:
    """The handshake needs a token of its own."""
    tokens = app_settings.WEBHOOK_VERIFY_TOKENS
    hint = "Make a long random text and enter the same in the webhook settings of your Meta app."
    if not tokens:
        yield Error(
            "INSTAGRAM_WEBHOOK_VERIFY_TOKEN is missing: Meta cannot verify the webhook.",
            hint=hint,
            id="social_integrations.E003",
        )
    if any(is_placeholder(token) for token in tokens):
        yield Error(
            "INSTAGRAM_WEBHOOK_VERIFY_TOKEN is a placeholder.",
            hint=hint,
            id="social_integrations.E004",
        )
    if set(tokens) & set(app_settings.ALL_APP_SECRETS):
        yield Error(
            "INSTAGRAM_WEBHOOK_VERIFY_TOKEN equals an app secret: the token is typed into "
            "forms and logged by proxies, the secret must not be.",
            hint=hint,
            id="social_integrations.E005",
        )


def check_encryption_keys() -> Messages:
    """Tokens are only stored encrypted."""
    hint = "Run `python manage.py make_encryption_key` and put the result into the setting."
    keys = app_settings.TOKEN_ENCRYPTION_KEYS
    if not keys:
        yield Error(
            "INSTAGRAM_TOKEN_ENCRYPTION_KEYS is missing: no account can be connected.",
            hint=hint,
            id="social_integrations.E006",
        )
    for place, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            yield Error(
                f"Key {place} of INSTAGRAM_TOKEN_ENCRYPTION_KEYS is not a Fernet key.",
                hint=hint,
                id="social_integrations.E007",
            )


def check_redirect_uri() -> Messages:
    """Meta accepts HTTPS only, and the code must not travel in the clear."""
    uri = app_settings.REDIRECT_URI
    if not uri or "your-domain" in uri:
        yield Warning(
            "INSTAGRAM_REDIRECT_URI is missing or a placeholder: no account can be connected.",
            hint="https://your-host/api/social/instagram/oauth/callback/, as in your Meta app.",
            id="social_integrations.W001",
        )
    elif urlsplit(uri).scheme != "https" and not settings.DEBUG:
        message = "INSTAGRAM_REDIRECT_URI is not HTTPS: Meta refuses it outside development."
        hint = "Use the HTTPS address, the same as in the Meta app's redirect URIs."
        if is_loopback(uri):
            yield Warning(message, hint=hint, id="social_integrations.W002")
        else:
            yield Error(message, hint=hint, id="social_integrations.E008")


def check_meta_hosts() -> Messages:
    """Another host than Meta's gets tokens and secrets: right for the emulator only."""
    if settings.DEBUG:
        return
    urls = {
        "INSTAGRAM_FACEBOOK_GRAPH_URL": app_settings.FACEBOOK_GRAPH_URL,
        "INSTAGRAM_FACEBOOK_DIALOG_URL": app_settings.FACEBOOK_DIALOG_URL,
        "INSTAGRAM_LOGIN_GRAPH_URL": app_settings.LOGIN_GRAPH_URL,
        "INSTAGRAM_LOGIN_TOKEN_URL": app_settings.LOGIN_TOKEN_URL,
        "INSTAGRAM_LOGIN_DIALOG_URL": app_settings.LOGIN_DIALOG_URL,
    }
    for name, url in urls.items():
        parts = urlsplit(url)
        if (parts.scheme, parts.hostname) != ("https", OFFICIAL_HOSTS[name]):
            yield Warning(
                f"{name} is not Meta's own host: tokens and secrets go to {parts.hostname}.",
                hint="Remove the variable unless you run the emulator.",
                id="social_integrations.W003",
            )


def check_media_hosts() -> Messages:
    """A stand-in on this machine is for tests; an entry nobody can read allows nothing."""
    for entry in app_settings.MEDIA_HOSTS:
        if not is_host_entry(entry):
            yield Warning(
                f"INSTAGRAM_MEDIA_HOSTS has an entry that is no host and is ignored: {entry!r}.",
                hint="Write host names, *.names, or host:port of a test server on this machine.",
                id="social_integrations.W008",
            )
        elif is_stand_in(entry) and not settings.DEBUG:
            yield Warning(
                f"INSTAGRAM_MEDIA_HOSTS lets media links reach {entry} on this machine.",
                hint="Remove the entry unless you run the emulator.",
                id="social_integrations.W007",
            )


def check_human_agent() -> Messages:
    """A tag without Meta's approval breaks its policy, so only True itself switches it on."""
    value = getattr(settings, "INSTAGRAM_HUMAN_AGENT", None)
    if value is not None and not isinstance(value, bool):
        yield Warning(
            "INSTAGRAM_HUMAN_AGENT is neither True nor False: answers end after 24 hours.",
            hint="Set it to True once Meta has approved the Human Agent feature, else to False.",
            id="social_integrations.W009",
        )


def check_contact_resolver() -> Messages:
    """What finds a contact's record in the host's CRM has to be there."""
    path = app_settings.CONTACT_RESOLVER
    if not path:
        return
    try:
        found = import_string(path)
    except Exception:  # noqa: BLE001 - the host's module may raise anything
        found = None
    if not callable(found):
        yield Error(
            f"INSTAGRAM_CONTACT_RESOLVER names nothing that can be called: {path!r}.",
            hint="Write the dotted path of a function that takes a Contact; see docs/hooks.md.",
            id="social_integrations.E014",
        )


def check_upload_links() -> Messages:
    """Meta fetches a file a while after it was told of it; a video may take it over a minute."""
    if app_settings.UPLOAD_LINK_SECONDS < SHORTEST_LINK_SECONDS:
        yield Warning(
            "INSTAGRAM_UPLOAD_LINK_SECONDS is so short that Meta may come too late for a file.",
            hint=f"Set it to {SHORTEST_LINK_SECONDS} or more; 3600 is the default.",
            id="social_integrations.W010",
        )


def check_ledger_days() -> Messages:
    """What is deleted while Meta still repeats it comes back as a new row."""
    if 0 != app_settings.LEDGER_DAYS < SHORTEST_LEDGER_DAYS:
        yield Warning(
            "INSTAGRAM_LEDGER_DAYS is shorter than Meta repeats deliveries, which is 36 hours.",
            hint=f"Set it to {SHORTEST_LEDGER_DAYS} or more, or to 0 to keep the ledger for ever.",
            id="social_integrations.W011",
        )


def check_connections() -> Messages:
    """How long connections live decides a factor of ten in what the webhook can take."""
    default = connections["default"]
    if default.vendor == "sqlite":
        return
    pooled = bool(default.settings_dict.get("OPTIONS", {}).get("pool"))
    persistent = default.settings_dict.get("CONN_MAX_AGE") != 0
    asgi = bool(getattr(settings, "ASGI_APPLICATION", None))
    if not asgi and not pooled and not persistent:
        yield Warning(
            "Database connections are closed after every request: the webhook takes a tenth of "
            "the deliveries it could.",
            hint="Set CONN_MAX_AGE (DATABASE_CONN_MAX_AGE=600 in the demo project) or a pool.",
            id="social_integrations.W004",
        )
    if asgi and persistent and not pooled:
        yield Warning(
            "Persistent database connections under ASGI: connections leak until the database "
            "refuses new ones.",
            hint='Set CONN_MAX_AGE to 0 and use psycopg\'s pool: OPTIONS = {"pool": True}.',
            id="social_integrations.W005",
        )


def check_verify_token_strength() -> Messages:
    """A guessable verify token lets others point webhooks at us."""
    for token in app_settings.WEBHOOK_VERIFY_TOKENS:
        if len(token) < MINIMUM_TOKEN_LENGTH or token in PUBLISHED_TOKENS:
            yield Error(
                "INSTAGRAM_WEBHOOK_VERIFY_TOKEN is short or printed in a guide.",
                hint=f"Use at least {MINIMUM_TOKEN_LENGTH} random characters.",
                id="social_integrations.E009",
            )


CHECKS: tuple[Callable[[], Messages], ...] = (
    check_app_secret,
    check_app_id,
    check_instagram_login,
    check_return_urls,
    check_verify_token,
    check_encryption_keys,
    check_redirect_uri,
    check_meta_hosts,
    check_media_hosts,
    check_human_agent,
    check_contact_resolver,
    check_upload_links,
    check_ledger_days,
    check_connections,
)


def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """Run every check."""
    return [message for check in CHECKS for message in check()]


def check_deployment(**_kwargs: Any) -> list[CheckMessage]:
    """Run what matters once strangers can reach the server (`check --deploy`)."""
    return list(check_verify_token_strength())


def register_all(register: Any) -> None:
    """Register the checks with Django."""
    register(check_settings, Tags.security)
    register(check_deployment, Tags.security, deploy=True)
