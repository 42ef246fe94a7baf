"""The app's tables."""

from .accounts import ConnectedAccount, OAuthAttempt, PendingGrant
from .automation import AwayMessage, IceBreaker, MenuEntry, MessengerProfile, OpeningHours
from .budgets import CallBudget
from .conversations import Contact, Conversation
from .deletion import DeletionRequest, Tombstone
from .jobs import Heartbeat, Job
from .ledger import WebhookEvent
from .messages import Attachment, Message, MessageEdit, Reaction
from .private_replies import PrivateReply
from .reconciliation import Reconciliation
from .staff import CannedReply, Note
from .uploads import Upload

__all__ = [
    "Attachment",
    "AwayMessage",
    "CallBudget",
    "CannedReply",
    "ConnectedAccount",
    "Contact",
    "Conversation",
    "DeletionRequest",
    "Heartbeat",
    "IceBreaker",
    "Job",
    "MenuEntry",
    "Message",
    "MessageEdit",
    "MessengerProfile",
    "Note",
    "OAuthAttempt",
    "OpeningHours",
    "PendingGrant",
    "PrivateReply",
    "Reaction",
    "Reconciliation",
    "Tombstone",
    "Upload",
    "WebhookEvent",
]
