"""Meta's allowances: a bucket per account and family of calls that holds across processes.

Each bucket is one timestamp, the moment from which the next call may be made. Taking a turn moves
it on by the family's interval; Meta's wish to be left alone moves it further. Both are single
conditional UPDATEs, so any number of workers share one allowance.
"""

import time
from collections.abc import Mapping, Sequence
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
SEND_FACEBOOK = "send_facebook"
SEND_INSTAGRAM = "send_instagram"
SEND_MEDIA = "send_media"
PRIVATE_REPLIES = "private_replies"
# Everything Meta counts as sending: who is throttled with one of them sends nothing at all.
SENDING = (SEND_FACEBOOK, SEND_INSTAGRAM, SEND_MEDIA, PRIVATE_REPLIES)
# Family → seconds between two calls. Meta (section 9): 2 calls a second for conversations; 300
# texts a second with Facebook Login and 100 with Instagram Login; 10 of sound and video; 750
# private replies an hour. Profiles have no such limit, only the general one the headers tell.
# Ice breakers and menu: 10 calls in 10 minutes. A push of three takes three turns, so that never
# more than nine fall into ten minutes.
INTERVALS = {
    CONVERSATIONS: 0.5,
    PROFILES: 0.05,
    SEND_FACEBOOK: 1 / 300,
    SEND_INSTAGRAM: 1 / 100,
    SEND_MEDIA: 1 / 10,
    PRIVATE_REPLIES: 3600 / 750,
    MENU: 90.0,
}

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


def pause_all(*, account_id: int, families: Sequence[str], seconds: float) -> None:
    """Let nobody make calls of several families, also of those never made before."""
    now = timezone.now()
    CallBudget.objects.bulk_create(
        [CallBudget(account_id=account_id, family=family, free_at=now) for family in families],
        ignore_conflicts=True,
    )
    for family in families:
        pause(account_id=account_id, family=family, seconds=seconds)


def wait_for_turn(*, account_id: int, family: str) -> None:
    """Take one call out of the budget, after a nap where one is due; outside any transaction.

    Raises `GraphPausedError` where the turn is further away than that.
    """
    ends = time.monotonic() + LONGEST_NAP
    while wait := take_turn(account_id=account_id, family=family):
        if time.monotonic() + wait > ends:
            raise GraphPausedError(wait)
        time.sleep(wait)


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
        wait_for_turn(account_id=self._account_id, family=self._family)
        try:
            answer = self._client.get(path, params, once=once)
        except GraphError as error:
            seconds = self._heed(error)
            if is_throttled(self._client.usage, error):
                raise GraphPausedError(seconds) from None
            raise
        self._heed()
        return answer

    def _heed(self, error: GraphError | None = None) -> float:
        """Note Meta's wish to be left alone, for every worker; return its seconds."""
        seconds = pause_after(self._client.usage, error)
        if seconds:
            pause(account_id=self._account_id, family=self._family, seconds=seconds)
        return seconds
