"""The app's settings: one typed property each, read from Django's settings at use time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

DEFAULT_SCOPES = (
    "instagram_basic",
    "instagram_manage_messages",
    "pages_show_list",
    "pages_read_engagement",
    "pages_manage_metadata",
    "business_management",
)
# Page field names; Meta refuses Instagram's names on a Page (see docs/setup-meta.md).
DEFAULT_SUBSCRIBED_FIELDS = (
    "messages",
    "messaging_postbacks",
    "message_reactions",
    "standby",
    "messaging_handovers",
)


@dataclass(frozen=True)
class AppSettings:
    """Reads `INSTAGRAM_*` Django settings; nothing is cached, so overrides work in tests."""

    prefix: str = "INSTAGRAM_"

    def _get(self, name: str, default: Any) -> Any:
        return getattr(settings, self.prefix + name, default)

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
    def WEBHOOK_VERIFY_TOKENS(self) -> tuple[str, ...]:
        """What Meta must send in the webhook handshake; a text or a list."""
        return self._list("WEBHOOK_VERIFY_TOKEN")

    @property
    def REDIRECT_URI(self) -> str:
        """Where Meta sends the browser back to; byte-identical to the Meta app's list."""
        return str(self._get("REDIRECT_URI", ""))

    @property
    def SCOPES(self) -> tuple[str, ...]:
        """Permissions asked for when an account is connected."""
        return self._list("SCOPES", DEFAULT_SCOPES)

    @property
    def SUBSCRIBED_FIELDS(self) -> tuple[str, ...]:
        """Page webhook fields asked for when a Page is subscribed."""
        return self._list("SUBSCRIBED_FIELDS", DEFAULT_SUBSCRIBED_FIELDS)

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
        return str(self._get("FACEBOOK_GRAPH_URL", "https://graph.facebook.com")).rstrip("/")

    @property
    def FACEBOOK_DIALOG_URL(self) -> str:
        """Where the consent dialog lives, without version."""
        return str(self._get("FACEBOOK_DIALOG_URL", "https://www.facebook.com")).rstrip("/")

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
    def WORKER_POLL_SECONDS(self) -> float:
        """How long an idle worker waits before it looks for work again."""
        return float(self._get("WORKER_POLL_SECONDS", 0.3))

    @property
    def JOB_MAX_ATTEMPTS(self) -> int:
        """Tries of a background job before it is set aside as dead."""
        return int(self._get("JOB_MAX_ATTEMPTS", 8))

    @property
    def JOB_LEASE_SECONDS(self) -> int:
        """How long a running job is left alone; longer than every timeout of one job together."""
        return int(self._get("JOB_LEASE_SECONDS", 80))


app_settings = AppSettings()
