"""Items that came before what they are about: found again when it arrives."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Substr

from social_integrations.events.types import MessageEvent
from social_integrations.models import Conversation, Message, WebhookEvent

from .arrivals import Arrival
from .locks import skip_locked
from .lookups import among
from .receiving import Outcome

Key: TypeAlias = tuple[int, str]
"""Account and `mid:…` or `contact:…`."""

Status = WebhookEvent.Status
MID, CONTACT = "mid:", "contact:"


@dataclass(slots=True)
class Awaited:
    """What a batch parked, and what it brought."""

    parked: set[Key] = field(default_factory=set)
    arrived: set[Key] = field(default_factory=set)

    def note(self, outcome: Outcome) -> None:
        """Add what became of some rows."""
        self.parked |= {(row.account_id or 0, name) for row, name in outcome.waiting.items()}
        self.arrived |= outcome.arrived


def waiting_for(arrivals: Sequence[Arrival[Any]]) -> Sequence[WebhookEvent]:
    """Return the parked rows that wait for these messages or their writers, locked."""
    messages = [found for found in arrivals if isinstance(found.event, MessageEvent)]
    keys = {(found.account.pk, f"{MID}{found.event.mid}") for found in messages if found.event.mid}
    keys |= {(found.account.pk, f"{CONTACT}{found.event.contact_id}") for found in messages}
    if not keys:
        return []
    parked = skip_locked(_parked(keys).order_by("id"))
    return [row for row in parked if (row.account_id, row.awaits) in keys]


def release(events: QuerySet[WebhookEvent], **values: Any) -> int:
    """Put rows back to be applied; return how many."""
    return events.update(status=Status.RECEIVED, awaits="", retry_at=None, **values)


def release_arrived(awaited: Awaited) -> int:
    """Put back what waits for something another worker stored meanwhile; return how many."""
    arrived = awaited.arrived | _present(awaited.parked)
    return release(_parked(arrived)) if arrived else 0


def release_all_arrived() -> int:
    """Do the same for everything that waits: catches what a crash left behind."""
    message = Message.objects.filter(
        account=OuterRef("account"), mid=Substr(OuterRef("awaits"), len(MID) + 1)
    )
    conversation = Conversation.objects.filter(
        contact__account=OuterRef("account"),
        contact__igsid=Substr(OuterRef("awaits"), len(CONTACT) + 1),
    )
    parked = WebhookEvent.objects.filter(status=Status.PARKED)
    return release(
        parked.filter(
            Q(Exists(message), awaits__startswith=MID)
            | Q(Exists(conversation), awaits__startswith=CONTACT)
        )
    )


def _parked(keys: Iterable[Key]) -> QuerySet[WebhookEvent]:
    return WebhookEvent.objects.filter(
        status=Status.PARKED,
        account__in={account for account, _ in keys},
        awaits__in=among({name for _, name in keys}),
    )


def _present(keys: set[Key]) -> set[Key]:
    """Return which of the awaited messages and people are known by now."""
    accounts = {account for account, _ in keys}
    mids = [name.removeprefix(MID) for _, name in keys if name.startswith(MID)]
    people = [name.removeprefix(CONTACT) for _, name in keys if name.startswith(CONTACT)]
    found: set[Key] = set()
    if mids:
        rows = Message.objects.filter(account__in=accounts, mid__in=among(mids))
        found |= {(account, f"{MID}{mid}") for account, mid in rows.values_list("account", "mid")}
    if people:
        known = Conversation.objects.filter(
            contact__account__in=accounts, contact__igsid__in=among(people)
        )
        pairs = known.values_list("contact__account", "contact__igsid")
        found |= {(account, f"{CONTACT}{igsid}") for account, igsid in pairs}
    return found & keys
