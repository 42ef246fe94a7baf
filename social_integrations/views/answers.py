"""Plain answers to machines at Meta's doors; nothing a caller sent is ever repeated."""

import logging

from django.http import HttpRequest, HttpResponse

from social_integrations.services.refusals import refuse

logger = logging.getLogger(__name__)


def text_answer(status: int, content: str) -> HttpResponse:
    """Answer with plain text that nobody keeps or interprets."""
    response = HttpResponse(content, status=status, content_type="text/plain; charset=utf-8")
    # CommonMiddleware would add it, but deliveries need not pass any middleware.
    response["Content-Length"] = str(len(response.content))
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response


def refusal(
    request: HttpRequest, reason: str, answer: tuple[int, str], *, signed: bool = False
) -> HttpResponse:
    """Refuse and count; an address that is refused too often gets 429, signed requests never."""
    if not may_be_answered(request, reason) and not signed:
        response = text_answer(429, "Too many refused requests.\n")
        response["Retry-After"] = "60"
        return response
    return text_answer(*answer)


def may_be_answered(request: HttpRequest, reason: str) -> bool:
    """Count the refusal; while the counters cannot be reached, yes."""
    try:
        return refuse(request, reason)
    except Exception as error:  # noqa: BLE001 - every cache has errors of its own when it is away
        logger.warning("A refused request was not counted: %s", type(error).__name__)
        return True


def declared_length(request: HttpRequest) -> int:
    """Return the length the header names, 0 where it names none."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
