"""Body parsers that answer 400 or 413 where a hostile body would make Python stumble."""

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser, FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request

# How an escaped half of a surrogate pair begins, as whole pairs do.
HALF = b"\\ud"
MAX_BODY_BYTES = 1024 * 1024
# Meta takes files of 25 MB; the form around one needs little.
MAX_UPLOAD_BYTES = 26 * 1024 * 1024


class BodyTooLarge(APIException):
    """The body is larger than any request of this API needs."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = _("The request body is too large.")
    default_code = "body_too_large"


def check_declared_size(context: Mapping[str, Any] | None, most: int = MAX_BODY_BYTES) -> None:
    """Refuse by Content-Length, before anything is read."""
    request: Request | None = (context or {}).get("request")
    declared = str(request.META.get("CONTENT_LENGTH") or "0") if request else "0"
    # Django reads no further than the declared length; an unreadable one means an empty body.
    if declared.isdecimal() and (len(declared) > 9 or int(declared) > most):
        raise BodyTooLarge


class StrictJSONParser(JSONParser):
    """JSON up to 1 MiB; everything Python's parser stumbles over is a 400."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the parsed body."""
        check_declared_size(parser_context)
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge
        try:
            found = super().parse(BytesIO(body), media_type, parser_context)
            if HALF in body.lower():
                json.dumps(found, ensure_ascii=False).encode()
            return found
        except (ParseError, ValueError, RecursionError):
            # Deep nesting is a RecursionError; half a character (a lone surrogate) can be neither
            # stored nor answered. The parser's own words would echo the body.
            raise ParseError(_("The body is not valid JSON.")) from None


class DeclaredSizeCap(BaseParser):
    """Mixin: refuses a body by its declared size, then parses as its base does."""

    most = MAX_BODY_BYTES

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return what the base makes of the body."""
        check_declared_size(parser_context, self.most)
        return super().parse(stream, media_type, parser_context)


class CappedFormParser(DeclaredSizeCap, FormParser):
    """Form data up to 1 MiB, so that `curl -d username=…` works too."""


class CappedMultiPartParser(DeclaredSizeCap, MultiPartParser):
    """Multipart form data up to 1 MiB."""


class UploadParser(DeclaredSizeCap, MultiPartParser):
    """Multipart form data with one file as large as Meta takes any."""

    most = MAX_UPLOAD_BYTES
