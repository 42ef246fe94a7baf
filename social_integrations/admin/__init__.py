"""The admin pages; importing the modules registers them."""

from . import (
    accounts,
    automation,
    canned,
    conversations,
    deletion,
    jobs,
    ledger,
    messages,
    private_replies,
    reconciliations,
    staff,
)

__all__ = [
    "accounts",
    "automation",
    "canned",
    "conversations",
    "deletion",
    "jobs",
    "ledger",
    "messages",
    "private_replies",
    "reconciliations",
    "staff",
]
