"""May this message go out now, and how: one pure function over Meta's rules.

Meta (sections 3.5, 4.2 and 8 of the reference): an answer is allowed for 24 hours after the
customer's latest message, or 7 days if a person wrote it and Meta approved the Human Agent feature.
Meta counts by its own clock and offers no countdown, so we stop a minute early.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

WINDOW = timedelta(hours=24)
HUMAN_AGENT_WINDOW = timedelta(days=7)
MARGIN = timedelta(minutes=1)
HUMAN_AGENT = "HUMAN_AGENT"

# What a customer does → whether Meta opens the window for it. Kinds as in `Message.kind`, and what
# is no message.
OPENS_WINDOW: dict[str, bool] = {
    "message": True,  # any of theirs, also a quick reply, an answer to a story or an ad's first
    "story_mention": True,  # arrives as a message
    "postback": True,  # ice breaker, menu or template button
    "referral": False,  # an ig.me link opened in a thread, without a word
    "reaction": False,
    "seen": False,
    "comment": False,  # a private reply is the only answer to it, and opens nothing either
    "private_reply": False,
}


class Author(StrEnum):
    """Who is answerable for a message: Meta gives people longer than machines."""

    HUMAN = "human"
    AUTOMATION = "automation"


class Verdict(StrEnum):
    """What the policy says."""

    ALLOWED = "allowed"
    HUMAN_AGENT = "human_agent"
    """Allowed with the tag HUMAN_AGENT."""
    REFUSED = "refused"


class Standing(StrEnum):
    """How the account stands, as far as sending goes."""

    CONNECTED = "connected"
    HELD = "held"
    """It has to be connected again: answers wait."""
    GONE = "gone"
    """It was disconnected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything the decision depends on."""

    author: Author
    now: datetime
    opened_at: datetime | None
    """When the customer last did what opens the window, by Meta's clock."""
    human_agent: bool = False
    """Whether Meta approved the Human Agent feature for the app."""
    standing: Standing = Standing.CONNECTED
    held_elsewhere: bool = False
    """Whether another app holds the thread."""
    is_self: bool = False
    """Whether the account writes to itself: Meta's windows do not apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The verdict with its reason in words, and until when it holds."""

    verdict: Verdict
    code: str
    sentence: str
    action: str = ""
    closes_at: datetime | None = None
    """When the 24 hours end, our margin taken off; None where nothing opened them."""
    human_agent_until: datetime | None = None
    """When the 7 days end; None without the feature."""
    is_held: bool = False
    """Whether it waits until the account is connected again."""

    @property
    def is_allowed(self) -> bool:
        """Whether the message may be sent, with the tag or without."""
        return self.verdict != Verdict.REFUSED

    @property
    def tag(self) -> str:
        """The message tag to send with; empty for none."""
        return HUMAN_AGENT if self.verdict == Verdict.HUMAN_AGENT else ""

    def as_json(self) -> dict[str, str | bool | None]:
        """Return what is stored with each send and shown by the API."""
        return {
            "verdict": self.verdict.value,
            "code": self.code,
            "sentence": self.sentence,
            "action": self.action,
            "closes_at": self.closes_at.isoformat() if self.closes_at else None,
            "human_agent_until": (
                self.human_agent_until.isoformat() if self.human_agent_until else None
            ),
            "is_held": self.is_held,
        }


# Code → sentence and next step.
WORDS: dict[str, tuple[str, str]] = {
    "open": ("Instagram allows an answer now.", ""),
    "human_agent": (
        "More than 24 hours have passed. A person may still answer within seven days, marked as "
        "written by a human agent.",
        "",
    ),
    "self": ("The account writes to itself, so no time limit applies.", ""),
    "never_opened": (
        "This person has not written yet, so Instagram allows no message to them.",
        "Wait until they write.",
    ),
    "window_closed": (
        "More than 24 hours have passed since this person last wrote, so Instagram allows no "
        "answer.",
        "Wait until they write again.",
    ),
    "human_agent_closed": (
        "More than seven days have passed since this person last wrote, so Instagram allows no "
        "answer.",
        "Wait until they write again.",
    ),
    "not_for_automation": (
        "More than 24 hours have passed, and only a person may answer now.",
        "Let somebody answer by hand.",
    ),
    "held_elsewhere": (
        "Another app connected to this Instagram account holds the conversation.",
        "Answer there, or take the conversation over.",
    ),
    "account_gone": (
        "This Instagram account is disconnected.",
        "Connect it again; then you can answer.",
    ),
}


def decide(facts: Facts) -> Decision:
    """Return whether a message may go out at `facts.now`, with the reason in words."""
    closes_at = facts.opened_at + WINDOW - MARGIN if facts.opened_at else None
    extended = facts.human_agent and facts.opened_at is not None
    until = facts.opened_at + HUMAN_AGENT_WINDOW - MARGIN if extended and facts.opened_at else None
    verdict, code = _judge(facts, closes_at, until)
    sentence, action = WORDS[code]
    return Decision(
        verdict=verdict,
        code=code,
        sentence=sentence,
        action=action,
        closes_at=closes_at,
        human_agent_until=until,
        is_held=facts.standing == Standing.HELD and verdict != Verdict.REFUSED,
    )


def _judge(
    facts: Facts, closes_at: datetime | None, human_agent_until: datetime | None
) -> tuple[Verdict, str]:
    if facts.standing == Standing.GONE:
        return Verdict.REFUSED, "account_gone"
    if facts.held_elsewhere:
        return Verdict.REFUSED, "held_elsewhere"
    if facts.is_self:
        return Verdict.ALLOWED, "self"
    if closes_at is None:
        return Verdict.REFUSED, "never_opened"
    if facts.now < closes_at:
        return Verdict.ALLOWED, "open"
    if human_agent_until is None:
        return Verdict.REFUSED, "window_closed"
    if facts.now >= human_agent_until:
        return Verdict.REFUSED, "human_agent_closed"
    if facts.author != Author.HUMAN:
        return Verdict.REFUSED, "not_for_automation"
    return Verdict.HUMAN_AGENT, "human_agent"
