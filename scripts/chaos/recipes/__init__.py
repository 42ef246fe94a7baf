"""Every recipe: what is broken, on which databases, and the promises it puts to the test."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scripts.chaos.judge import Outcome
from scripts.chaos.recipes import content, database, disk, processes, sending
from scripts.chaos.recipes.scene import Scene
from scripts.chaos.stores import POSTGRESQL, SQLITE

BOTH = (SQLITE, POSTGRESQL)


@dataclass(frozen=True, slots=True)
class Recipe:
    """One fault: its name, what it is in words, and how it is done."""

    name: str
    title: str
    run: Callable[[Scene], Outcome]
    stores: Sequence[str] = BOTH

    def is_meant_by(self, word: str) -> bool:
        """Return whether somebody who types this word means it: `f3` means all of F3."""
        return word.lower() in (self.name, self.name.partition("-")[0])


RECIPES = (
    Recipe("f1", "database stopped", database.stopped, (POSTGRESQL,)),
    Recipe("f2", "database crashes", database.crashing, (POSTGRESQL,)),
    Recipe("f3-lock", "table locked", database.locked, (POSTGRESQL,)),
    Recipe("f3-slow", "database 500 ms away", database.slow, (POSTGRESQL,)),
    Recipe("f4", "web workers killed", processes.web_worker_killed, (POSTGRESQL,)),
    Recipe("f5", "everything killed", processes.everything_killed),
    Recipe("f6", "worker killed applying", processes.worker_killed),
    Recipe("f7", "cache gone", processes.cache_gone, (SQLITE,)),
    Recipe("f8", "delivered three times", content.repeated),
    Recipe("f9", "out of order", content.shuffled),
    Recipe("f10", "opposite orders", content.opposite),
    Recipe("f11", "worker killed sending", sending.killed),
    Recipe("f12", "poison", content.poisoned),
    Recipe("f17", "disk full", disk.full, (SQLITE,)),
    Recipe("f18", "locked by a writer", disk.locked, (SQLITE,)),
    Recipe("f20", "rolling restarts", processes.rolling_restart, (POSTGRESQL,)),
)
