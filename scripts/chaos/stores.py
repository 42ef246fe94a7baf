"""The two databases: a SQLite file, and a PostgreSQL server that is thrown away afterwards."""

import getpass
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg

from scripts.lib.machine import free_port

SQLITE, POSTGRESQL = "sqlite", "postgresql"
OWNER = "postgres"
"""Whom PostgreSQL runs as where we are root, which it refuses."""
SETTINGS = "-c fsync=on -c listen_addresses=127.0.0.1"


class Store(Protocol):
    """A database recipes look into past the app."""

    name: str
    url: str
    item_mid: str
    """How to read an item's message id, in SQL."""

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return what a SELECT finds; raise `Away` while the database does not answer."""


Away = (psycopg.Error, sqlite3.Error)


class Sqlite:
    """A file, in WAL mode as the app sets it."""

    name = SQLITE
    item_mid = "json_extract(payload, '$.message.mid')"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "chaos.sqlite3"
        self.url = f"sqlite:///{self.path}"

    def connect(self) -> sqlite3.Connection:
        """Return a connection that opens no transaction by itself."""
        return sqlite3.connect(self.path, timeout=10, isolation_level=None)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return what a SELECT finds."""
        with closing(self.connect()) as connection:
            return connection.execute(statement).fetchall()


class Cluster:
    """A PostgreSQL server of our own on a free loopback port, with fsync as in production."""

    name = POSTGRESQL
    item_mid = "payload->'message'->>'mid'"

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.port = free_port()
        self.url = f"postgres://{OWNER}@127.0.0.1:{self.port}/postgres"
        self._binaries, self._folder = binaries, folder

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return what a SELECT finds."""
        with psycopg.connect(self.url, connect_timeout=2) as connection:
            return connection.execute(statement).fetchall()

    def initialise(self) -> None:
        """Make the cluster's files."""
        options = ["--username", OWNER, "--auth=trust", "--encoding=UTF8", "--no-sync"]
        self._run("initdb", "--pgdata", "data", *options)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._control("start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; `immediate` is a crash."""
        self._control("stop", "--mode", mode)

    def restart(self) -> None:
        """Let it crash, and recover."""
        self._control("restart", "--mode", "immediate")

    def _control(self, action: str, *arguments: str) -> None:
        options = f"{SETTINGS} -c port={self.port} -c unix_socket_directories={self._folder}"
        start = () if action == "stop" else ("--log", "server.log", "--options", options)
        self._run("pg_ctl", action, "--wait", "--pgdata", "data", *start, *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        other: dict[str, Any] = {}
        if os.geteuid() == 0:
            other = {"user": OWNER, "group": OWNER, "extra_groups": ()}
        subprocess.run(
            [str(self._binaries / program), *arguments],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
            **other,
        )


@contextmanager
def postgresql(binaries: Path, folder: Path) -> Iterator[Cluster]:
    """Run a cluster in an empty folder for the length of the block."""
    folder.mkdir()
    shutil.chown(folder, OWNER if os.geteuid() == 0 else getpass.getuser())
    cluster = Cluster(binaries, folder)
    cluster.initialise()
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop("immediate")


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's server programs, where they are installed."""
    found: Sequence[Path] = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    config = shutil.which("pg_config")
    if config:
        asked = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        found = [Path(asked.stdout.strip()), *found]
    return next((folder for folder in found if (folder / "initdb").exists()), None)
