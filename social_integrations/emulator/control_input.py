"""Reading what a control call says, with a sentence for what is wrong."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .http import Request
from .people import ControlError

USERNAME = re.compile(r"[A-Za-z0-9._]{1,30}")


def text(request: Request, name: str) -> str:
    """Read a text that must be there."""
    value = request.json.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ControlError(f"The field {name} is needed.")
    return value.strip()


def username(value: str) -> str:
    """Read a username, with or without the @."""
    name = value.removeprefix("@")
    if not USERNAME.fullmatch(name):
        raise ControlError("A username has 1 to 30 letters, digits, dots or underscores.")
    return name


def whole(values: Mapping[str, Any], name: str, default: int) -> int:
    """Read a whole number up to nine digits that is not negative."""
    value = str(values.get(name, default))
    if not value.isdecimal() or len(value) > 9:
        raise ControlError(f"The field {name} must be a whole number.")
    return int(value)


def names(request: Request, name: str, default: Iterable[str]) -> list[str]:
    """Read a list of names."""
    value = request.json.get(name, list(default))
    if not isinstance(value, list):
        raise ControlError(f"The field {name} must be a list.")
    return [str(one) for one in value]
