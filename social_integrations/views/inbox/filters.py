"""What the list is narrowed to, read from the address."""

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from django.http import QueryDict

from social_integrations.models import Conversation
from social_integrations.selectors import ConversationFilters

STATUSES = ("open", "closed", "all")
ASSIGNED: dict[str, Literal["me", "none"] | None] = {"anyone": None, "me": "me", "nobody": "none"}
SEARCH_LENGTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The choices above the list, as they stand in the address."""

    account: int | None = None
    status: str = "open"
    assigned: str = "anyone"
    unread: bool = False
    search: str = ""

    @property
    def query(self) -> str:
        """The filters as they stand in an address; empty for none."""
        values = {
            "account": self.account or "",
            "status": "" if self.status == "open" else self.status,
            "assigned": "" if self.assigned == "anyone" else self.assigned,
            "unread": "1" if self.unread else "",
            "search": self.search,
        }
        return urlencode({name: value for name, value in values.items() if value})

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the open conversations of all accounts is asked for."""
        return self != Filters()

    @property
    def everything(self) -> str:
        """The same search through all conversations, as it stands in an address."""
        return Filters(status="all", search=self.search).query

    def wanted(self) -> ConversationFilters:
        """Return the filters as the selector takes them."""
        return ConversationFilters(
            account=self.account,
            status="" if self.status == "all" else self.status,
            assigned_to=ASSIGNED[self.assigned],
            unread=True if self.unread else None,
            search=self.search,
        )

    def fits(self, conversation: Conversation, user: Any) -> bool:
        """Return whether a conversation belongs in the list, as far as its row alone tells.

        What is searched for does not stand in the row.
        """
        assignee = conversation.assigned_to_id
        return (
            self.account in (None, conversation.contact.account_id)
            and self.status in ("all", conversation.status)
            and (self.assigned != "me" or assignee == user.pk)
            and (self.assigned != "nobody" or assignee is None)
            and (not self.unread or _is_unread(conversation))
        )


def read_filters(query: QueryDict) -> Filters:
    """Return the filters an address asks for; what it misspells counts as not asked."""
    account = query.get("account", "")
    status, assigned = query.get("status", ""), query.get("assigned", "")
    return Filters(
        account=int(account) if account.isdecimal() and len(account) < 19 else None,
        status=status if status in STATUSES else "open",
        assigned=assigned if assigned in ASSIGNED else "anyone",
        unread=query.get("unread") == "1",
        search=query.get("search", "").replace("\x00", "").strip()[:SEARCH_LENGTH],
    )


def _is_unread(conversation: Conversation) -> bool:
    inbound_at, read_at = conversation.last_inbound_at, conversation.staff_read_at
    return inbound_at is not None and (read_at is None or read_at < inbound_at)
