"""Turn any JSON a signed body may hold into JSON every database accepts."""

import json
import math
import re
from collections.abc import Iterable
from typing import Any

# Deeper nesting than any payload of Meta's; recursion limits of Python, SQLite (1,000) and
# PostgreSQL lie far beyond.
MAX_DEPTH = 60
MAX_DIGITS = 100
REPLACEMENT = "�"
SUSPICIOUS_ESCAPE = re.compile(rb"\\u(0000|d[89a-f])", re.IGNORECASE)
CONTAINERS = (dict, list)


def parse_json(body: bytes) -> Any:
    """Return the parsed body, strictly UTF-8 and strictly JSON.

    Raises ValueError for anything that is not JSON, and RecursionError where it is nested beyond
    what the parser takes. Numbers no database could keep come back as the text Meta wrote.
    """
    return json.loads(
        body.decode("utf-8"),
        parse_int=_parse_int,
        parse_float=_parse_float,
        parse_constant=_refuse_constant,
    )


def storable(payload: Any, *, suspicious: bool) -> Any:
    """Return a payload every database keeps.

    NUL and lone surrogates, which only a suspicious body can hold, become U+FFFD. What is nested
    deeper than `MAX_DEPTH` becomes `{"raw": "<its JSON>"}`. Raises RecursionError where even that
    cannot be written.
    """
    if not is_within(payload, MAX_DEPTH):
        return {"raw": json.dumps(payload)}
    return clean(payload) if suspicious else payload


def is_within(value: Any, depth: int) -> bool:
    """Return whether no container lies deeper than so many levels."""
    level = [value]
    for _ in range(depth + 1):
        level = [inner for outer in level for inner in _inside(outer) if type(inner) in CONTAINERS]
        if not level:
            return True
    return False


def clean(value: Any) -> Any:
    """Return the value, of bounded depth, with the characters replaced in every text and key."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(key): clean(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [clean(inner) for inner in value]
    return value


def clean_text(value: str) -> str:
    """Return the text with NUL characters and lone surrogates replaced by U+FFFD."""
    if "\x00" in value:
        value = value.replace("\x00", REPLACEMENT)
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _parse_int(literal: str) -> int | str:
    return int(literal) if len(literal) <= MAX_DIGITS else literal


def _parse_float(literal: str) -> float | str:
    number = float(literal)
    return number if math.isfinite(number) else literal


def _refuse_constant(literal: str) -> Any:
    raise ValueError(f"{literal} is not JSON")
