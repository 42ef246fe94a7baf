"""A worker that runs jobs and is killed -9 at one of its steps, life after life.

A step is a write to the database, the connection to Meta, or waiting for Meta's answer; the life
ends just before or just after it. Which one is drawn anew in every life. Lives are forks of one
process that has Django loaded, so that hundreds of them take a minute; it ends with SIGTERM, after
so many seconds (its argument), or once a life finds nothing to do.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django

django.setup()

from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402 - Django is set up first
from django.db.backends.signals import connection_created  # noqa: E402
from urllib3.connection import HTTPConnection  # noqa: E402

from social_integrations.tasks import run_next_job  # noqa: E402

WRITES = ("INSERT", "UPDATE", "DELETE")
LATEST_STEP = 13
"""One message takes some eleven steps: a life ends in the first or the second."""


class Doom:
    """Counts the steps of a life, and ends the process at the chosen one."""

    def __init__(self) -> None:
        self.left = random.randint(1, LATEST_STEP)  # noqa: S311
        self.after = random.random() < 0.5  # noqa: S311

    def __call__(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        """Pass a statement on, unless it is the one."""
        if not sql.startswith(WRITES):
            return execute(sql, *rest)
        return self.step(lambda: execute(sql, *rest))

    def step(self, act: Callable[[], Any]) -> Any:
        """Do something, and end before or after it where it is the one."""
        self.left -= 1
        if self.left == 0 and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = act()
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


def haunt_calls(doom: Doom) -> None:
    """Let connecting to Meta and waiting for its answer be steps."""
    for name in ("connect", "getresponse"):
        setattr(HTTPConnection, name, _haunted(doom, getattr(HTTPConnection, name)))


def _haunted(doom: Doom, act: Callable[..., Any]) -> Callable[..., Any]:
    return lambda line: doom.step(lambda: act(line))


def live() -> None:
    """Run jobs until the doom, or until there are none."""
    random.seed()
    doom = Doom()

    def attach(connection: BaseDatabaseWrapper, **_: Any) -> None:
        if doom not in connection.execute_wrappers:
            connection.execute_wrappers.append(doom)

    connection_created.connect(attach)
    haunt_calls(doom)
    while run_next_job():
        pass
    os._exit(0)


def main() -> None:
    """Live and die until a life finds nothing to do; print how many died."""
    deaths, ends = 0, time.monotonic() + float(sys.argv[1])
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    while not stopping and time.monotonic() < ends:
        child = os.fork()
        if child == 0:
            live()
        _pid, status = os.waitpid(child, 0)
        deaths += os.WIFSIGNALED(status)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
            break
        time.sleep(0.01)
    print(deaths)


if __name__ == "__main__":
    main()
