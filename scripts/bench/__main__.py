"""Measure the figures docs/performance.md quotes: ratios and rates anybody can repeat.

Usage: make bench, or .venv/bin/python scripts/bench [intake] [end-to-end] [status] [inbox] [ledger]
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import psycopg

from scripts.lib import load, machine
from scripts.lib.machine import family_seconds, postgres_seconds

OURS = "amanati_crm.wsgi:application"
L2 = "scripts.bench.baseline:application"
SLICES = 10
STATUS = "/api/social/instagram/connection/status/"
INBOX = "echodesk_bench_inbox"
# Conversations and messages.
INBOX_SIZES = ((100, 1000), (100_000, 1_000_000))
AGENTS, POLL_SECONDS = 50, 3


def run_python(env: dict[str, str], *arguments: str) -> None:
    """Run a program of ours to its end."""
    subprocess.run([sys.executable, *arguments], env=env, cwd=machine.ROOT, check=True)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


class Side:
    """One of two servers taking turns: what it has served and what it cost."""

    def __init__(self, name: str, port: int, *processes: int, wanted: int = 200) -> None:
        self.name, self.port, self.processes, self.wanted = name, port, processes, wanted
        self.forget()

    def forget(self) -> None:
        """Begin to count."""
        self.rates: list[float] = []
        self.latencies: list[float] = []
        self.costs: list[float] = []

    def drive(self, wire: list[bytes], finish: Callable[[], None] = lambda: None) -> None:
        """Serve one slice to its end, and note its cost, the database's included."""
        before = self._used()
        part = load.drive(self.port, wire, wanted=self.wanted)
        finish()
        self.costs.append((self._used() - before) / len(wire))
        if part.refused:
            sys.exit(f"{self.name} refused {part.refused} requests; the figures mean nothing.")
        self.rates.append(len(wire) / part.seconds)
        self.latencies += part.latencies

    def _used(self) -> float:
        return sum(map(family_seconds, self.processes)) + postgres_seconds()

    @property
    def cpu(self) -> float:
        """The processor seconds of a request."""
        return statistics.mean(self.costs)

    def line(self, unit: str = "deliveries") -> str:
        """Return the side's figures in words."""
        return (
            f"  {self.name:>4}: {statistics.median(self.rates):7.0f} {unit}/s, "
            f"p50 {percentile(self.latencies, 0.5) * 1000:5.1f} ms, "
            f"p99 {percentile(self.latencies, 0.99) * 1000:6.1f} ms, "
            f"{self.cpu * 1000:.2f} CPU s per 1,000"
        )


def take_turns(sides: list[Side], drive: Callable[[Side, int], None], slices: int = SLICES) -> None:
    """Let both sides serve one slice after the other; the first one warms up."""
    for number in range(slices + 1):
        for side in sides if number % 2 else reversed(sides):
            drive(side, number)
            if number == 0:
                side.forget()


def ratio(ours: list[float], others: list[float]) -> str:
    """Return the median of a ratio of slices that ran in turn, and its range."""
    ratios = [a / b for a, b in zip(ours, others, strict=True)]
    return f"{statistics.median(ratios):.2f} [{min(ratios):.2f}-{max(ratios):.2f}]"


def intake(env: dict[str, str], events: int, total: int) -> None:
    """Compare deliveries a second with L2 in short alternating slices."""
    size = total // SLICES
    with machine.gunicorn(OURS, env) as ours, machine.gunicorn(L2, env) as base:
        sides = [Side("ours", *ours), Side("L2", *base)]

        def drive(side: Side, number: int) -> None:
            name = f"{side.name}-{events}-{number}"
            side.drive(load.requests(size, events, env["INSTAGRAM_APP_SECRET"], name))

        take_turns(sides, drive)
    print(f"intake, {events} event(s) per delivery, {total:,} deliveries, 16 connections:")
    print("\n".join(side.line() for side in sides))
    print(f"  paired ratio ours/L2: {ratio(sides[0].rates, sides[1].rates)}")


def end_to_end(env: dict[str, str], url: str, total: int = 8000, slices: int = 8) -> None:
    """Compare the processor time from POST to applied message, all processes, with L2's.

    The people are known already: fetching a profile happens once a day and person, not per event.
    """
    secret, size = env["INSTAGRAM_APP_SECRET"], total // slices
    waits: list[float] = []
    with (
        machine.gunicorn(OURS, env) as (port, server),
        machine.worker(env) as worker,
        machine.gunicorn(L2, env) as base,
    ):
        sides = [Side("ours", port, server, worker), Side("L2", *base)]

        def drive(side: Side, number: int) -> None:
            wire = load.requests(size, 1, secret, f"whole-{side.name}-{number}")
            is_ours = side is sides[0]
            side.drive(wire, lambda: waits.append(wait_until_idle(url)) if is_ours else None)
            if number == 0:
                know_everybody(url)

        take_turns(sides, drive, slices)
    print(f"end to end, {total:,} single events, 16 connections:")
    print("\n".join(side.line() for side in sides))
    # Of the whole: what the worker gathers falls into one slice or the next.
    print(
        f"  CPU ours/L2: {sides[0].cpu / sides[1].cpu:.2f}; "
        f"backlog empty {statistics.median(waits):.1f} s after the last answer"
    )


