"""Where a page stands in what changes: a moment of our clock, written as microseconds."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DIGITS = 17
# A change is stamped before it is committed: looking back this far misses none.
OVERLAP = timedelta(seconds=5)


def now_cursor() -> str:
    """Return the cursor of a page that shows everything up to now."""
    return write_cursor(timezone.now())


def write_cursor(at: datetime) -> str:
    """Return a moment as a cursor."""
    return str((at - EPOCH) // timedelta(microseconds=1))


def read_cursor(text: str) -> datetime | None:
    """Return the moment of a cursor; None for anything else."""
    if not text.isdecimal() or len(text) > DIGITS:
        return None
    return EPOCH + timedelta(microseconds=int(text))
