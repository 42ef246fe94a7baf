"""Plays Meta: signed deliveries, repeated with back-off until 200, every answer written down."""

import heapq
import http.client
import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from scripts.chaos.judge import Attempt
from scripts.lib import load
from social_integrations.graph.signatures import sign
from social_integrations.tests.payloads import WEBHOOK

THREADS = 8
RATE = 200
"""Deliveries a second, unless the answers come slower."""
PATIENCE = 15.0
"""Seconds to wait for an answer. Meta waits five; longer ones shall be seen, not cut off."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 4.0
GRACE = 60.0
"""How much longer than planned a run under a repeated fault may take, in seconds."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A body, the ids of its messages, and when it is sent first, in seconds from the start."""

    body: bytes
    mids: tuple[str, ...]
    at: float = 0.0


def deliveries(prefix: str, count: int, events: int = 1, rate: float = RATE) -> list[Delivery]:
    """Return deliveries of unique text messages, spread evenly over `count / rate` seconds."""
    return [
        delivery(load.body(f"{prefix}-{number}", number, events), number / rate)
        for number in range(count)
    ]


def delivery(body: bytes, at: float = 0.0) -> Delivery:
    """Return a delivery of these bytes, with the ids of the messages that can be stored."""
    items = (item for entry in json.loads(body)["entry"] for item in entry["messaging"])
    said = [item["message"] for item in items if "sender" in item and "message" in item]
    return Delivery(body, tuple(part["mid"] for part in said if "is_deleted" not in part), at)


@dataclass(order=True, slots=True)
class _Task:
    due: float
    number: int
    delivery: Delivery = field(compare=False)
    tries: int = field(default=0, compare=False)


class Meta:
    """Delivers in threads for the length of a `with` block; see `finish`."""

    def __init__(
        self, port: int, secret: str, load: Iterable[Delivery], *, fresh: bool = False
    ) -> None:
        self.attempts: list[Attempt] = []
        self.acknowledged: set[str] = set()
        self.answered_at = 0.0
        self._port, self._secret, self._fresh = port, secret, fresh
        self._started = time.monotonic()
        number = itertools.count()
        self._tasks = [_Task(self._started + one.at, next(number), one) for one in load]
        self._latest = max(task.due for task in self._tasks) + GRACE
        heapq.heapify(self._tasks)
        self._open = len(self._tasks)
        self._changed = threading.Condition()
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._deliver) for _ in range(THREADS)]

    def __enter__(self) -> "Meta":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._done.set()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    @property
    def undelivered(self) -> int:
        """How many deliveries were not accepted yet."""
        return self._open

    def finish(self, seconds: float) -> None:
        """Wait until everything is accepted, but no longer than this."""
        self._done.wait(seconds)

    def repeat(self, seconds: float, act: Callable[[], object]) -> int:
        """Do something every so many seconds while there is something to deliver; count it."""
        times = 0
        while not self._done.wait(seconds) and time.monotonic() < self._latest:
            act()
            times += 1
        return times

    def _deliver(self) -> None:
        line = Line(self._port, self._secret)
        while (task := self._next()) is not None:
            attempt = line.post(task.delivery.body)
            if self._fresh:
                line.close()
            self._note(task, attempt)
        line.close()

    def _next(self) -> _Task | None:
        with self._changed:
            while not self._done.is_set():
                wait = self._tasks[0].due - time.monotonic() if self._tasks else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._tasks)
                self._changed.wait(wait)
        return None

    def _note(self, task: _Task, attempt: Attempt) -> None:
        with self._changed:
            self.attempts.append(attempt)
            if attempt.status == 200:
                self.acknowledged.update(task.delivery.mids)
                self._open -= 1
                self.answered_at = time.monotonic()
                if not self._open:
                    self._done.set()
            else:
                pause = min(FIRST_PAUSE * 2**task.tries, LONGEST_PAUSE)
                task.due = time.monotonic() + pause * random.uniform(0.5, 1.5)  # noqa: S311
                task.tries += 1
                heapq.heappush(self._tasks, task)
            self._changed.notify_all()


class Line:
    """A keep-alive connection to the webhook, made anew where it broke."""

    def __init__(self, port: int, secret: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._secret = secret

    def post(self, body: bytes, signature: str = "") -> Attempt:
        """Deliver once; a broken connection is an attempt with status 0."""
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Signature-256": signature or sign(body, self._secret),
        }
        started = time.perf_counter()
        try:
            self._connection.request("POST", WEBHOOK, body, headers)
            response = self._connection.getresponse()
            said = response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return Attempt(0, time.perf_counter() - started)
        return Attempt(
            response.status,
            time.perf_counter() - started,
            b"" if response.status == 200 else said,
            retry_after="Retry-After" in response.headers,
        )

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
