"""Typed readers for environment variables; the only place that knows python-decouple."""

from collections.abc import Callable

from decouple import Csv, config, strtobool


def text(name: str, default: str = "") -> str:
    """Return the variable, stripped; the default also where it is set to nothing."""
    return str(config(name, default=default)).strip() or default


def flag(name: str, *, default: bool) -> bool:
    """Return true for 1/true/yes/on; raise ValueError for anything unreadable."""
    return bool(strtobool(text(name, str(default))))


def number(name: str, default: int) -> int:
    """Return a whole number; raise ValueError for anything else."""
    return int(text(name, str(default)))


def words(name: str, default: str = "", cast: Callable[[str], str] = str) -> list[str]:
    """Return a comma-separated list without empty entries."""
    return [word for word in Csv(cast)(text(name, default)) if word]
