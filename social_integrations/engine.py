"""The embedded engine: one loop applies the ledger, one runs jobs, one runs answers only.

An answer to a customer never waits behind a comparison with Meta or a long erasure.
"""

import logging
import threading
import time
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from .conf import app_settings
from .services.applying import apply_pending
from .services.failures import describe_in_a_line
from .tasks import run_next_answer, run_next_job, sweep

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 60.0
LOST_DATABASE_SECONDS = 1.0


class Engine:
    """Runs background work until it is told to stop; safe beside any number of others."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._loop, args=(step,), name=name, daemon=True)
            for name, step in (
                ("apply", self._apply),
                ("jobs", run_next_job),
                ("answers", run_next_answer),
            )
        ]
        self._swept_at = float("-inf")

    def start(self) -> None:
        """Start the loops in threads of this process."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask the loops to end after what they are doing."""
        self._stopping.set()

    def join(self, seconds: float | None = None) -> None:
        """Wait until the loops have ended."""
        for thread in self._threads:
            thread.join(seconds)

    def is_alive(self) -> bool:
        """Return whether all loops are running."""
        return all(thread.is_alive() for thread in self._threads)

    def _apply(self) -> bool:
        if time.monotonic() - self._swept_at > SWEEP_SECONDS:
            sweep()
            self._swept_at = time.monotonic()
        # A batch that was not full has emptied the list: waiting gathers the next one, which costs
        # far less than chasing single events.
        return apply_pending() >= app_settings.APPLY_BATCH_SIZE

    def _loop(self, step: Callable[[], bool]) -> None:
        while not self._stopping.is_set():
            wait = 0.0 if self._attempt(step) else app_settings.WORKER_POLL_SECONDS
            self._stopping.wait(wait)
        connection.close()

    def _attempt(self, step: Callable[[], bool]) -> bool:
        """Take one step; a failing step is told and tried again, it never ends the loop."""
        try:
            close_old_connections()
            return step()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("Waiting for the database: %s", type(error).__name__)
            connection.close()
        except Exception as error:  # noqa: BLE001 - see above
            logger.error("A worker step failed: %s", describe_in_a_line(error))
        self._stopping.wait(LOST_DATABASE_SECONDS)
        return False


def drain() -> tuple[int, int]:
    """Do everything that is due now, then return: ledger items applied, jobs run."""
    sweep()
    applied = ran = 0
    while count := apply_pending():
        applied += count
    while run_next_job():
        ran += 1
    return applied, ran
