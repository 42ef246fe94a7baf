"""The emulator as one value: what it was told, what it remembers, who delivers for it."""

from dataclasses import dataclass, field

from .config import EmulatorConfig
from .courier import Courier
from .pace import Pace
from .store import Store
from .switches import Value, read_switches


@dataclass(frozen=True, slots=True)
class Emulator:
    """Passed to every handler."""

    config: EmulatorConfig
    store: Store
    courier: Courier
    pace: Pace = field(default_factory=Pace)

    def now(self) -> float:
        """Read the movable clock that codes, tokens and media links live by, in seconds."""
        return self.config.clock() + float(self.store.setting("clock_ahead") or 0)

    def now_ms(self) -> int:
        """Read the clock that stamps events; it stays with the CRM's, which nobody can move."""
        return int(self.config.clock() * 1000)

    def moved_ms(self, when: int) -> int:
        """Read the movable clock at an event's time, in ms; windows are counted by it."""
        return when + int(float(self.store.setting("clock_ahead") or 0) * 1000)

    def switch(self, name: str) -> Value:
        """Read one switch."""
        return read_switches(self.store)[name]
