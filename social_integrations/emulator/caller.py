"""What a Graph call is about, and who makes it."""

from dataclasses import dataclass
from typing import Any

from .core import Emulator
from .errors import MetaError
from .store import Row
from .tokens import Token

Params = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One object of the Graph, found for one caller."""

    kind: str
    """`user`, `page`, `account`, `own_account` (seen with its own token of Instagram Login),
    `customer`, `app`, `conversation` or `message`."""
    row: Row


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who asks, and at which address pictures should be linked."""

    emulator: Emulator
    token: Token
    base_url: str

    def count_conversation_call(self, account_id: str) -> None:
        """Count a call of the Conversations API; refuse it when the account makes too many.

        Nothing is answered either while the owner does not allow access to messages.
        """
        limit = int(self.emulator.switch("conversation_rate"))
        seconds = self.emulator.pace.wait_for(account_id, limit)
        if seconds:
            raise MetaError("pace", headers={"Retry-After": str(max(1, round(seconds)))})
        page = self.emulator.store.one("SELECT * FROM page WHERE account_id = ?", account_id)
        if page is not None and not page["message_access"]:
            raise MetaError("message_access")
