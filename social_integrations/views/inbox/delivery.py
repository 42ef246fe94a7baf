"""How far a message of ours has come, in words, and what a person can do about it."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from social_integrations.models import ConnectedAccount, Conversation, Message
from social_integrations.showing import one_line

from .words import STATES

SENTENCE_LENGTH = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The state of one message of ours."""

    state: str
    icon: str
    label: str
    reason: str = ""
    """Why it failed, or waits."""
    next_step: str = ""
    is_retryable: bool = False
    is_unknown: bool = False
    tag: str = ""
    seen_at: datetime | None = None


def delivery_of(message: Message, conversation: Conversation) -> Delivery | None:
    """Return the state of a message of ours; None for a customer's, or an unsent one."""
    if message.direction == Message.Direction.INBOUND or message.unsent_at:
        return None
    state = _state(message, conversation.contact.account)
    icon, label = STATES.get(state, ("check", message.get_status_display()))
    failed, unknown = state == "failed", state == "unknown"
    return Delivery(
        state=state,
        icon=icon,
        label=str(label),
        reason=_reason(message, state),
        next_step=one_line(_(message.error_action), SENTENCE_LENGTH) if failed else "",
        is_retryable=failed and message.source == Message.Source.CRM,
        is_unknown=unknown and message.source == Message.Source.CRM,
        tag=message.tag,
        seen_at=conversation.customer_seen_at if state == "seen" else None,
    )


def _state(message: Message, account: ConnectedAccount) -> str:
    if message.status == Message.Status.QUEUED and not account.is_active:
        return "held"
    return message.delivery_status


def _reason(message: Message, state: str) -> str:
    if state == "unknown":
        return _("The connection broke before Instagram answered. Look into Instagram.")
    if state == "held":
        return _("Connect the account again; it goes out by itself while Instagram allows it.")
    # Kept in English, whoever's worker wrote it.
    return one_line(_(message.error_text), SENTENCE_LENGTH) if state == "failed" else ""
