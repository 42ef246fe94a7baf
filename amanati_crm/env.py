"""Typed readers for environment variables; the only place that knows python-decouple."""

from collections.abc import Callable

from decouple import Csv, config, strtobool
from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    """Return the variable, stripped; the default also where it is set to nothing."""
    return str(config(name, default=default)).strip() or default


def flag(name: str, *, default: bool) -> bool:
    """Return true for 1/true/yes/on; raise ImproperlyConfigured for anything unreadable."""
    return bool(_read(name, str(default), strtobool, "true or false"))


def number(name: str, default: int) -> int:
    """Return a whole number; raise ImproperlyConfigured for anything else."""
    return int(_read(name, str(default), int, "a whole number"))


def words(name: str, default: str = "", cast: Callable[[str], str] = str) -> list[str]:
    """Return a comma-separated list without empty entries."""
    return [word for word in Csv(cast)(text(name, default)) if word]


def _read(name: str, default: str, cast: Callable[[str], int], wanted: str) -> int:
    try:
        return cast(text(name, default))
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be {wanted}.") from None
