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

from .answers import declared_length, refusal, text_answer

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
    return text_answer(200, challenge)


def _delivery(request: HttpRequest) -> HttpResponse:
    limit = app_settings.WEBHOOK_MAX_BYTES
    if declared_length(request) > limit:
        return _refusal(request, "too_large")
    try:
        body = request.read(limit + 1)  # not request.body: Django caps that below Meta's batches
    except UnreadablePostError:
        return text_answer(400, "The delivery broke off.\n")
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
        response = text_answer(503, "The database is not available; please repeat.\n")
        response["Retry-After"] = "5"
        return response
    return text_answer(200, "EVENT_RECEIVED")


def _refusal(request: HttpRequest, reason: str, *, signed: bool = False) -> HttpResponse:
    return refusal(request, reason, REFUSALS[reason], signed=signed)
