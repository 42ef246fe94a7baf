"""Erase what is kept about a person, or about a whole account, and keep it from coming back."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from social_integrations.models import (
    ConnectedAccount,
    Contact,
    Message,
    Tombstone,
    WebhookEvent,
)

from . import uploads
from .archiving import purge_copies
from .disconnecting import disconnect, jobs_of
from .hashing import keyed_hash, keyed_hashes
from .inventory import STORES, People
from .traces import account_ids, of_account

# Meta repeats deliveries for 36 hours; replays and restored backups take longer.
TOMBSTONE_LIFE = timedelta(days=30)
PEOPLE_PER_BATCH = 100
EVENTS_PER_BATCH = 5_000
PURPOSE = "tombstone"
EVERYBODY = ""
ERASED_REASON = "All data of this account is being erased."


@dataclass(frozen=True, slots=True)
class Erased:
    """How much was erased."""

    people: int = 0
    messages: int = 0
    events: int = 0
    accounts: int = 0

    def __add__(self, other: "Erased") -> "Erased":
        return Erased(
            people=self.people + other.people,
            messages=self.messages + other.messages,
            events=self.events + other.events,
            accounts=self.accounts + other.accounts,
        )


class Sighting(NamedTuple):
    """An item about a person: whose account (Meta's id), who, and when by Meta's clock."""

    account_id: str
    igsid: str
    at: datetime | None


def erase_contacts(contacts: QuerySet[Contact]) -> int:
    """Delete people with all that `inventory.STORES` finds about them; return how many people.

    Works in batches, each a transaction of its own. Interrupted, it has
    erased some of the people wholly and the others not at all.
    """
    keys = list(contacts.order_by("pk").values_list("pk", flat=True))
    people = 0
    for start in range(0, len(keys), PEOPLE_PER_BATCH):
        batch = People(Contact.objects.filter(pk__in=keys[start : start + PEOPLE_PER_BATCH]))
        people += delete_people(batch).people
    return people


def erase_account(*, account: ConnectedAccount) -> int:
    """Delete an account, its token and all that was received for it; return how many people.

    The token goes first. Interrupted, it goes on where it stopped when called again. Meta is not
    told: what it still delivers is kept as orphaned until its webhook is switched off.
    """
    disconnect(account=account, reason=ERASED_REASON)
    people = 0
    while gone := erase_contacts(account.contacts.all()):
        people += gone
    erase_events(account)
    return people + delete_account(account).people


@transaction.atomic
def delete_people(people: People) -> Erased:
    """Delete the rows about people, store by store, and remember that they were erased."""
    purge_copies(people.messages)
    _bury(
        (account_id, contact.igsid)
        for contact in people.contacts
        for account_id in account_ids(contact.account)
    )
    counts: Counter[type[Model] | None] = Counter()
    for store in STORES:
        for find in (store.find, store.others_too):
            for rows in find(people) if find else ():
                counts[store.model] += rows.delete()[1].get(rows.model._meta.label, 0)
    return Erased(people=counts[Contact], messages=counts[Message], events=counts[WebhookEvent])


def erase_events(account: ConnectedAccount) -> Erased:
    """Delete an account's ledger, in batches that are committed one by one."""
    events = 0
    for rows in of_account(account):
        while keys := list(rows.values_list("pk", flat=True)[:EVENTS_PER_BATCH]):
            events += WebhookEvent.objects.filter(pk__in=keys).delete()[0]
    return Erased(events=events)


@transaction.atomic
def delete_account(account: ConnectedAccount) -> Erased:
    """Delete an account's row with all that still hangs on it, and remember that it was erased."""
    _bury((account_id, EVERYBODY) for account_id in account_ids(account))
    events = sum(rows.delete()[0] for rows in of_account(account))
    jobs_of(account).delete()
    uploads.purge_account(account)
    gone = ConnectedAccount.objects.filter(pk=account.pk).delete()[1]
    return Erased(
        people=gone.get(Contact._meta.label, 0),
        messages=gone.get(Message._meta.label, 0),
        events=events,
        accounts=gone.get(ConnectedAccount._meta.label, 0),
    )


def erased(sightings: Collection[Sighting]) -> set[Sighting]:
    """Return those written before their person, or the whole account, was erased. Two queries.

    They must not be applied: a repeated or late delivery would bring the person back. What was
    written after the erasure is a new contact and is not returned. A sighting without a time
    counts as written before. Remembered for 30 days.
    """
    remembered = Tombstone.objects.filter(expires_at__gt=timezone.now())
    # Nearly always there are none, and hashing costs more than asking.
    if not sightings or not remembered.exists():
        return set()
    hashes = {
        sighting: [
            key_hash
            for person in (sighting.igsid, EVERYBODY)
            for key_hash in keyed_hashes(PURPOSE, _key(sighting.account_id, person))
        ]
        for sighting in sightings
    }
    wanted = {key_hash for found in hashes.values() for key_hash in found}
    found_times = remembered.filter(key_hash__in=wanted).values_list("key_hash", "erased_at")
    times = dict(found_times)
    return {
        sighting
        for sighting, found in hashes.items()
        for key_hash in found
        if key_hash in times and (sighting.at is None or sighting.at <= times[key_hash])
    }


def prune_tombstones() -> int:
    """Delete the tombstones that have served their time; return how many."""
    return Tombstone.objects.filter(expires_at__lte=timezone.now()).delete()[0]


def _bury(people: Iterable[tuple[str, str]]) -> None:
    """Remember that these were erased now; whoever was erased before is remembered anew."""
    now = timezone.now()
    Tombstone.objects.bulk_create(
        [
            Tombstone(
                key_hash=keyed_hash(PURPOSE, _key(account_id, igsid)),
                erased_at=now,
                expires_at=now + TOMBSTONE_LIFE,
            )
            for account_id, igsid in people
        ],
        update_conflicts=True,
        unique_fields=["key_hash"],
        update_fields=["erased_at", "expires_at"],
    )


def _key(account_id: str, igsid: str) -> str:
    return f"{account_id}/{igsid}"
