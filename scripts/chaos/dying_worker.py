"""The Instagram worker, except that it is killed -9 before or after one of its writes.

Which one is drawn anew in every life, from the first writes of applying.
"""

import os
import random
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - Django must be set up first
from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402
from django.db.backends.signals import connection_created  # noqa: E402

WRITES = ("INSERT", "UPDATE", "DELETE")
LATEST_WRITE = 12
"""A batch takes some eight writes: a life ends in the first or the second."""
APPLYING = "apply"
"""The name of the engine's thread that applies."""


class Doom:
    """Counts the writes of applying, and ends the process at the chosen one."""

    def __init__(self) -> None:
        self.left = random.randint(1, LATEST_WRITE)  # noqa: S311
        self.after = random.random() < 0.5  # noqa: S311

    def __call__(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        """Pass a statement on, unless it is the one."""
        if threading.current_thread().name != APPLYING or not sql.startswith(WRITES):
            return execute(sql, *rest)
        self.left -= 1
        if self.left == 0 and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = execute(sql, *rest)
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


def main() -> None:
    """Run the worker with its doom on every connection."""
    doom = Doom()

    def attach(connection: BaseDatabaseWrapper, **_: Any) -> None:
        if doom not in connection.execute_wrappers:
            connection.execute_wrappers.append(doom)

    connection_created.connect(attach)
    call_command("instagram_worker", skip_checks=True)


if __name__ == "__main__":
    main()
