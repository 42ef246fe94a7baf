"""Turn any JSON a signed body may hold into JSON every database accepts."""

import json
import math
from typing import Any

from social_integrations.exceptions import PayloadError

# Deeper nesting than any payload of Meta's; recursion limits of Python, SQLite (1,000) and
# PostgreSQL lie far beyond.
MAX_DEPTH = 60
MAX_DIGITS = 100
REPLACEMENT = "�"


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


def clean(value: Any, depth: int = 0) -> Any:
    """Return the value without NUL characters and lone surrogates, which databases refuse.

    Raises PayloadError where it is nested deeper than `MAX_DEPTH`.
    """
    if isinstance(value, str):
        return clean_text(value)
    if depth > MAX_DEPTH:
        raise PayloadError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        return {clean_text(key): clean(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [clean(inner, depth + 1) for inner in value]
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


def _parse_int(literal: str) -> int | str:
    return int(literal) if len(literal) <= MAX_DIGITS else literal


def _parse_float(literal: str) -> float | str:
    number = float(literal)
    return number if math.isfinite(number) else literal


def _refuse_constant(literal: str) -> Any:
    raise ValueError(f"{literal} is not JSON")
