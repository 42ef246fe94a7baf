"""Answers on their way out: what waits, what nobody knows the fate of, and the Human Agent tag."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from social_integrations.conf import app_settings
from social_integrations.models import Message
from social_integrations.services.send_overview import LATELY, SendStanding, send_standing
from social_integrations.services.send_policy import HUMAN_AGENT

from .rows import Check, Finding, amber, green, red

# A worker that lives sends within seconds; throttling and a passing fault explain some minutes.
LATE, TOO_LATE = timedelta(minutes=5), timedelta(minutes=30)
Status = Message.Status


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingFacts:
    """How sending stands, and what became of tagged answers lately."""

    now: datetime
    standing: SendStanding
    is_tagging: bool = False
    tagged_sent: bool = False
    tagged_failed: bool = False


def gather() -> SendingFacts:
    """Count messages by their state."""
    now = timezone.now()
    tagged = Message.objects.filter(tag=HUMAN_AGENT, sent_at__gte=now - LATELY).order_by()
    is_tagging = app_settings.HUMAN_AGENT
    return SendingFacts(
        now=now,
        standing=send_standing(),
        is_tagging=is_tagging,
        tagged_sent=is_tagging and tagged.filter(status__in=[Status.SENT, Status.SEEN]).exists(),
        tagged_failed=is_tagging and tagged.filter(status=Status.FAILED).exists(),
    )


def _waiting(facts: SendingFacts) -> Finding:
    standing, oldest = facts.standing, facts.standing.oldest_waiting
    held = (
        f" Held until their account is connected again: {standing.held}." if standing.held else ""
    )
    age = facts.now - oldest if oldest else timedelta(0)
    if age < LATE:
        return green(f"Answers are sent in time.{held}")
    colour = red if age >= TOO_LATE else amber
    return colour(
        f"An answer has waited to be sent for {age.total_seconds() / 60:.0f} minutes.{held}",
        "Admin > Messages, “Waiting to be sent”, says why; otherwise look at the worker's log.",
    )


def _unknown(facts: SendingFacts) -> Finding:
    if not facts.standing.unknown:
        return green("The outcome of every answer is known.")
    return amber(
        f"Answers of which nobody knows whether they arrived: {facts.standing.unknown}.",
        "Admin > Messages, “Outcome unknown”: look into the conversation at Instagram, then “It "
        "arrived” or “It did not arrive”.",
    )


def _human_agent(facts: SendingFacts) -> Finding:
    if not facts.is_tagging:
        return green("Off: answers end 24 hours after the customer last wrote.")
    if facts.tagged_failed and not facts.tagged_sent:
        return amber(
            "INSTAGRAM_HUMAN_AGENT is on, but Instagram refuses every answer marked so.",
            "Look under App Review > Permissions and features whether Human Agent is approved; "
            "until it is, set INSTAGRAM_HUMAN_AGENT=false.",
        )
    return green("On: people may answer for seven days.")


CHECKS: tuple[Check[SendingFacts], ...] = (
    Check("answers_waiting", "Answers sent in time", _waiting),
    Check("answers_unknown", "Outcomes of answers", _unknown),
    Check("human_agent", "Human Agent", _human_agent),
)
