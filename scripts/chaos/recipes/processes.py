"""F4 to F7 and F20: our own processes die, restart, or lose their cache."""

import random
import signal
import sys
import time
from contextlib import suppress
from os import kill

from scripts.chaos.app import running
from scripts.chaos.judge import Bounds, Outcome
from scripts.chaos.recipes.scene import Scene
from scripts.chaos.sender import RATE, Line, Meta
from scripts.chaos.supervisor import Supervised
from scripts.lib import machine

KILL_EVERY = 2.0
COLD_START_SECONDS = 10.0
# While processes load, requests wait in the kernel: that is the machine's time, not the app's.
LOADING = Bounds(slowest=COLD_START_SECONDS, may_break=True)
LIVES_SECONDS = 20.0
"""How long everything lives before it is killed, at most."""
RESTART_EVERY, RESTARTS = 5.0, 3
"""Seconds between restarts, and how many there shall be."""
HEARD_SECONDS = 0.5
"""How long gunicorn takes to stop its old workers."""
FORGED = 20
DYING_WORKER = [sys.executable, "scripts/chaos/dying_worker.py"]


def web_worker_killed(scene: Scene) -> Outcome:
    """F4: one of gunicorn's workers is killed -9 every two seconds, in the middle of requests."""

    def kill_one() -> None:
        workers = machine.children(scene.app.web.pid)
        if workers:
            with suppress(ProcessLookupError):
                kill(random.choice(workers), signal.SIGKILL)  # noqa: S311

    kills = 0

    def fault(meta: Meta) -> None:
        nonlocal kills
        kills = meta.repeat(KILL_EVERY, kill_one)

    seen = scene.app.pour(scene.load(), fault)
    return Outcome(seen, LOADING, f"{kills} kills, {seen.broken} connections cut off")


def everything_killed(scene: Scene) -> Outcome:
    """F5: web server and worker are killed -9 together; a supervisor starts them again."""
    starts: list[float] = []

    def kill_all() -> None:
        scene.app.web.kill()
        scene.app.worker.kill()
        starts.append(scene.app.until_ready())

    every = min(LIVES_SECONDS, scene.seconds / 2)
    seen = scene.app.pour(scene.load(), lambda meta: meta.repeat(every, kill_all))
    slowest = max(starts, default=0.0)
    late = [f"a cold start took {slowest:.1f} s"] if slowest > COLD_START_SECONDS else []
    note = f"{len(starts)} kills, ready again in {slowest:.1f} s at most"
    return Outcome(seen, LOADING, note, late)


def worker_killed(scene: Scene) -> Outcome:
    """F6: the applying worker is killed -9 before or after one of its writes, life after life."""
    app = scene.app
    app.worker.stop()
    dying = Supervised(DYING_WORKER, app.env, app.folder / "dying_worker.log")
    dying.start()

    def fault(meta: Meta) -> None:
        meta.finish(scene.seconds * 4)
        dying.stop()
        app.worker.start()

    seen = app.pour(scene.load(), fault)
    idle = [] if dying.deaths else ["the worker never died, so the run proves nothing"]
    return Outcome(seen, note=f"{dying.deaths} deaths while applying", broken=idle)


def cache_gone(scene: Scene) -> Outcome:
    """F7: there is no broker to lose; the cache is lost, and receiving does not need it."""
    scene.app.worker.stop()
    changes = {"CACHE_BACKEND": "scripts.chaos.lost_cache.LostCache"}
    with running(scene.app.store, scene.app.folder / scene.name, changes) as app:
        seen = app.pour(scene.load())
        line = Line(app.port, app.secret)
        answers = [line.post(b"{}", signature="sha256=" + "0" * 64) for _ in range(FORGED)]
        line.close()
    scene.app.worker.start()
    statuses = {answer.status for answer in answers}
    wrong = [f"a forged delivery was answered {sorted(statuses)}"] if statuses != {403} else []
    return Outcome(seen, Bounds(may_refuse=False), "no broker exists; cache gone", wrong)


def rolling_restart(scene: Scene) -> Outcome:
    """F20: gunicorn replaces its workers (HUP) while it serves; no request fails."""
    loading: list[float] = []

    def restart() -> None:
        # gunicorn stops the old workers at once: requests wait in the kernel until the new ones
        # are loaded. A restart before that would stop workers that never served.
        scene.app.web.signal(signal.SIGHUP)
        time.sleep(HEARD_SECONDS)
        loading.append(HEARD_SECONDS + scene.app.until_ready())

    rate = min(RATE, scene.deliveries / (RESTARTS * RESTART_EVERY + 2))
    load = scene.load(rate=rate)
    seen = scene.app.pour(load, lambda meta: meta.repeat(RESTART_EVERY, restart), fresh=True)
    note = f"{len(loading)} restarts, new workers load in {max(loading, default=0.0):.1f} s"
    return Outcome(seen, Bounds(slowest=COLD_START_SECONDS, may_refuse=False), note)
