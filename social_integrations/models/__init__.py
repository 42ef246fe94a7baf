"""The app's tables."""

from .accounts import ConnectedAccount, OAuthAttempt, PendingGrant
from .budgets import CallBudget
from .conversations import Contact, Conversation
from .deletion import DeletionRequest, Tombstone
from .jobs import Heartbeat, Job
from .ledger import WebhookEvent
from .messages import Attachment, Message, MessageEdit, Reaction
from .reconciliation import Reconciliation

__all__ = [
    "Attachment",
    "CallBudget",
    "ConnectedAccount",
    "Contact",
    "Conversation",
    "DeletionRequest",
    "Heartbeat",
    "Job",
    "Message",
    "MessageEdit",
    "OAuthAttempt",
    "PendingGrant",
    "Reaction",
    "Reconciliation",
    "Tombstone",
    "WebhookEvent",
]
