"""F17 and F18: SQLite's disk is full, or another program writes."""

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from scripts.chaos.app import App, running
from scripts.chaos.judge import Bounds, Outcome
from scripts.chaos.recipes.scene import Scene
from scripts.chaos.sender import Meta
from scripts.chaos.stores import Sqlite

DISK_BYTES = 32 * 1024 * 1024
CAP_BYTES = 4096
FULL_SECONDS = 4.0
HELD_SECONDS = (3.0, 10.0)


class Disk(Protocol):
    """A disk that can be filled and emptied."""

    name: str

    def fill(self, app: App) -> None:
        """Leave no room."""

    def free(self, app: App) -> None:
        """Make room again."""


class SmallDisk:
    """A tmpfs with a file that takes all the rest."""

    name = "a full tmpfs"

    def __init__(self, folder: Path) -> None:
        self._filler = folder / "filler"

    def fill(self, _app: App) -> None:
        """Write until nothing more goes in."""
        with self._filler.open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"\0" * 65536)
            except OSError:
                return

    def free(self, _app: App) -> None:
        """Delete the filler."""
        self._filler.unlink()


class CappedFiles:
    """Where nothing may be mounted: the kernel refuses the app's writes past a few KB."""

    name = "writes refused by RLIMIT_FSIZE"

    def fill(self, app: App) -> None:
        """Refuse writes of web server and worker."""
        self._limit(app, CAP_BYTES)

    def free(self, app: App) -> None:
        """Allow them again."""
        self._limit(app, resource.RLIM_INFINITY)

    def _limit(self, app: App, size: int) -> None:
        for program in (app.web, app.worker):
            resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """Mount a tmpfs on the folder where that is allowed."""
    folder.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    command = [mount or "", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    allowed = os.geteuid() == 0 and mount and umount
    if not allowed or subprocess.run(command, check=False, capture_output=True).returncode:
        yield CappedFiles()
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run([umount or "", "--lazy", str(folder)], check=True)


def full(scene: Scene) -> Outcome:
    """F17: no room on the disk: 503, nothing corrupt, and on it goes when there is room."""
    folder = scene.app.folder / scene.name
    folder.mkdir()
    with small_disk(folder / "disk") as disk:
        store = Sqlite(folder / "disk")
        with running(store, folder / "logs") as app:

            def fill(meta: Meta) -> None:
                meta.finish(scene.seconds * 0.2)
                disk.fill(app)
                time.sleep(FULL_SECONDS)
                disk.free(app)

            seen = app.pour(scene.load(), fill)
            check = store.rows("PRAGMA integrity_check")
    wrong = [] if check == [("ok",)] else [f"integrity_check: {check[:1]}"]
    note = f"{disk.name} for {FULL_SECONDS:.0f} s, {seen.refused} refused with 503, integrity ok"
    return Outcome(seen, Bounds(must_refuse=True), note, wrong)


def locked(scene: Scene) -> Outcome:
    """F18: another program holds the write lock for 3 s and for 10 s: 503, never 500."""

    def hold(_meta: Meta) -> None:
        for seconds in HELD_SECONDS:
            time.sleep(1.0)
            with closing(scene.sqlite.connect()) as writer:
                writer.execute("BEGIN EXCLUSIVE")
                time.sleep(seconds)
                writer.execute("ROLLBACK")

    rate = scene.deliveries / (sum(HELD_SECONDS) + 3)
    seen = scene.app.pour(scene.load(rate=rate), hold)
    held = " and ".join(f"{seconds:.0f}" for seconds in HELD_SECONDS)
    return Outcome(
        seen, Bounds(must_refuse=True), f"held {held} s, {seen.refused} refused with 503"
    )
