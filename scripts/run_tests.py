"""Run the whole suite on SQLite, and again on PostgreSQL where one answers; say which.

TEST_POSTGRES_URL names the PostgreSQL server (default: loopback, user and database `postgres`).
Arguments go to pytest. Tests run side by side, one process for each processor. Those that start the
whole demo mostly wait: they run beside the others, in two lanes with a demo each.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile

import psycopg

DEFAULT_POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
# What does not depend on the database runs once.
ONCE = ("browser", "demo")
# A module after the other in each lane, the longest first; see their conftest.py.
IN_LANES = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
OTHER_SQLITE = "sqlite:///.artifacts/demo.sqlite3"
NOTHING_CHOSEN = 5  # pytest's exit code where no test was chosen


def say(text: str) -> None:
    """Print before pytest does."""
    sys.stdout.write(f"\n=== {text} ===\n")
    sys.stdout.flush()


def answers(url: str) -> bool:
    """Return whether a PostgreSQL server takes a connection."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def command(arguments: list[str], database_url: str) -> tuple[list[str], dict[str, str]]:
    """Return how pytest is started, and its environment."""
    # Four processes and the demo's programs share what the first of them compiled.
    without = ("TEST_DATABASE_URL", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if name not in without}
    environment["TEST_DATABASE_URL"] = database_url
    if database_url.startswith("postgres"):
        environment = {"HYPOTHESIS_PROFILE": "brief", **environment}
    return [sys.executable, "-m", "pytest", *arguments], environment


def pytest(arguments: list[str], database_url: str = "") -> int:
    """Run pytest once; return its exit code."""
    line, environment = command(arguments, database_url)
    return subprocess.run(line, env=environment, check=False).returncode


@contextmanager
def beside(arguments: list[str]) -> Iterator[Callable[[], int]]:
    """Run pytest beside the block on a database of its own; yield what shows its outcome."""
    line, environment = command(arguments, OTHER_SQLITE)
    with TemporaryFile() as output:
        child = subprocess.Popen(line, env=environment, stdout=output, stderr=subprocess.STDOUT)

        def outcome() -> int:
            code = child.wait()
            output.seek(0)
            sys.stdout.write(output.read().decode(errors="replace"))
            return code

        try:
            yield outcome
        finally:
            child.terminate()
            child.wait()


def main(arguments: list[str]) -> int:
    """Run all; return 1 if any failed."""
    url = os.environ.get("TEST_POSTGRES_URL") or DEFAULT_POSTGRES
    apart = " and ".join(f"not {marker}" for marker in ONCE)
    codes = {}
    with beside([*arguments, "-m", " or ".join(ONCE), *IN_LANES]) as outcome:
        say("Tests on SQLite")
        codes["SQLite"] = pytest([*arguments, "-m", apart, "-n", "auto"])
        if answers(url):
            say("Tests on PostgreSQL")
            marks = f"database and {apart}"
            codes["PostgreSQL"] = pytest([*arguments, "-m", marks, "-n", "auto"], url)
        say("Tests of the whole demo, on SQLite")
        codes["the demo"] = outcome()
    # A path may hold no test of one sort, which is no failure of it.
    codes = {name: code for name, code in codes.items() if code != NOTHING_CHOSEN}
    summary = ", ".join(f"{name} {'failed' if code else 'passed'}" for name, code in codes.items())
    if "PostgreSQL" not in codes:
        summary += ", PostgreSQL not run (no server answers at TEST_POSTGRES_URL)"
    say(f"Ran on: {summary}")
    return int(any(codes.values()) or not codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
