"""One shape for every error of the API."""

from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404, JsonResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status
from rest_framework.exceptions import APIException, ParseError, Throttled, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from social_integrations.exceptions import ChangeRefused, DraftError, SendRefused
from social_integrations.selectors import CursorError

from .parsers import BodyTooLarge


class DatabaseUnavailable(APIException):
    """The database does not answer; trying again soon is right."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = _("The service is briefly unavailable. Try again in a few seconds.")
    default_code = "unavailable"
    wait = 5


class Refused(APIException):
    """What was asked for is understood and cannot be; code and words for people, and next steps."""

    status_code: int = status.HTTP_422_UNPROCESSABLE_ENTITY

    def __init__(self, code: str, message: str, details: dict[str, Any], *, conflict: bool) -> None:
        super().__init__(message, code)
        self.details = details
        if conflict:
            self.status_code = status.HTTP_409_CONFLICT


# Codes that speak of how things stand, not of what was sent.
CONFLICTS = frozenset({"not_failed", "not_unknown", "comment_answered", "client_reference"})


def refused(error: DraftError | ChangeRefused) -> Refused:
    """Return the answer to content Meta would not take, or to a change that cannot be."""
    details = {"action": error.action} if error.action else {}
    return Refused(error.code, error.message, details, conflict=error.code in CONFLICTS)


def send_refused(error: SendRefused) -> Refused:
    """Return the answer to a message Meta's rules do not allow now; the decision goes along."""
    decision = error.decision
    return Refused(decision.code, decision.sentence, decision.as_json(), conflict=True)


# Exceptions that are not DRF's own, the narrower first; anything else is a bug and stays a 500.
TRANSLATED: tuple[tuple[type[Exception], type[APIException]], ...] = (
    (OperationalError, DatabaseUnavailable),
    (InterfaceError, DatabaseUnavailable),
    (InternalError, DatabaseUnavailable),  # read-only, as after a failover
    (RequestDataTooBig, BodyTooLarge),
    (SuspiciousOperation, ParseError),
    # Their texts may name what does not exist or who may see it.
    (Http404, exceptions.NotFound),
    (PermissionDenied, exceptions.PermissionDenied),
)


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Answer `{"error": {"code", "message", "details"}}`, keeping DRF's status and headers."""
    for foreign, ours in TRANSLATED:
        if isinstance(exc, foreign):
            exc = ours()
            break
    if isinstance(exc, DraftError | ChangeRefused):
        exc = refused(exc)
    elif isinstance(exc, SendRefused):
        exc = send_refused(exc)
    elif isinstance(exc, CursorError):
        exc = ValidationError({"cursor": [_("This is not a cursor of this list.")]})
    response = drf_exception_handler(exc, context)
    if response is not None:
        response.data = {"error": _describe(exc, response.data)}
        response["Cache-Control"] = "no-store"
    return response


def answer_without_view(error: type[APIException]) -> JsonResponse:
    """Answer in the API's shape what none of its views could: no such address, a fault of ours."""
    exc = error()
    described = {"error": _describe(exc, {"detail": exc.detail})}
    return JsonResponse(described, status=exc.status_code, headers={"Cache-Control": "no-store"})


def _describe(exc: Exception, data: Any) -> dict[str, Any]:
    if isinstance(exc, ValidationError):
        fields = data if isinstance(data, dict) else {"non_field_errors": data}
        return {"code": "invalid", "message": _("Some fields are not valid."), "details": fields}
    wait: float | None = getattr(exc, "wait", None)
    # SimpleJWT puts code and text side by side, DRF hangs the code on the text.
    text = data.get("detail", "") if isinstance(data, dict) else ""
    code = data.get("code") if isinstance(data, dict) else None
    return {
        "code": str(code or getattr(text, "code", "error")),
        "message": str(text),
        "details": _details(exc, wait),
    }


def _details(exc: Exception, wait: float | None) -> dict[str, Any]:
    if isinstance(exc, Throttled) and wait:
        return {"retry_after": int(wait)}
    return exc.details if isinstance(exc, Refused) else {}
