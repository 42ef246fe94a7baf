"""May this message go out now, and how: one pure function over Meta's rules.

Meta (sections 3.5, 4.2 and 8 of the reference): an answer is allowed for 24 hours after the
customer's latest message, or 7 days if a person wrote it and Meta approved the Human Agent feature.
Meta counts by its own clock and offers no countdown, so we stop a minute early.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WINDOW = timedelta(hours=24)
HUMAN_AGENT_WINDOW = timedelta(days=7)
MARGIN = timedelta(minutes=1)
HUMAN_AGENT = "HUMAN_AGENT"

# What a customer does → whether Meta opens the window for it, and so whether applying moves
# `Conversation.last_inbound_at`.
OPENS_WINDOW: Mapping[str, bool] = {
    "message": True,  # any of theirs, also one Instagram cannot show
    "quick_reply": True,  # arrives as a message
    "story_reply": True,
    "story_mention": True,  # arrives as a message without text
    "ad_referral": True,  # the message that came from an ad
    "standby_message": True,  # while another app holds the thread, but theirs all the same
    "postback": True,  # ice breaker, menu or template button
    "referral": False,  # an ig.me link opened in a thread, without a word
    "reaction": False,
    "edit": False,  # Meta: the latest *message* counts; an edit sends none
    "unsend": False,  # nor does taking one back close anything
    "seen": False,
    "comment": False,  # a private reply is the only answer to it, and opens nothing either
    "own_message": False,  # ours, from wherever it was written
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
    """The verdict with its reason in words of the reader's language, and until when it holds."""

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
        """Return what is stored with each send: its words in English, whoever sent it."""
        with translation.override("en"):
            sentence, action = (str(words) for words in WORDS[self.code])
        return {
            "verdict": self.verdict.value,
            "code": self.code,
            "sentence": sentence,
            "action": action,
            "closes_at": self.closes_at.isoformat() if self.closes_at else None,
            "human_agent_until": (
                self.human_agent_until.isoformat() if self.human_agent_until else None
            ),
            "is_held": self.is_held,
        }


# Code → sentence and next step; the table of docs/what-meta-takes.md.
WORDS: Mapping[str, tuple[Promise | str, Promise | str]] = {
    "open": (_("Instagram allows an answer now."), ""),
    "human_agent": (
        _(
            "More than 24 hours have passed. A person may still answer within seven days, marked "
            "as written by a human agent."
        ),
        "",
    ),
    "self": (_("The account writes to itself, so no time limit applies."), ""),
    "held": (
        _("The Instagram account has to be connected again. Your answer waits until then."),
        _("Connect the account again."),
    ),
    "never_opened": (
        _("This person has not written yet, so Instagram allows no message to them."),
        _("Wait until they write."),
    ),
    "window_closed": (
        _(
            "More than 24 hours have passed since this person last wrote, so Instagram allows no "
            "answer."
        ),
        _("Wait until they write again."),
    ),
    "human_agent_closed": (
        _(
            "More than seven days have passed since this person last wrote, so Instagram allows "
            "no answer."
        ),
        _("Wait until they write again."),
    ),
    "not_for_automation": (
        _("More than 24 hours have passed, and only a person may answer now."),
        _("Let somebody answer by hand."),
    ),
    "held_elsewhere": (
        _("Another app connected to this Instagram account holds the conversation."),
        _("Answer there, or take the conversation over."),
    ),
    "account_gone": (
        _("This Instagram account is disconnected."),
        _("Connect it again; then you can answer."),
    ),
}


@dataclass(frozen=True, slots=True)
class Ends:
    """When the windows close, our margin taken off."""

    closes_at: datetime | None
    human_agent_until: datetime | None


def ends_of(facts: Facts) -> Ends:
    """Return when the windows close; None where nothing opened them, or they are not granted."""
    if facts.opened_at is None:
        return Ends(None, None)
    until = facts.opened_at + HUMAN_AGENT_WINDOW - MARGIN if facts.human_agent else None
    return Ends(facts.opened_at + WINDOW - MARGIN, until)


# The first rule that applies decides. Each end itself is outside of its window.
RULES: tuple[tuple[Callable[[Facts, Ends], bool], Verdict, str], ...] = (
    (lambda facts, _ends: facts.standing == Standing.GONE, Verdict.REFUSED, "account_gone"),
    (lambda facts, _ends: facts.held_elsewhere, Verdict.REFUSED, "held_elsewhere"),
    (lambda facts, _ends: facts.is_self, Verdict.ALLOWED, "self"),
    (lambda _facts, ends: ends.closes_at is None, Verdict.REFUSED, "never_opened"),
    (lambda facts, ends: _is_before(facts, ends.closes_at), Verdict.ALLOWED, "open"),
    (lambda _facts, ends: ends.human_agent_until is None, Verdict.REFUSED, "window_closed"),
    (
        lambda facts, ends: not _is_before(facts, ends.human_agent_until),
        Verdict.REFUSED,
        "human_agent_closed",
    ),
    (
        lambda facts, _ends: facts.author != Author.HUMAN,
        Verdict.REFUSED,
        "not_for_automation",
    ),
    (lambda _facts, _ends: True, Verdict.HUMAN_AGENT, "human_agent"),
)


def decide(facts: Facts) -> Decision:
    """Return whether a message may go out at `facts.now`, with the reason in words."""
    ends = ends_of(facts)
    verdict, code = next(
        (verdict, code) for applies, verdict, code in RULES if applies(facts, ends)
    )
    is_held = facts.standing == Standing.HELD and verdict != Verdict.REFUSED
    if is_held:
        code = "held"
    sentence, action = WORDS[code]
    return Decision(
        verdict=verdict,
        code=code,
        sentence=str(sentence),
        action=str(action),
        closes_at=ends.closes_at,
        human_agent_until=ends.human_agent_until,
        is_held=is_held,
    )


def _is_before(facts: Facts, end: datetime | None) -> bool:
    return end is not None and facts.now < end
