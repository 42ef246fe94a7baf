"""Small readers for Meta's JSON: whatever stands there, a harmless value comes out."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

ID = re.compile(r"[0-9A-Za-z_.-]{1,64}", re.ASCII)


def read_text(source: Mapping[str, Any], key: str) -> str:
    """Return a text a database can store, empty for null and other types.

    NUL, which PostgreSQL refuses, is dropped; half an emoji, which JSON allows, becomes `?`.
    """
    value = source.get(key)
    if not isinstance(value, str):
        return ""
    return value.replace("\x00", "").encode("utf-8", "replace").decode()


def read_id(source: Mapping[str, Any], key: str) -> str:
    """Return an id as text; Meta sends some as numbers. Empty where it cannot be an id."""
    value = source.get(key)
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if ID.fullmatch(text) else ""


def read_ids(source: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return the ids of a list, written as texts or numbers; anything else is left out."""
    value = source.get(key)
    found = [read_id({key: item}, key) for item in value] if isinstance(value, list) else []
    return tuple(filter(None, found))


def read_link(source: Mapping[str, Any], key: str) -> str:
    """Return a web address, empty for anything that is not http or https."""
    text = read_text(source, key)
    return text if text.startswith(("https://", "http://")) else ""


def read_number(source: Mapping[str, Any], key: str) -> int | None:
    """Return a whole number, also from digits in a text; None for anything else."""
    value = source.get(key)
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_moment(source: Mapping[str, Any], key: str) -> datetime | None:
    """Return epoch seconds as an aware UTC time; None for 0, which is Meta's "never"."""
    seconds = read_number(source, key)
    if not seconds or not 0 < seconds < 32_503_680_000:  # the year 3000
        return None
    return datetime.fromtimestamp(seconds, UTC)


def read_date(source: Mapping[str, Any], key: str) -> datetime | None:
    """Return a time Meta writes as `2026-11-22T09:00:00+0000`; None where it makes no sense."""
    try:
        moment = datetime.fromisoformat(read_text(source, key))
    except ValueError:
        return None
    return moment if moment.tzinfo and 2000 < moment.year < 3000 else None


def read_object(source: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return a nested object, empty for anything else."""
    value = source.get(key)
    return value if isinstance(value, dict) else {}


def read_objects(source: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the objects of a list; other members are left out."""
    value = source.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def read_words(source: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    """Return the texts of a list; None where there is no list."""
    value = source.get(key)
    return tuple(w for w in value if isinstance(w, str)) if isinstance(value, list) else None
