"""Count requests refused at Meta's doors, and stop answering an address that sends too many."""

from typing import Any, cast

from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from social_integrations.conf import app_settings

REASONS = (
    "signature",
    "handshake",
    "too_large",
    "not_json",
    "not_form",
    "signed_request",
    "deletion_code",
    "rate",
)
KEEP_SECONDS = 2 * 86_400


class RefusedRequestThrottle(SimpleRateThrottle):
    """Limits refused requests per address, as DRF counts them behind NUM_PROXIES proxies."""

    scope = "instagram_webhook_refused"

    def get_rate(self) -> str | None:
        """Return the configured rate; an empty one switches the limit off."""
        return app_settings.WEBHOOK_REFUSED_RATE

    def get_cache_key(self, request: Request, view: APIView) -> str:  # noqa: ARG002 - DRF's signature
        """Return one key per client address."""
        return f"{self.scope}:{self.get_ident(request)}"


def refuse(request: HttpRequest, reason: str) -> bool:
    """Count a refused request; return whether its address may still be answered with the reason.

    Counters live in Django's cache: with several processes, give them a shared one.
    """
    _count(reason)
    # The throttle only reads META, which Django's own request has as well.
    allowed = RefusedRequestThrottle().allow_request(cast("Any", request), cast("Any", None))
    if not allowed:
        _count("rate")
    return allowed


def counts_today() -> dict[str, int]:
    """Return how many requests were refused since midnight UTC, by reason."""
    found = cache.get_many([_key(reason) for reason in REASONS])
    return {reason: found[_key(reason)] for reason in REASONS if _key(reason) in found}


def _count(reason: str) -> None:
    if not cache.add(_key(reason), 1, KEEP_SECONDS):
        try:
            cache.incr(_key(reason))
        except ValueError:  # it expired in between
            cache.set(_key(reason), 1, KEEP_SECONDS)


def _key(reason: str) -> str:
    return f"instagram_refused:{timezone.now():%Y-%m-%d}:{reason}"
