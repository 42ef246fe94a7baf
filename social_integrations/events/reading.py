"""Small typed readers for foreign JSON: tolerant where Meta is loose, naming the path where not."""

from typing import Any

from social_integrations.exceptions import PayloadError

ID_LENGTH = 64
MID_LENGTH = 512


def mapping(value: object) -> dict[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    """Return a text as it is, a number as text, anything else as the empty text."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return ""


def identifier(value: object, *, limit: int = ID_LENGTH) -> str:
    """Return an id as text, be it text or number; empty where it is none or too long."""
    found = text(value).strip() if not isinstance(value, float) else ""
    return found if len(found) <= limit else ""


def party(item: dict[str, Any], role: str) -> str:
    """Return the id of `sender` or `recipient`, or the empty text."""
    return identifier(mapping(item.get(role)).get("id"))


def required_identifier(value: object, path: str, *, limit: int = ID_LENGTH) -> str:
    """Return an id; raise `PayloadError` naming the path where there is none we can keep."""
    found = identifier(value, limit=limit)
    if not found:
        raise PayloadError(f"{path} is missing or unusable")
    return found


def whole_number(value: object) -> int | None:
    """Return a whole number, also from digits in a text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    is_digits = isinstance(value, str) and len(value) <= 9 and value.isascii() and value.isdigit()
    return int(str(value)) if is_digits else None
