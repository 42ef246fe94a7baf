"""Opaque marks of a place in a list: they hold when rows are added, and can be made by us alone."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from social_integrations.exceptions import SocialIntegrationsError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LAST_INSTANT = datetime(9999, 1, 1, tzinfo=UTC)
MAX_ID = 2**63 - 1
LONGEST = 4000

Row = TypeVar("Row", bound=Model)


class CursorError(SocialIntegrationsError):
    """A cursor is none of ours."""


def encode(data: bytes) -> str:
    """Return bytes as a text that fits in an address."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes; raise `CursorError` for a text of another making."""
    try:
        if len(text) > LONGEST:
            raise CursorError
        return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, UnicodeEncodeError):
        raise CursorError from None


def to_micros(moment: datetime) -> int:
    """Return a moment as a whole number."""
    return (moment - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the moment a number stands for; raise `CursorError` outside of all calendars."""
    if not 0 <= micros <= to_micros(LAST_INSTANT):
        raise CursorError
    return EPOCH + micros * MICROSECOND


def place(moment: datetime, pk: int) -> str:
    """Return the cursor of a row in a list ordered by a moment and the row's id."""
    return encode(to_micros(moment).to_bytes(8, "big") + pk.to_bytes(8, "big"))


def older(rows: QuerySet[Row], field: str, cursor: str) -> QuerySet[Row]:
    """Narrow a list, newest first, to what comes behind the place."""
    data = decode(cursor)
    if len(data) != 16:
        raise CursorError
    moment, pk = from_micros(int.from_bytes(data[:8], "big")), int.from_bytes(data[8:], "big")
    if pk > MAX_ID:
        raise CursorError
    # The first condition alone is what an index can start from.
    upto: dict[str, Any] = {f"{field}__lte": moment}
    return rows.filter(Q(**{f"{field}__lt": moment}) | Q(pk__lt=pk), **upto)
