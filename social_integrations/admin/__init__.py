"""The admin pages; importing the modules registers them."""

from . import accounts, automation, conversations, deletion, jobs, ledger, messages, reconciliations

__all__ = [
    "accounts",
    "automation",
    "conversations",
    "deletion",
    "jobs",
    "ledger",
    "messages",
    "reconciliations",
]
