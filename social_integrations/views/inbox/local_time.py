"""The reader's own time zone: the browser names it in a cookie, pages are written in it."""

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest
from django.utils import timezone

COOKIE = "si_timezone"


def local_time(request: HttpRequest) -> AbstractContextManager[object]:
    """Return a context in which times are the reader's; an unknown zone leaves the project's."""
    name = request.COOKIES.get(COOKIE, "")
    return timezone.override(ZoneInfo(name)) if name in _zones() else nullcontext()


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
