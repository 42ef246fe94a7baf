"""Typed readers for environment variables; the only place that knows python-decouple."""

from collections.abc import Callable

from decouple import Csv, config


def text(name: str, default: str = "") -> str:
    """Return the variable, stripped."""
    return str(config(name, default=default)).strip()


def flag(name: str, *, default: bool) -> bool:
    """Return true for 1/true/yes/on; raise ValueError for anything unreadable."""
    return bool(config(name, default=default, cast=bool))


def number(name: str, default: int) -> int:
    """Return a whole number; raise ValueError for anything else."""
    return int(config(name, default=default, cast=int))


def words(name: str, default: str = "", cast: Callable[[str], str] = str) -> list[str]:
    """Return a comma-separated list without empty entries."""
    return [word for word in config(name, default=default, cast=Csv(cast)) if word]
