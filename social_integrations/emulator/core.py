"""The emulator as one value: what it was told, what it remembers, who delivers for it."""

from dataclasses import dataclass

from .config import EmulatorConfig
from .courier import Courier
from .store import Store


@dataclass(frozen=True, slots=True)
class Emulator:
    """Passed to every handler."""

    config: EmulatorConfig
    store: Store
    courier: Courier

    def now(self) -> float:
        """Read the emulator's clock, in seconds."""
        return self.config.clock()

    def now_ms(self) -> int:
        """Read the emulator's clock as webhooks write it."""
        return int(self.now() * 1000)
