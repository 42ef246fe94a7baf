"""F1 to F3: PostgreSQL stops, crashes, is locked, is far away."""

import time

import psycopg

from scripts.chaos.app import running
from scripts.chaos.judge import Bounds, Outcome
from scripts.chaos.proxy import proxied
from scripts.chaos.recipes.scene import Scene
from scripts.chaos.sender import Meta

LONGEST_DOWN = 20.0
CRASH_EVERY = 7.0
LATENCY = 0.5
SLOW_DELIVERIES = 80
LEDGER = "social_integrations_webhookevent"


def stopped(scene: Scene) -> Outcome:
    """F1: the database is down for up to 20 s; every answer is a quick 503."""
    down = min(LONGEST_DOWN, scene.seconds * 0.6)

    def stop(_meta: Meta) -> None:
        time.sleep(scene.seconds * 0.2)
        scene.cluster.stop()
        time.sleep(down)
        scene.cluster.start()

    seen = scene.app.pour(scene.load(), stop)
    bounds = Bounds(slowest=3.0, must_refuse=True)
    return Outcome(seen, bounds, f"down for {down:.0f} s, {seen.refused} refused with 503")


def crashing(scene: Scene) -> Outcome:
    """F2: the database crashes and recovers, again and again, at most 7 s apart."""
    every = min(CRASH_EVERY, scene.seconds / 5)
    crashes = 0

    def crash(meta: Meta) -> None:
        nonlocal crashes
        crashes = meta.repeat(every, scene.cluster.restart)

    seen = scene.app.pour(scene.load(), crash)
    return Outcome(seen, note=f"{crashes} crashes, {seen.refused} refused with 503")


def locked(scene: Scene) -> Outcome:
    """F3: somebody holds the ledger's table, as a careless migration does."""
    held = min(15.0, scene.seconds * 0.6)

    def lock(_meta: Meta) -> None:
        time.sleep(scene.seconds * 0.2)
        with psycopg.connect(scene.cluster.url) as connection:
            connection.execute(f"LOCK TABLE {LEDGER} IN ACCESS EXCLUSIVE MODE")
            time.sleep(held)

    seen = scene.app.pour(scene.load(), lock)
    bounds = Bounds(must_refuse=True)
    return Outcome(seen, bounds, f"locked for {held:.0f} s, {seen.refused} refused with 503")


def slow(scene: Scene) -> Outcome:
    """F3: every answer of the database takes 500 ms longer; then all its connections break."""
    scene.app.worker.stop()  # the one behind the proxy shall apply
    with proxied(scene.cluster.port) as proxy:
        url = f"postgres://postgres@127.0.0.1:{proxy.port}/postgres"
        with running(scene.app.store, scene.app.folder / scene.name, {"DATABASE_URL": url}) as app:

            def delay(meta: Meta) -> None:
                proxy.toxics.latency = LATENCY
                meta.finish(3.0)
                proxy.reset_peer()
                meta.finish(3.0)
                proxy.toxics.latency = 0.0

            seen = app.pour(scene.load(SLOW_DELIVERIES), delay)
    scene.app.worker.start()
    return Outcome(seen, note=f"+{LATENCY * 1000:.0f} ms, connections broken once")
