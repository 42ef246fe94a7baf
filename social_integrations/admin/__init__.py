"""The admin pages; importing the modules registers them."""

from . import accounts, conversations, jobs, ledger, messages

__all__ = ["accounts", "conversations", "jobs", "ledger", "messages"]
