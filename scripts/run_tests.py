"""Run the whole suite on SQLite, and again on PostgreSQL where one answers; say which.

TEST_POSTGRES_URL names the PostgreSQL server (default: loopback, user and database `postgres`).
Arguments go to pytest, but for `--at-once`: both databases at the same time, for few long tests.
Tests run side by side, one process for each processor. Those that start the whole demo mostly wait:
they run beside the others, in two lanes with a demo each.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

import psycopg

DEFAULT_POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
# What does not depend on the database runs once.
ONCE = ("browser", "demo")
# Whole modules, in order: the longest are the first two by name.
IN_LANES = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
DEMO = "amanati_crm/tests/demo"
OTHER_SQLITE = "sqlite:///.artifacts/demo.sqlite3"
AT_ONCE = "--at-once"
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
def beside(arguments: list[str], database_url: str) -> Iterator[Callable[[], int]]:
    """Run pytest beside the block; yield what waits for its end and shows what it printed."""
    line, environment = command(arguments, database_url)
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


def run(arguments: list[str], *, at_once: bool) -> Iterator[tuple[str, int]]:
    """Run all; yield the exit code of each run, by what it ran on."""
    url = os.environ.get("TEST_POSTGRES_URL") or DEFAULT_POSTGRES
    apart = " and ".join(f"not {marker}" for marker in ONCE)
    chosen = any(Path(argument.partition("::")[0]).exists() for argument in arguments)
    with ExitStack() as others:
        demo = [*arguments, *([] if chosen else [DEMO]), "-m", " or ".join(ONCE), *IN_LANES]
        of_demo = others.enter_context(beside(demo, OTHER_SQLITE))
        second = [*arguments, "-m", f"database and {apart}", "-n", "auto"]
        of_second: Callable[[], int] = partial(pytest, second, url)
        reached = answers(url)
        if reached and at_once:
            of_second = others.enter_context(beside(second, url))
        say("Tests on SQLite")
        yield "SQLite", pytest([*arguments, "-m", apart, "-n", "auto"])
        if reached:
            say("Tests on PostgreSQL")
            yield "PostgreSQL", of_second()
        say("Tests of the whole demo, on SQLite")
        yield "the demo", of_demo()


def main(arguments: list[str]) -> int:
    """Say what passed; return 1 if anything failed."""
    given = [argument for argument in arguments if argument != AT_ONCE]
    codes = dict(run(given, at_once=AT_ONCE in arguments))
    # A path may hold no test of one sort, which is no failure of it.
    codes = {name: code for name, code in codes.items() if code != NOTHING_CHOSEN}
    summary = ", ".join(f"{name} {'failed' if code else 'passed'}" for name, code in codes.items())
    if "PostgreSQL" not in codes:
        summary += ", PostgreSQL not run (no server answers at TEST_POSTGRES_URL)"
    say(f"Ran on: {summary}")
    return int(any(codes.values()) or not codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
