"""The admin pages; importing the modules registers them."""

from . import accounts, conversations, jobs, ledger, messages, reconciliations

__all__ = ["accounts", "conversations", "jobs", "ledger", "messages", "reconciliations"]
