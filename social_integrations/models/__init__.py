"""The app's tables."""

from .accounts import ConnectedAccount, OAuthAttempt
from .conversations import Contact, Conversation
from .jobs import Job
from .ledger import WebhookEvent
from .messages import Attachment, Message, Reaction

__all__ = [
    "Attachment",
    "ConnectedAccount",
    "Contact",
    "Conversation",
    "Job",
    "Message",
    "OAuthAttempt",
    "Reaction",
    "WebhookEvent",
]