def status(env: dict[str, str], accounts: int, total: int = 3000) -> None:
    """Compare polls that bring the ETag with polls that do not, in short alternating slices."""
    command = [sys.executable, "scripts/bench/status.py", str(accounts)]
    token = subprocess.run(command, env=env, cwd=machine.ROOT, check=True, capture_output=True)
    head = f"GET {STATUS} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer "
    plain = head.encode() + token.stdout.strip() + b"\r\n"
    with machine.gunicorn(OURS, env) as server:
        tag = load.ask(server[0], plain + b"\r\n")
        tagged = plain + b"If-None-Match: " + tag + b"\r\n\r\n"
        sides = [Side("304", *server, wanted=304), Side("200", *server)]

        def drive(side: Side, _number: int) -> None:
            wire = tagged if side.wanted == 304 else plain + b"\r\n"
            side.drive([wire] * (total // SLICES))

        take_turns(sides, drive)
    print(f"status polls, {accounts} account(s), {total:,} each, 16 connections:")
    print("\n".join(side.line("polls") for side in sides))
    print(f"  paired ratio with/without ETag: {ratio(sides[0].rates, sides[1].rates)}")


def inbox() -> None:
    """Compare the inbox's calls with little and with much stored, then measure polling agents."""
    found: dict[str, list[list[str]]] = {}
    for conversations, messages in INBOX_SIZES:
        with machine.database(INBOX) as url:
            env = machine.environment(url)
            sizes = [str(conversations), str(messages)]
            command = [sys.executable, "scripts/bench/inbox.py", *sizes]
            shown = subprocess.run(
                command, env=env, cwd=machine.ROOT, check=True, capture_output=True, text=True
            )
            *lines, wire = shown.stdout.splitlines()
            for line in lines:
                name, *figures = line.split("\t")
                found.setdefault(name, []).append(figures)
            if messages == INBOX_SIZES[-1][1]:
                polling(env, wire)
    small, large = (f"{messages:,}" for _conversations, messages in INBOX_SIZES)
    print(f"inbox, milliseconds of server time, {small} messages stored, then {large}:")
    for name, (few, many) in found.items():
        growth = float(many[0]) / float(few[0])
        print(
            f"  {name}: median {few[0]} and {many[0]} (ratio {growth:.2f}), "
            f"p95 {few[1]} and {many[1]}; {many[2]} statements"
        )


def polling(env: dict[str, str], path: str, total: int = 3000) -> None:
    """Measure what looks for changes cost that find nothing, the database included."""
    address, token = path.split("\t")
    head = f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
    with machine.gunicorn(OURS, env) as (port, server):
        load.drive(port, [head.encode()] * 200, wanted=204)
        before = family_seconds(server) + machine.session_seconds(INBOX)
        part = load.drive(port, [head.encode()] * total, wanted=204)
        cpu = family_seconds(server) + machine.session_seconds(INBOX) - before
    if part.refused:
        sys.exit(f"{part.refused} polls were refused; the figures mean nothing.")
    share = cpu / total * AGENTS / POLL_SECONDS
    print(
        f"polling: {cpu / total * 1000:.2f} CPU ms a poll that finds nothing; {AGENTS} agents that "
        f"poll every {POLL_SECONDS} s take {share:.1%} of one core"
    )


def know_everybody(url: str) -> None:
    """Note that all profiles were fetched: without Meta, each message would ask for one again."""
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE social_integrations_contact SET profile_fetched_at = now()")


def wait_until_idle(url: str) -> float:
    """Wait until no event and no due job is waiting; return how long it took, in seconds."""
    started = time.perf_counter()
    with psycopg.connect(url, autocommit=True) as connection:
        while time.perf_counter() - started < 120:
            waiting = connection.execute(
                "SELECT EXISTS (SELECT FROM social_integrations_webhookevent"
                " WHERE status = 'received') OR EXISTS (SELECT FROM social_integrations_job"
                " WHERE state = 'running' OR state = 'ready' AND due_at <= now())"
            ).fetchone()
            if waiting == (False,):
                return time.perf_counter() - started
            time.sleep(0.05)
    sys.exit("The backlog did not empty within two minutes.")


def main(chosen: list[str]) -> None:
    """Run the chosen measurements, by default all."""
    wanted: Callable[[str], bool] = lambda name: not chosen or name in chosen  # noqa: E731
    with machine.database("echodesk_bench") as url:
        env = machine.environment(url)
        run_python(env, "scripts/bench/prepare.py")
        if wanted("status"):
            for accounts in (1, 10, 50):
                status(env, accounts)
        if wanted("intake"):
            intake(env, events=1, total=5000)
            intake(env, events=100, total=600)
        if wanted("end-to-end"):
            run_python(env, "scripts/bench/prepare.py")
            end_to_end(env, url)
    if wanted("inbox"):
        inbox()
    if wanted("ledger"):
        with machine.database("echodesk_bench") as url:
            run_python(machine.environment(url), "scripts/bench/ledger.py")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except psycopg.OperationalError as error:
        sys.exit(f"The benchmarks need PostgreSQL at TEST_POSTGRES_URL: {error}")
