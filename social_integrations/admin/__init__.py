"""The admin pages; importing the modules registers them."""

from . import accounts, canned, conversations, deletion, jobs, ledger, messages, reconciliations

__all__ = [
    "accounts",
    "canned",
    "conversations",
    "deletion",
    "jobs",
    "ledger",
    "messages",
    "reconciliations",
]
