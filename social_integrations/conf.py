"""The app's settings: one typed property each, read from Django's settings at use time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

DEFAULT_SCOPES = (
    "instagram_basic",
    "instagram_manage_messages",
    "pages_show_list",
    "pages_read_engagement",
    "pages_manage_metadata",
    "business_management",
)
DEFAULT_LOGIN_SCOPES = ("instagram_business_basic", "instagram_business_manage_messages")
# Instagram's own field names; Instagram Login takes them as they are.
DEFAULT_LOGIN_SUBSCRIBED_FIELDS = (
    "messages",
    "messaging_postbacks",
    "message_reactions",
    "message_edit",
    "messaging_seen",
    "messaging_referral",
    "messaging_handover",
    "standby",
)
DEFAULT_LOGIN_DIALOG_SWITCHES = ("force_reauth=true", "enable_fb_login=false")
# Page field names; Meta refuses Instagram's names on a Page (see docs/setup-meta.md).
DEFAULT_SUBSCRIBED_FIELDS = (
    "messages",
    "messaging_postbacks",
    "message_reactions",
    "standby",
    "messaging_handovers",
)
# Where Meta keeps the media of messages.
DEFAULT_MEDIA_HOSTS = ("lookaside.fbsbx.com", "*.fbcdn.net", "*.cdninstagram.com", "*.fbsbx.com")


@dataclass(frozen=True)
class AppSettings:
    """Reads `INSTAGRAM_*` Django settings; nothing is cached, so overrides work in tests."""

    prefix: str = "INSTAGRAM_"

    def _get(self, name: str, default: Any) -> Any:
        return getattr(settings, self.prefix + name, default)

    def _url(self, name: str, default: str) -> str:
        return str(self._get(name, default)).rstrip("/")

    def _path(self, name: str, default: str) -> str:
        return str(self._get(name, default)).strip("/")

    def _list(self, name: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        value = self._get(name, default)
        values = [value] if isinstance(value, str) else (value or default)
        return tuple(str(item) for item in values if item)

    @property
    def APP_ID(self) -> str:
        """The Meta app's id (App settings > Basic)."""
        return str(self._get("APP_ID", ""))

    @property
    def APP_SECRETS(self) -> tuple[str, ...]:
        """Every app secret a delivery may be signed with; the first one is used for calls.

        The setting `INSTAGRAM_APP_SECRET` is a text, or a list while a secret is being replaced.
        Empty means every delivery is refused.
        """
        return self._list("APP_SECRET")

    @property
    def LOGIN_APP_ID(self) -> str:
        """The Instagram app id (Instagram > API setup with Instagram login); not the Meta app's."""
        return str(self._get("LOGIN_APP_ID", ""))

    @property
    def LOGIN_APP_SECRETS(self) -> tuple[str, ...]:
        """Every Instagram app secret in use; the first one is used for calls.

        The setting `INSTAGRAM_LOGIN_APP_SECRET` is a text, or a list while one is replaced.
        """
        return self._list("LOGIN_APP_SECRET")

    @property
    def ALL_APP_SECRETS(self) -> tuple[str, ...]:
        """The secrets of both logins: Meta signs with either, and does not say with which."""
        return self.APP_SECRETS + self.LOGIN_APP_SECRETS

    @property
    def WEBHOOK_VERIFY_TOKENS(self) -> tuple[str, ...]:
        """What Meta must send in the webhook handshake; a text or a list."""
        return self._list("WEBHOOK_VERIFY_TOKEN")

    @property
    def REDIRECT_URI(self) -> str:
        """Where Meta sends the browser back to; byte-identical to the Meta app's list."""
        return str(self._get("REDIRECT_URI", ""))

    @property
    def PUBLIC_ORIGIN(self) -> str:
        """Scheme and host people reach this server under, as in links we give to Meta.

        `INSTAGRAM_PUBLIC_URL`, else the origin of `INSTAGRAM_REDIRECT_URI`; empty without either.
        """
        parts = urlsplit(str(self._get("PUBLIC_URL", "")) or self.REDIRECT_URI)
        return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""

    @property
    def SCOPES(self) -> tuple[str, ...]:
        """Permissions asked for when an account is connected."""
        return self._list("SCOPES", DEFAULT_SCOPES)

    @property
    def LOGIN_SCOPES(self) -> tuple[str, ...]:
        """Permissions asked for when an account is connected through Instagram Login."""
        return self._list("LOGIN_SCOPES", DEFAULT_LOGIN_SCOPES)

    @property
    def FACEBOOK_CONFIG_ID(self) -> str:
        """A configuration of Facebook Login for Business, asked for instead of the scopes."""
        return str(self._get("FACEBOOK_CONFIG_ID", ""))

    @property
    def SUBSCRIBED_FIELDS(self) -> tuple[str, ...]:
        """Page webhook fields asked for when a Page is subscribed."""
        return self._list("SUBSCRIBED_FIELDS", DEFAULT_SUBSCRIBED_FIELDS)

    @property
    def LOGIN_SUBSCRIBED_FIELDS(self) -> tuple[str, ...]:
        """Webhook fields asked for when an account of Instagram Login is subscribed."""
        return self._list("LOGIN_SUBSCRIBED_FIELDS", DEFAULT_LOGIN_SUBSCRIBED_FIELDS)

    @property
    def TOKEN_ENCRYPTION_KEYS(self) -> tuple[str, ...]:
        """Fernet keys for stored tokens: the first encrypts, all decrypt.

        Losing them loses every connection.
        """
        return self._list("TOKEN_ENCRYPTION_KEYS")

    @property
    def GRAPH_VERSION(self) -> str:
        """Graph API version, e.g. `v26.0`; an expired one is served by the oldest still alive."""
        return str(self._get("GRAPH_VERSION", "v26.0"))

    @property
    def FACEBOOK_GRAPH_URL(self) -> str:
        """Where Graph calls go, without version; another host is a stand-in for tests."""
        return self._url("FACEBOOK_GRAPH_URL", "https://graph.facebook.com")

    @property
    def FACEBOOK_DIALOG_URL(self) -> str:
        """Where the consent dialog lives, without version."""
        return self._url("FACEBOOK_DIALOG_URL", "https://www.facebook.com")

    @property
    def FACEBOOK_DIALOG_PATH(self) -> str:
        """The consent dialog's path behind the version."""
        return self._path("FACEBOOK_DIALOG_PATH", "dialog/oauth")

    @property
    def FACEBOOK_TOKEN_PATH(self) -> str:
        """The path behind the version where codes and tokens are exchanged."""
        return self._path("FACEBOOK_TOKEN_PATH", "oauth/access_token")

    @property
    def LOGIN_GRAPH_VERSION(self) -> str:
        """API version of Instagram Login; Meta counts both hosts alike."""
        return str(self._get("LOGIN_GRAPH_VERSION", "") or self.GRAPH_VERSION)

    @property
    def LOGIN_GRAPH_URL(self) -> str:
        """Where calls of Instagram Login go, without version."""
        return self._url("LOGIN_GRAPH_URL", "https://graph.instagram.com")

    @property
    def LOGIN_DIALOG_URL(self) -> str:
        """Where Instagram's consent page lives."""
        return self._url("LOGIN_DIALOG_URL", "https://www.instagram.com")

    @property
    def LOGIN_DIALOG_PATH(self) -> str:
        """The path of Instagram's consent page."""
        return self._path("LOGIN_DIALOG_PATH", "oauth/authorize")

    @property
    def LOGIN_DIALOG_SWITCHES(self) -> tuple[tuple[str, str], ...]:
        """Further parameters of Instagram's consent page, each written `name=value`."""
        given = self._list("LOGIN_DIALOG_SWITCHES", DEFAULT_LOGIN_DIALOG_SWITCHES)
        parts = (switch.partition("=") for switch in given)
        return tuple((name.strip(), value.strip()) for name, _, value in parts)

    @property
    def LOGIN_TOKEN_URL(self) -> str:
        """Where codes of Instagram Login are exchanged."""
        return self._url("LOGIN_TOKEN_URL", "https://api.instagram.com")

    @property
    def LOGIN_TOKEN_PATH(self) -> str:
        """The path where codes of Instagram Login are exchanged."""
        return self._path("LOGIN_TOKEN_PATH", "oauth/access_token")

    @property
    def LOGIN_EXTEND_PATH(self) -> str:
        """The path where a short-lived token of Instagram Login becomes a long-lived one."""
        return self._path("LOGIN_EXTEND_PATH", "access_token")

    @property
    def GRAPH_TIMEOUT(self) -> tuple[float, float]:
        """Seconds to wait for a Graph connection, and for its answer."""
        connect, read = self._get("GRAPH_TIMEOUT", (3.05, 10.0))
        return float(connect), float(read)

    @property
    def WEBHOOK_MAX_BYTES(self) -> int:
        """Largest delivery accepted, in bytes; Meta's batches pass Django's own 2.5 MB limit."""
        return int(self._get("WEBHOOK_MAX_BYTES", 8 * 1024 * 1024))

    @property
    def WEBHOOK_REFUSED_RATE(self) -> str | None:
        """Refused webhook requests per address before it gets 429; `off` for no limit."""
        rate = str(self._get("WEBHOOK_REFUSED_RATE", "300/min"))
        return None if rate in ("", "off") else rate

    @property
    def CONNECT_RETURN_URL(self) -> str:
        """A frontend page to go to after connecting; empty shows our own result page."""
        return str(self._get("CONNECT_RETURN_URL", ""))

    @property
    def CONNECT_RETURN_URLS(self) -> tuple[str, ...]:
        """Further pages a frontend may ask to return to, each without query."""
        return self._list("CONNECT_RETURN_URLS")

    @property
    def WARN_EMAILS(self) -> tuple[str, ...]:
        """Who gets an e-mail when an account needs a person; empty for nobody."""
        return self._list("WARN_EMAILS")

    @property
    def ACCESS_POLICY(self) -> str:
        """Dotted path of the class that says which accounts a user may see."""
        return str(self._get("ACCESS_POLICY", "social_integrations.access.AccessPolicy"))

    @property
    def APPLY_BATCH_SIZE(self) -> int:
        """Ledger rows applied in one transaction."""
        return int(self._get("APPLY_BATCH_SIZE", 500))

    @property
    def LEDGER_DAYS(self) -> int:
        """Days after which applied ledger rows are deleted; 0 keeps them for ever."""
        return int(self._get("LEDGER_DAYS", 30))

    @property
    def APPLY_MAX_ATTEMPTS(self) -> int:
        """Tries of a failing ledger item before it waits for a person."""
        return int(self._get("APPLY_MAX_ATTEMPTS", 5))

    @property
    def WORKER_POLL_SECONDS(self) -> float:
        """How long an idle worker waits before it looks for work again."""
        return float(self._get("WORKER_POLL_SECONDS", 0.3))

    @property
    def WATCH_SECONDS(self) -> int:
        """While somebody sees an account, how often Meta is asked how it is; 0 for not at all."""
        return int(self._get("WATCH_SECONDS", 30))

    @property
    def JOB_MAX_ATTEMPTS(self) -> int:
        """Tries of a background job before it is set aside as dead."""
        return int(self._get("JOB_MAX_ATTEMPTS", 8))

    @property
    def JOB_LEASE_SECONDS(self) -> int:
        """How long a running job is left alone; longer than every timeout of one job together."""
        return int(self._get("JOB_LEASE_SECONDS", 80))

    @property
    def HUMAN_AGENT(self) -> bool:
        """Whether Meta approved the Human Agent feature: people may then answer for seven days.

        Only `True` itself switches it on: a tag without the approval breaks Meta's policy.
        """
        return self._get("HUMAN_AGENT", None) is True

    @property
    def UPLOAD_LINK_SECONDS(self) -> int:
        """How long the signed link works under which Meta fetches a file staff sent."""
        return int(self._get("UPLOAD_LINK_SECONDS", 3600))

    @property
    def INBOX_SSE(self) -> bool:
        """Whether the inbox's pages hear of changes by a stream; needs the ASGI entry point."""
        return self._get("INBOX_SSE", None) is True

    @property
    def CONTACT_RESOLVER(self) -> str:
        """Dotted path of a function that finds the host CRM's record of a contact; empty: none."""
        return str(self._get("CONTACT_RESOLVER", ""))

    @property
    def ARCHIVE_MEDIA(self) -> bool:
        """Whether to keep copies of pictures, videos, sound and files people send.

        Meta's reviewers have refused apps for it. Only `True` itself switches it on.
        """
        return self._get("ARCHIVE_MEDIA", None) is True

    @property
    def MEDIA_HOSTS(self) -> tuple[str, ...]:
        """Hosts media links may lead to: names, `*.names`, `host:port` of a test server here."""
        return self._list("MEDIA_HOSTS", DEFAULT_MEDIA_HOSTS)

    @property
    def MEDIA_MAX_BYTES(self) -> int:
        """Largest file copied, in bytes."""
        return int(self._get("MEDIA_MAX_BYTES", 25 * 1024 * 1024))


app_settings = AppSettings()
