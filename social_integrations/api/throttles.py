"""How often one person may call: each scope's rate is the host's, or ours where it sets none."""

from rest_framework.settings import api_settings
from rest_framework.throttling import UserRateThrottle


class ScopeThrottle(UserRateThrottle):
    """Counts a person's calls in one scope; the rate is read at use time."""

    default_rate = ""

    def get_rate(self) -> str | None:
        """Return the host's rate for the scope, or ours where it sets none."""
        rates = api_settings.DEFAULT_THROTTLE_RATES or {}
        rate = rates.get(str(self.scope), self.default_rate)
        return str(rate) if rate else None


class ReadThrottle(ScopeThrottle):
    """Looking at things; leaves room for a poll every second in several windows."""

    scope = "instagram_read"
    default_rate = "600/min"


class WriteThrottle(ScopeThrottle):
    """Changing things inside the CRM."""

    scope = "instagram_write"
    default_rate = "240/min"


class SendThrottle(ScopeThrottle):
    """What goes out to customers."""

    scope = "instagram_send"
    default_rate = "60/min"


class UploadThrottle(ScopeThrottle):
    """Files."""

    scope = "instagram_upload"
    default_rate = "60/min"


class HealthThrottle(ScopeThrottle):
    """Looks of the doctor: each costs calls to Meta."""

    scope = "instagram_health"
    default_rate = "6/min"
