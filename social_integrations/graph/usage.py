"""How much of Meta's allowance is used, read from the headers of an answer."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from .reading import read_objects, read_text

# Percentages of one allowance each, flat. Meta: any of the three means "stop" at 100.
FLAT_HEADERS = ("X-App-Usage", "X-Page-Usage")
BUSINESS_HEADER = "X-Business-Use-Case-Usage"
PERCENTAGES = ("call_count", "total_time", "total_cputime")
REGAIN_MINUTES = "estimated_time_to_regain_access"
# Other types, such as advertising, have allowances of their own that we do not touch.
OUR_TYPES = frozenset({"instagram", "messenger", "pages", ""})
MAX_HEADER = 32_768
TOO_MANY_REQUESTS = 429
MAX_WAIT = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an answer says about the allowance; all zero where it says nothing."""

    percent: float = 0.0
    """The fullest of the allowances; at 100 Meta refuses further calls."""
    regain_seconds: float = 0.0
    """How long until Meta expects to answer again."""
    retry_after: float = 0.0
    """`Retry-After` in seconds."""
    refused: bool = False
    """Whether this very call was refused for it (HTTP 429)."""

    @property
    def is_spent(self) -> bool:
        """Whether nothing may be called now."""
        return self.refused or self.percent >= 100

    @property
    def wait_seconds(self) -> float:
        """How long Meta wants to be left alone, at most a day; 0 where it names no time."""
        return min(max(self.regain_seconds, self.retry_after), MAX_WAIT)


NO_USAGE = Usage()


def read_usage(status: int, headers: Mapping[str, str]) -> Usage:
    """Return what an answer says about the allowance; odd headers count as silence.

    Meta: the headers hold JSON, and come only once an app is busy enough.
    """
    rows = list(_rows(headers))
    return Usage(
        percent=max((_number(row, key) for row in rows for key in PERCENTAGES), default=0.0),
        regain_seconds=60 * max((_number(row, REGAIN_MINUTES) for row in rows), default=0.0),
        retry_after=read_retry_after(headers),
        refused=status == TOO_MANY_REQUESTS,
    )


def read_retry_after(headers: Mapping[str, str]) -> float:
    """Return `Retry-After` in seconds, from either of its forms; 0 where there is none."""
    wished = headers.get("Retry-After", "")
    if wished.isdecimal():
        return float(wished)
    try:
        moment = parsedate_to_datetime(wished)
    except ValueError:
        return 0.0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def _rows(headers: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    yield from (_parsed(headers.get(name, "")) for name in FLAT_HEADERS)
    business = _parsed(headers.get(BUSINESS_HEADER, ""))
    for key in business:
        for row in read_objects(business, key):
            if read_text(row, "type") in OUR_TYPES:
                yield row


def _parsed(header: str) -> dict[str, Any]:
    if len(header) > MAX_HEADER:
        return {}
    try:
        found = json.loads(header)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _number(row: Mapping[str, Any], key: str) -> float:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return 0.0
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return 0.0
    return number if math.isfinite(number) and number > 0 else 0.0
