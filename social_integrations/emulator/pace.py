"""How many calls an account gets in a second, or in a longer period."""

import threading
import time
from collections import deque


class Pace:
    """Remembers the latest calls, per account and kind, on the real clock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, deque[float]] = {}

    def wait_for(self, key: str, limit: int, period: float = 1.0) -> float:
        """Count one call; return 0, or the seconds until there is room when there is none.

        A refused call does not count. A limit of 0 is no limit.
        """
        if not limit:
            return 0.0
        now = time.monotonic()
        with self._lock:
            calls = self._calls.setdefault(key, deque())
            while calls and now - calls[0] >= period:
                calls.popleft()
            if len(calls) >= limit:
                return period - (now - calls[0])
            calls.append(now)
        return 0.0
