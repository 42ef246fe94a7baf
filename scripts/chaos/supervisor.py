"""Starts a program again whenever it dies, as systemd or a container runtime would."""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.lib.machine import ROOT

RESTART_SECONDS = 0.1
STOP_SECONDS = 20


class Supervised:
    """One program in a process group of its own, started anew until `stop`."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.command, self.env, self.log = command, env, log
        self.deaths = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._watcher: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start it, and a thread that watches it."""
        self._stopping.clear()
        self._spawn()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """End it for good: gently, then not."""
        self._stopping.set()
        self.signal(signal.SIGTERM)
        if self._child is not None:
            try:
                self._child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        if self._watcher is not None:
            self._watcher.join(STOP_SECONDS)

    @property
    def pid(self) -> int:
        """The process id of the present life."""
        return self._child.pid if self._child is not None else 0

    def kill(self) -> None:
        """Kill -9 the program and everything it started."""
        if self._child is not None and self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGKILL)

    def signal(self, number: int) -> None:
        """Send a signal to the program alone."""
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(number)

    def _spawn(self) -> None:
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self.command,
                env=self.env,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _watch(self) -> None:
        while self._child is not None:
            self._child.wait()
            if self._stopping.wait(RESTART_SECONDS):
                return
            self.deaths += 1
            self._spawn()
