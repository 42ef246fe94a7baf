"""What bench and chaos run: servers, a database of their own, and processor seconds."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
TICKS = os.sysconf("SC_CLK_TCK")
WORKER = [sys.executable, "manage.py", "instagram_worker", "--skip-checks"]


def free_port() -> int:
    """Return a port nobody listens on.

    Below those the system gives to outgoing connections: one of them would take it meanwhile.
    """
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def database(name: str) -> Iterator[str]:
    """Make a PostgreSQL database for the length of the block; yield its address."""
    server = os.environ.get("TEST_POSTGRES_URL") or DEFAULT_POSTGRES
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield url
        finally:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def environment(database_url: str) -> dict[str, str]:
    """Return what app, worker and baseline are started with."""
    parts = urlsplit(database_url)
    return {
        **os.environ,
        "SECRET_KEY": secrets.token_hex(32),
        "ALLOW_PLAIN_HTTP": "true",
        "LOG_LEVEL": "WARNING",
        "PYTHONWARNINGS": "ignore",
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "amanati_crm.settings",
        "INSTAGRAM_APP_ID": "700000000000001",
        "INSTAGRAM_APP_SECRET": secrets.token_hex(16),
        "INSTAGRAM_WEBHOOK_VERIFY_TOKEN": secrets.token_hex(16),
        "INSTAGRAM_TOKEN_ENCRYPTION_KEYS": "A" * 43 + "=",
        "BENCH_DATABASE": parts.path.lstrip("/"),
        "BENCH_USER": parts.username or "",
        "BENCH_HOST": parts.hostname or "",
        "BENCH_PORT": str(parts.port or 5432),
    }


def gunicorn_command(application: str, port: int) -> list[str]:
    """Return how an application is served: two processes of four threads."""
    return [
        *(sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}"),
        *("--worker-class", "gthread", "--workers", "2", "--threads", "4"),
        *("--keep-alive", "60", "--log-level", "error", "--no-control-socket"),
    ]


@contextmanager
def gunicorn(application: str, env: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Serve an application; yield port and process id."""
    port = free_port()
    clean = {name: value for name, value in env.items() if name != "DJANGO_SETTINGS_MODULE"}
    with _running(gunicorn_command(application, port), clean) as process:
        _wait_for(port)
        yield port, process


@contextmanager
def worker(env: dict[str, str]) -> Iterator[int]:
    """Run the Instagram worker; yield its process id."""
    with _running(WORKER, env) as process:
        yield process


@contextmanager
def _running(command: list[str], env: dict[str, str]) -> Iterator[int]:
    child = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield child.pid
    finally:
        child.terminate()
        child.wait(20)


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing answers on port {port}")


def children(process: int) -> list[int]:
    """Return the ids of a process's living children."""
    kin = {int(stat.parent.name) for stat in _stats() if process in _kin(stat)}
    return sorted(kin - {process})


def family_seconds(process: int) -> float:
    """Return the processor seconds a process and its living children have used."""
    return sum(_seconds(int(stat.parent.name)) for stat in _stats() if process in _kin(stat))


def session_seconds(database: str) -> float:
    """Return the processor seconds of PostgreSQL's living sessions on one database."""
    own = f" {database} ".encode()
    found = [stat for stat in _stats("postgres") if own in _command_line(stat)]
    return sum(_seconds(int(stat.parent.name)) for stat in found)


def _command_line(stat: Path) -> bytes:
    try:
        return (stat.parent / "cmdline").read_bytes()
    except OSError:
        return b""


def postgres_seconds() -> float:
    """Return the processor seconds of the local PostgreSQL server, ended sessions included."""
    return sum(_seconds(int(stat.parent.name), ended=True) for stat in _stats("postgres"))


def _stats(name: str = "") -> list[Path]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        if not name or f"({name})" in text:
            found.append(stat)
    return found


def _fields(stat: Path) -> list[str]:
    try:
        return stat.read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _kin(stat: Path) -> set[int]:
    fields = _fields(stat)
    return {int(stat.parent.name), int(fields[1])} if fields else set()


def _seconds(process: int, *, ended: bool = False) -> float:
    fields = _fields(Path(f"/proc/{process}/stat"))
    if not fields:
        return 0.0
    used = int(fields[11]) + int(fields[12])
    # The postmaster also holds what its ended sessions used.
    return (used + (int(fields[13]) + int(fields[14]) if ended else 0)) / TICKS
