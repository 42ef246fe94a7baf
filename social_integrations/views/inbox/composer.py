"""What the composer shows: whether one may answer, until when, and what has been typed so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from social_integrations.models import ConnectedAccount, Conversation, Message, Upload
from social_integrations.services import colleagues, sending
from social_integrations.services.drafts import MAX_TEXT_BYTES, Part
from social_integrations.services.outgoing_media import LARGEST_FILE
from social_integrations.services.send_policy import Decision, Verdict

from .typed import MOST_QUICK_REPLIES, Typed, chosen_uploads, quoted_message

SPARE_ROWS = 1
LEFT_DAYS = gettext_noop("{d} d {h} h left")
LEFT, LEFT_MINUTES = gettext_noop("{h} h {m} min left"), gettext_noop("{m} min left")
# From here on, days are easier to read.
HOURS_IN_DAYS = 48


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know before sending: what happened, then the next step."""

    sentence: str
    action: str = ""
    quote: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """Everything the template needs, and nothing it has to look up."""

    conversation: Conversation
    decision: Decision
    typed: Typed
    uploads: Sequence[Upload] = ()
    quoted: Message | None = None
    parts: Sequence[Part] = ()
    error: Notice | None = None
    warning: Notice | None = None
    sent: int = 0
    """How many messages were just queued."""
    max_bytes: int = field(default=MAX_TEXT_BYTES)
    most_bytes: int = field(default=LARGEST_FILE)
    most_quick_replies: int = field(default=MOST_QUICK_REPLIES)

    @property
    def until(self) -> datetime | None:
        """When the time to answer ends, by the window that is open now."""
        if self.decision.verdict == Verdict.HUMAN_AGENT:
            return self.decision.human_agent_until
        is_bound = self.decision.is_allowed and self.decision.code != "self"
        return self.decision.closes_at if is_bound else None

    @property
    def left(self) -> str:
        """How long that is from now, in words; the page counts on from there."""
        left = max((self.until or timezone.now()) - timezone.now(), timedelta())
        hours, minutes = divmod(int(left.total_seconds() // 60), 60)
        if hours >= HOURS_IN_DAYS:
            return gettext(LEFT_DAYS).format(d=hours // 24, h=hours % 24)
        return gettext(LEFT if hours else LEFT_MINUTES).format(h=hours, m=minutes)

    @property
    def may_take_over(self) -> bool:
        """Whether asking for the conversation could help."""
        return self.decision.code == "held_elsewhere"

    @property
    def account(self) -> ConnectedAccount:
        """The account that answers."""
        return self.conversation.contact.account

    @property
    def rows(self) -> list[dict[str, str]]:
        """The quick replies as typed, and a row to fill in."""
        filled = [
            {"title": reply.title, "payload": "" if reply.payload == reply.title else reply.payload}
            for reply in self.typed.quick_replies
        ]
        return [*filled, *[{"title": "", "payload": ""}] * SPARE_ROWS][:MOST_QUICK_REPLIES]


def empty_composer(conversation: Conversation, *, sent: int = 0) -> Composer:
    """Return the composer as it is before anything is typed."""
    return Composer(
        conversation=conversation,
        decision=sending.policy_for(conversation),
        typed=Typed(seen=colleagues.newest_message_id(conversation)),
        sent=sent,
    )


def kept_composer(conversation: Conversation, typed: Typed, user: Any, **shown: Any) -> Composer:
    """Return the composer with everything typed and chosen still in it."""
    return Composer(
        conversation=conversation,
        decision=sending.policy_for(conversation),
        typed=typed,
        uploads=chosen_uploads(typed, conversation, user.pk),
        quoted=quoted_message(typed, conversation),
        **shown,
    )
