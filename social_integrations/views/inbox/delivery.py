"""How far a message of ours has come, in words, and what a person can do about it."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from social_integrations.models import ConnectedAccount, Conversation, Message
from social_integrations.showing import one_line

from .words import STATES

SENTENCE_LENGTH = 300
EXPLAINED = frozenset({"queued", "failed", "unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The state of one message of ours."""

    state: str
    icon: str
    label: str
    reason: str = ""
    """Why it failed, waits, or is in doubt."""
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
    reason, next_step = _explained(message, state)
    is_ours = message.source == Message.Source.CRM
    return Delivery(
        state=state,
        icon=icon,
        label=str(label),
        reason=reason,
        next_step=next_step,
        is_retryable=is_ours and state == "failed",
        is_unknown=is_ours and state == "unknown",
        tag=message.tag,
        seen_at=conversation.customer_seen_at if state == "seen" else None,
    )


def _state(message: Message, account: ConnectedAccount) -> str:
    if message.status == Message.Status.QUEUED and not account.is_active:
        return "held"
    return message.delivery_status


def _explained(message: Message, state: str) -> tuple[str, str]:
    """Return why it stands as it does and what to do; nothing where the state says it all."""
    if state == "held":
        return _("Connect the account again; it goes out by itself while Instagram allows it."), ""
    if state not in EXPLAINED:
        return "", ""
    # Kept in English, whoever's worker wrote them.
    reason, next_step = (
        one_line(_(text), SENTENCE_LENGTH) for text in (message.error_text, message.error_action)
    )
    return reason, next_step
