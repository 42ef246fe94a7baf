"""What a recipe plays in."""

from dataclasses import dataclass

from scripts.chaos.app import App
from scripts.chaos.sender import RATE, Delivery, deliveries
from scripts.chaos.stores import Cluster, Sqlite


@dataclass(frozen=True)
class Scene:
    """The running app, and how much is delivered to it."""

    name: str
    app: App
    deliveries: int

    @property
    def seconds(self) -> float:
        """How long delivering takes when nothing is in the way."""
        return self.deliveries / RATE

    @property
    def cluster(self) -> Cluster:
        """The PostgreSQL server, for recipes that run on no other."""
        if not isinstance(self.app.store, Cluster):
            raise TypeError(f"{self.name} needs PostgreSQL")
        return self.app.store

    @property
    def sqlite(self) -> Sqlite:
        """The SQLite file, for recipes that run on no other."""
        if not isinstance(self.app.store, Sqlite):
            raise TypeError(f"{self.name} needs SQLite")
        return self.app.store

    def load(self, count: int = 0, events: int = 1, rate: float = RATE) -> list[Delivery]:
        """Return deliveries of new messages, by default as many as asked for."""
        return deliveries(self.name, count or self.deliveries, events, rate)
