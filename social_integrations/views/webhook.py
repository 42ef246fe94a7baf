"""Meta's door: the handshake, and signed deliveries into the ledger."""

import logging
import re

from django.core.exceptions import TooManyFieldsSent
from django.db import Error as DatabaseError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from social_integrations.conf import app_settings
from social_integrations.graph.signatures import is_signed, matches_any
from social_integrations.services.intake import store_delivery
from social_integrations.services.refusals import refuse

logger = logging.getLogger(__name__)

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{1,255}", re.ASCII)
HANDSHAKE = ("hub.mode", "hub.challenge", "hub.verify_token")
# Refusals: reason → status and the fixed text; nothing a caller sent is ever repeated.
REFUSALS = {
    "signature": (403, "Forbidden: the signature does not match.\n"),
    "handshake": (403, "Forbidden: the webhook handshake does not match.\n"),
    "too_large": (413, "The delivery is too large.\n"),
    "not_json": (400, "The delivery is not JSON.\n"),
}


@csrf_exempt
@transaction.non_atomic_requests  # intake commits by itself, and may need a new connection
@require_http_methods(["GET", "POST"])
def webhook(request: HttpRequest) -> HttpResponse:
    """Answer Meta: GET is the handshake, POST a delivery. Neither needs a session or cookies."""
    return _handshake(request) if request.method == "GET" else _delivery(request)


def _handshake(request: HttpRequest) -> HttpResponse:
    """Echo the challenge as plain text where mode and verify token are exactly right."""
    try:
        given = {name: request.GET.getlist(name) for name in HANDSHAKE}
    except TooManyFieldsSent:
        return _refusal(request, "handshake")
    if any(len(values) != 1 for values in given.values()):
        return _refusal(request, "handshake")
    mode, challenge, token = (given[name][0] for name in HANDSHAKE)
    known = matches_any(token, app_settings.WEBHOOK_VERIFY_TOKENS)
    if not known or mode != "subscribe" or not CHALLENGE.fullmatch(challenge):
        return _refusal(request, "handshake")
    return _text(200, challenge)


def _delivery(request: HttpRequest) -> HttpResponse:
    limit = app_settings.WEBHOOK_MAX_BYTES
    if _declared_length(request) > limit:
        return _refusal(request, "too_large")
    try:
        body = request.read(limit + 1)  # not request.body: Django caps that below Meta's batches
    except UnreadablePostError:
        return _text(400, "The delivery broke off.\n")
    if len(body) > limit:
        return _refusal(request, "too_large")
    signature = request.META.get("HTTP_X_HUB_SIGNATURE_256", "")
    if not is_signed(body, signature, app_settings.ALL_APP_SECRETS):
        return _refusal(request, "signature")
    return _store(request, body)


def _store(request: HttpRequest, body: bytes) -> HttpResponse:
    try:
        store_delivery(body)
    except ValueError:
        return _refusal(request, "not_json", signed=True)
    except DatabaseError as error:
        logger.error("Delivery not stored, Meta will repeat it: %s", type(error).__name__)
        response = _text(503, "The database is not available; please repeat.\n")
        response["Retry-After"] = "5"
        return response
    return _text(200, "EVENT_RECEIVED")


def _declared_length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _refusal(request: HttpRequest, reason: str, *, signed: bool = False) -> HttpResponse:
    """Refuse and count; an address that is refused too often gets 429, signed deliveries never."""
    if not _may_be_answered(request, reason) and not signed:
        response = _text(429, "Too many refused requests.\n")
        response["Retry-After"] = "60"
        return response
    return _text(*REFUSALS[reason])


def _may_be_answered(request: HttpRequest, reason: str) -> bool:
    """Count the refusal; while the counters cannot be reached (a cache in a lost database), yes."""
    try:
        return refuse(request, reason)
    except DatabaseError:
        return True


def _text(status: int, content: str) -> HttpResponse:
    response = HttpResponse(content, status=status, content_type="text/plain; charset=utf-8")
    # CommonMiddleware would add it, but deliveries need not pass any middleware.
    response["Content-Length"] = str(len(response.content))
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response
