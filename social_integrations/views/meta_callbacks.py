"""Meta's callbacks about people who leave: the app was removed; data is to be deleted."""

import logging

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from social_integrations.conf import app_settings
from social_integrations.exceptions import SignedRequestError
from social_integrations.graph.signatures import SignedRequest, read_signed_request
from social_integrations.services import deletion

from .answers import declared_length, refusal, text_answer

logger = logging.getLogger(__name__)

FIELD = "signed_request"
FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
# A signed request of the largest size accepted, with room for the form around it.
MAX_BYTES = 16_384
REFUSALS = {
    "too_large": (413, "The request is too large.\n"),
    "not_form": (400, "A form with one field signed_request is expected.\n"),
    "signed_request": (403, "Forbidden: the signed request does not match.\n"),
}
# What Django's form parsing raises for bodies that are none.
UNREADABLE = (
    BadRequest,
    LookupError,
    MultiPartParserError,
    SuspiciousOperation,
    UnreadablePostError,
    ValueError,
)


class RefusedError(Exception):
    """The request is refused; its text is a key of `REFUSALS`."""


@csrf_exempt
@transaction.non_atomic_requests  # the services commit by themselves
@require_POST
def deauthorize(request: HttpRequest) -> HttpResponse:
    """Disconnect the accounts of whoever removed the app; Meta ignores the body of the answer."""
    try:
        deletion.deauthorize(_read(request))
    except RefusedError as error:
        return _refusal(request, error)
    except (OperationalError, InterfaceError) as error:
        return _unavailable("Deauthorisation", error)
    return text_answer(200, "OK\n")


@csrf_exempt
@transaction.non_atomic_requests  # the services commit by themselves
@require_POST
def data_deletion(request: HttpRequest) -> HttpResponse:
    """Take a deletion request and say where its state is shown.

    Meta: the answer is JSON with `url` and `confirmation_code` at its top, for unknown users too.
    """
    try:
        asked = deletion.request_deletion(_read(request))
    except RefusedError as error:
        return _refusal(request, error)
    except (OperationalError, InterfaceError) as error:
        return _unavailable("Deletion request", error)
    code = asked.confirmation_code
    path = reverse("social_integrations:deletion-status", args=[code])
    # The host comes from the settings: a Host header is the caller's.
    answer = {"url": f"{app_settings.PUBLIC_ORIGIN}{path}", "confirmation_code": code}
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})


def _read(request: HttpRequest) -> SignedRequest:
    """Return what Meta signed; raise `RefusedError` for everything else."""
    if declared_length(request) > MAX_BYTES:
        raise RefusedError("too_large")
    given = _fields(request).getlist(FIELD)
    if len(given) != 1:
        raise RefusedError("not_form")
    secrets = app_settings.ALL_APP_SECRETS
    try:
        return read_signed_request(given[0], secrets)
    except SignedRequestError:
        raise RefusedError("signed_request") from None


def _fields(request: HttpRequest) -> MultiValueDict[str, str]:
    """Return the form's fields: from the body only, whatever the address says."""
    if request.content_type not in FORMS:
        raise RefusedError("not_form")
    request.encoding = "utf-8"  # not the one the caller names
    try:
        return request.POST
    except UNREADABLE:
        raise RefusedError("not_form") from None


def _refusal(request: HttpRequest, error: RefusedError) -> HttpResponse:
    return refusal(request, str(error), REFUSALS[str(error)])


def _unavailable(what: str, error: Exception) -> HttpResponse:
    """Ask Meta to repeat: the database is away."""
    logger.error("%s not taken, Meta will repeat it: %s", what, type(error).__name__)
    response = text_answer(503, "The database is not available; please repeat.\n")
    response["Retry-After"] = "5"
    return response
