"""A ledger row that was read: whose it is and what it says."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeAlias, TypeVar

from social_integrations.events.types import Event
from social_integrations.models import ConnectedAccount, WebhookEvent

E_co = TypeVar("E_co", bound=Event, covariant=True)

ContactKey: TypeAlias = tuple[int, str]
"""Account and Instagram-scoped id."""
MessageKey: TypeAlias = tuple[int, str]
"""Account and Meta's `mid`; for a message without one, the fingerprint of its item."""

# How good a witness an item is, by its wrapper: the best one's content is shown. A copy read from
# the Conversations API knows less than a delivered one (seconds only, links only).
RANKS = {"messaging": "1", "standby": "2", "changes": "3", "entry": "3", "conversations": "9"}


@dataclass(frozen=True, slots=True)
class Arrival(Generic[E_co]):
    """One event on its way into the conversations, with the ledger row it stands in."""

    row: WebhookEvent
    account: ConnectedAccount
    event: E_co

    @property
    def contact_key(self) -> ContactKey:
        """Whose conversation it belongs to."""
        return self.account.pk, self.event.contact_id

    @property
    def occurred_at(self) -> datetime:
        """Meta's clock, or ours where Meta's makes no sense."""
        return self.event.occurred_at or self.row.occurred_at or self.row.received_at

    @property
    def origin(self) -> str:
        """Its place among several items about one message: the smallest is shown."""
        return RANKS.get(self.row.wrapper, "8") + self.row.event_key
