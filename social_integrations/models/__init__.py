"""The app's tables."""

from .accounts import ConnectedAccount, OAuthAttempt, PendingGrant
from .conversations import Contact, Conversation
from .jobs import Job
from .ledger import WebhookEvent
from .messages import Attachment, Message, MessageEdit, Reaction
from .reconciliation import Reconciliation

__all__ = [
    "Attachment",
    "ConnectedAccount",
    "Contact",
    "Conversation",
    "Job",
    "Message",
    "MessageEdit",
    "OAuthAttempt",
    "PendingGrant",
    "Reaction",
    "Reconciliation",
    "WebhookEvent",
]
