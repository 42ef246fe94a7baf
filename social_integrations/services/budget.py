"""Meta's allowances: a bucket per account and family of calls that holds across processes.

Each bucket is one timestamp, the moment from which the next call may be made. Taking a turn moves
it on by the family's interval; Meta's wish to be left alone moves it further. Both are single
conditional UPDATEs, so any number of workers share one allowance.
"""

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from social_integrations.exceptions import GraphError, GraphPausedError, GraphRefusedError
from social_integrations.graph.client import GraphClient
from social_integrations.graph.errors import ErrorKind, explain
from social_integrations.graph.usage import Usage
from social_integrations.models import CallBudget

CONVERSATIONS = "conversations"
PROFILES = "profiles"
MENU = "menu"
# Family → seconds between two calls. Meta: 2 calls a second for conversations. Profiles have no
# such limit, only the general one the usage headers tell. Ice breakers and menu: 10 calls in 10
# minutes; three at once take three turns, so that never more than nine fall into ten minutes.
INTERVALS = {CONVERSATIONS: 0.5, PROFILES: 0.05, MENU: 90.0}

# Meta: slow down above 80 percent, stop at 100; calls while throttled lengthen the penalty.
SLOW_ABOVE_PERCENT = 80
SLOW_SECONDS = 2.0
# Where Meta throttles without naming a time.
PAUSE_SECONDS = 300.0
# Longer waits are left to the caller, who has other work to do; holds SLOW_SECONDS.
LONGEST_NAP = 2.5


def take_turn(*, account_id: int, family: str, calls: int = 1) -> float:
    """Take calls out of the budget; return 0, or the seconds to wait before asking again."""
    now = timezone.now()
    interval = timedelta(seconds=INTERVALS[family] * calls)
    bucket = CallBudget.objects.filter(account_id=account_id, family=family)
    for _ in range(2):
        if bucket.filter(free_at__lte=now).update(free_at=now + interval):
            return 0.0
        free_at = bucket.values_list("free_at", flat=True).first()
        if free_at is not None:
            return max((free_at - timezone.now()).total_seconds(), 0.001)
        first = CallBudget(account_id=account_id, family=family, free_at=now)
        CallBudget.objects.bulk_create([first], ignore_conflicts=True)
    return INTERVALS[family]


def pause(*, account_id: int, family: str, seconds: float) -> None:
    """Let nobody call for so many seconds; a longer pause that is set already stays."""
    until = timezone.now() + timedelta(seconds=seconds)
    CallBudget.objects.filter(account_id=account_id, family=family, free_at__lt=until).update(
        free_at=until
    )


def is_throttled(usage: Usage, error: GraphError | None) -> bool:
    """Return whether Meta refused a call only because there were too many."""
    if isinstance(error, GraphRefusedError):
        return explain(error.code, error.subcode).kind == ErrorKind.THROTTLED
    return usage.refused


def pause_after(usage: Usage, error: GraphError | None = None) -> float:
    """Return the seconds nobody should call after an answer, 0 for no pause."""
    if usage.is_spent or is_throttled(usage, error):
        return usage.wait_seconds or PAUSE_SECONDS
    slow = SLOW_SECONDS if usage.percent > SLOW_ABOVE_PERCENT else 0.0
    return max(slow, usage.wait_seconds)


class PacedClient:
    """A Graph client for reading that keeps to the account's budget, whatever is read with it."""

    def __init__(self, client: GraphClient, *, account_id: int, family: str) -> None:
        self._client = client
        self._account_id = account_id
        self._family = family

    def get(
        self, path: str, params: Mapping[str, str] | None = None, *, once: bool = False
    ) -> dict[str, Any]:
        """Wait for a turn, then read; see `GraphClient.get`. Must run outside any transaction.

        Raises `GraphPausedError` where the turn is further away than a nap, and where Meta answers
        that it throttles.
        """
        self._wait()
        try:
            answer = self._client.get(path, params, once=once)
        except GraphError as error:
            seconds = self._heed(error)
            if is_throttled(self._client.usage, error):
                raise GraphPausedError(seconds) from None
            raise
        self._heed()
        return answer

    def _wait(self) -> None:
        ends = time.monotonic() + LONGEST_NAP
        while wait := take_turn(account_id=self._account_id, family=self._family):
            if time.monotonic() + wait > ends:
                raise GraphPausedError(wait)
            time.sleep(wait)

    def _heed(self, error: GraphError | None = None) -> float:
        """Note Meta's wish to be left alone, for every worker; return its seconds."""
        seconds = pause_after(self._client.usage, error)
        if seconds:
            pause(account_id=self._account_id, family=self._family, seconds=seconds)
        return seconds
