"""The app as recommended on one database: web server and worker under a supervisor."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.chaos.judge import Evidence
from scripts.chaos.sender import Delivery, Meta
from scripts.chaos.stores import SQLITE, Away, Store
from scripts.chaos.supervisor import Supervised
from scripts.lib import machine

WSGI = "amanati_crm.wsgi:application"
READY_SECONDS = 30.0
SETTLE_SECONDS = 60.0
"""I4: how long everything may take to be accepted and applied once the fault is over."""
POLL_SECONDS = 0.05
# An unsent message's item names the same id, rightly.
ITEMS = (
    "SELECT {mid} FROM social_integrations_webhookevent WHERE kind IN ('message', 'message_echo')"
)
WAITING = "SELECT count(*) FROM social_integrations_webhookevent WHERE status = 'received'"


class App:
    """Web server and worker; both come back when they are killed."""

    def __init__(self, store: Store, env: dict[str, str], folder: Path) -> None:
        self.store, self.env, self.folder = store, env, folder
        self.port = machine.free_port()
        self.web = Supervised(self._server(), self._web_env(), folder / "web.log")
        self.worker = Supervised(machine.WORKER, env, folder / "worker.log")

    @property
    def secret(self) -> str:
        """What deliveries are signed with."""
        return self.env["INSTAGRAM_APP_SECRET"]

    def pour(
        self,
        load: Sequence[Delivery],
        fault: Callable[[Meta], object] = lambda _meta: None,
        *,
        fresh: bool = False,
    ) -> Evidence:
        """Deliver everything while the fault happens; return what came of it.

        `fault` runs beside the sender and must have mended what it broke when it returns.
        """
        with Meta(self.port, self.secret, load, fresh=fresh) as meta:
            fault(meta)
            over = time.monotonic()
            meta.finish(max(one.at for one in load) + SETTLE_SECONDS)
        return self.evidence(meta, load, since=max(over, meta.answered_at))

    def evidence(self, meta: Meta, load: Sequence[Delivery], since: float) -> Evidence:
        """Wait until nothing waits, then compare what was acknowledged with what is stored."""
        drained = self.drain(since)
        sent = {mid for one in load for mid in one.mids}
        items = self.store.rows(ITEMS.format(mid=self.store.item_mid))
        messages = self.store.rows("SELECT mid FROM social_integrations_message")
        return Evidence(
            acknowledged=meta.acknowledged,
            ledger=Counter(mid for (mid,) in items if mid in sent),
            messages=Counter(mid for (mid,) in messages if mid in sent),
            attempts=meta.attempts,
            undelivered=meta.undelivered,
            drained=drained,
        )

    def drain(self, since: float) -> float | None:
        """Wait until the ledger has nothing to apply; return seconds since then, or None."""
        while time.monotonic() - since < SETTLE_SECONDS:
            if self.waiting() == 0:
                return time.monotonic() - since
            time.sleep(POLL_SECONDS)
        return None

    def waiting(self) -> int | None:
        """Return how many items wait to be applied, or None while the database is away."""
        try:
            return int(self.store.rows(WAITING)[0][0])
        except Away:
            return None

    def until_ready(self) -> float:
        """Wait until the server takes requests; return how long that took, in seconds."""
        address, started = f"http://127.0.0.1:{self.port}/health/live/", time.monotonic()
        while time.monotonic() - started < READY_SECONDS:
            try:
                with urllib.request.urlopen(address, timeout=READY_SECONDS):
                    break
            except (urllib.error.URLError, OSError):
                time.sleep(POLL_SECONDS)
        return time.monotonic() - started

    def script(self, name: str, *arguments: str) -> Any:
        """Run one of our programs with this app's settings; return the JSON it prints."""
        done = subprocess.run(
            [sys.executable, f"scripts/chaos/{name}.py", *arguments],
            env=self.env,
            cwd=machine.ROOT,
            check=True,
            capture_output=True,
        )
        return json.loads(done.stdout)

    def _server(self) -> list[str]:
        if self.store.name != SQLITE:
            return machine.gunicorn_command(WSGI, self.port)
        address = ("--host", "127.0.0.1", "--port", str(self.port))
        return [sys.executable, "manage.py", "serve", "--skip-checks", *address]

    def _web_env(self) -> dict[str, str]:
        return {name: self.env[name] for name in self.env if name != "DJANGO_SETTINGS_MODULE"}


@contextmanager
def running(store: Store, folder: Path, changes: Mapping[str, str] | None = None) -> Iterator[App]:
    """Migrate the database, run the app on it for the length of the block."""
    env = machine.environment(store.url) | {"LOG_LEVEL": "ERROR"} | dict(changes or {})
    folder.mkdir(parents=True, exist_ok=True)
    app = App(store, env, folder)
    app.script("prepare")
    app.web.start()
    app.worker.start()
    try:
        app.until_ready()
        yield app
    finally:
        app.worker.stop()
        app.web.stop()
