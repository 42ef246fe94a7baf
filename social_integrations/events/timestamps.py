"""Meta's clock: milliseconds, seconds, text or nonsense → an aware time or nothing."""

from datetime import UTC, datetime

# Meta sends milliseconds for messaging and seconds in some `changes`; anything above this number
# of seconds (year 5138) is milliseconds.
MILLISECONDS_ABOVE = 100_000_000_000
EARLIEST = 1_262_304_000  # 2010, before Instagram
LATEST = 4_102_444_800  # 2100


def read_timestamp(value: object) -> datetime | None:
    """Return the UTC time of a Meta timestamp, or None where it is missing or makes no sense."""
    number = _as_number(value)
    if number is None:
        return None
    seconds = number / 1000 if number > MILLISECONDS_ABOVE else number
    if not EARLIEST <= seconds <= LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _as_number(value: object) -> float | None:
    if isinstance(value, bool):  # an int to Python, not to Meta
        return None
    if isinstance(value, int | float):
        return value if abs(value) < 1e15 else None
    if isinstance(value, str) and len(value) <= 15 and value.isascii() and value.isdigit():
        return int(value)
    return None
