"""The admin pages; importing the modules registers them."""

from . import accounts, conversations, deletion, jobs, ledger, messages, reconciliations

__all__ = [
    "accounts",
    "conversations",
    "deletion",
    "jobs",
    "ledger",
    "messages",
    "reconciliations",
]
