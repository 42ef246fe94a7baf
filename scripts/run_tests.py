"""Run the whole suite on SQLite, and again on PostgreSQL where one answers; say which.

TEST_POSTGRES_URL names the PostgreSQL server (default: loopback, user and database `postgres`).
Arguments go to pytest. Tests run side by side, one process for each processor; those that start
the whole demo share it, one after the other.
"""

import os
import subprocess
import sys

import psycopg

DEFAULT_POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
# What does not depend on the database runs once.
ONCE = ("browser", "demo")
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


def pytest(arguments: list[str], database_url: str = "") -> int:
    """Run pytest once; return its exit code."""
    environment = {name: value for name, value in os.environ.items() if name != "TEST_DATABASE_URL"}
    if database_url:
        environment = {"HYPOTHESIS_PROFILE": "brief", **environment}
        environment["TEST_DATABASE_URL"] = database_url
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, env=environment, check=False).returncode


def main(arguments: list[str]) -> int:
    """Run both; return 1 if either failed."""
    url = os.environ.get("TEST_POSTGRES_URL") or DEFAULT_POSTGRES
    apart = ["-m", " and ".join(f"not {marker}" for marker in ONCE), "-n", "auto"]
    say("Tests on SQLite")
    codes = {"SQLite": pytest([*arguments, *apart])}
    if answers(url):
        say("Tests on PostgreSQL")
        marks = f"database and {apart[1]}"
        codes["PostgreSQL"] = pytest([*arguments, "-m", marks, *apart[2:]], url)
    say("Tests of the whole demo, on SQLite")
    codes["the demo"] = pytest([*arguments, "-m", " or ".join(ONCE)])
    # A path may hold no test of one sort, which is no failure of it.
    codes = {name: code for name, code in codes.items() if code != NOTHING_CHOSEN}
    summary = ", ".join(f"{name} {'failed' if code else 'passed'}" for name, code in codes.items())
    if "PostgreSQL" not in codes:
        summary += ", PostgreSQL not run (no server answers at TEST_POSTGRES_URL)"
    say(f"Ran on: {summary}")
    return int(any(codes.values()) or not codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
