"""Whether anything arrives for an account, with the first guesses where nothing does."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from social_integrations.models import ConnectedAccount, WebhookEvent
from social_integrations.selectors import without_tokens

from .rows import Check, Finding, amber, green, skipped

# Quieter than that is unusual for a shop, though no fault by itself.
QUIET = timedelta(days=7)
PHONE = (
    "On the phone, in the Instagram app: Settings > Messages and story replies > Message controls "
    "> Connected tools > Allow access to messages: on. Then write to the account."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalFacts:
    """When the account's latest event arrived, and what speaks for it being on its way."""

    account: ConnectedAccount
    now: datetime
    has_waiting: bool
    has_test: bool


def gather(account: ConnectedAccount) -> ArrivalFacts:
    """Read the ledger; what still waits to be applied counts as arrived."""
    ids = [name for name in (account.instagram_account_id, account.app_scoped_id) if name]
    waiting = WebhookEvent.objects.filter(
        status=WebhookEvent.Status.RECEIVED, instagram_account_id__in=ids
    )
    tests = WebhookEvent.objects.filter(status=WebhookEvent.Status.TEST)
    return ArrivalFacts(
        # As it is now: its token may have turned out to be dead since.
        account=without_tokens(ConnectedAccount.objects.all()).get(pk=account.pk),
        now=timezone.now(),
        has_waiting=waiting.exists(),
        has_test=tests.exists(),
    )


def _last_event(facts: ArrivalFacts) -> Finding:
    latest = facts.account.last_event_at
    if not facts.account.is_active:
        return skipped("Not looked at: the account is not connected.")
    if facts.has_waiting:
        return green("Something has arrived and waits to be applied.")
    if latest is None:
        if facts.has_test:
            return skipped("Nothing real has arrived yet; see “Meta app is Live”.")
        return amber("Nothing has ever arrived for this account.", PHONE)
    if facts.now - latest > QUIET:
        days = (facts.now - latest).days
        return amber(
            f"Nothing has arrived for {days} days.",
            f"If somebody has written since: press “Subscribe again”. {PHONE}",
        )
    return green(f"The latest event arrived on {latest:%Y-%m-%d at %H:%M} UTC.")


CHECKS: tuple[Check[ArrivalFacts], ...] = (Check("last_event", "Last event", _last_event),)
