"""Turn read messages into contacts, conversations and messages, set by set."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from django.db import connection, transaction
from django.utils import timezone

from social_integrations import signals
from social_integrations.conf import app_settings
from social_integrations.events.messages import MessageEvent
from social_integrations.models import (
    Attachment,
    ConnectedAccount,
    Contact,
    Conversation,
    Message,
    WebhookEvent,
)

from .jobs import FETCH_PROFILE, NewJob, enqueue_all

PROFILE_FLOOR = timedelta(days=1)
# Meta's own inboxes as senders of echoes; everything else with an app id is another app.
INSTAGRAM_APPS = frozenset({"", "1217981644879628", "263902037430900"})

ContactKey: TypeAlias = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A ledger row that was read: whose it is and what it says."""

    row: WebhookEvent
    account: ConnectedAccount
    event: MessageEvent

    @property
    def contact_key(self) -> ContactKey:
        """Account and Instagram-scoped id."""
        return self.account.pk, self.event.contact_id

    @property
    def message_key(self) -> tuple[int, str]:
        """What makes the message one: Meta's id, or the ledger item where Meta gave none."""
        return self.account.pk, self.event.mid or self.row.event_key

    @property
    def sent_at(self) -> datetime:
        """Meta's clock, or ours where Meta's makes no sense."""
        return self.event.sent_at or self.row.occurred_at or self.row.received_at


def store_messages(arrivals: Sequence[Arrival]) -> None:
    """Store messages and echoes that are not stored yet; the order they came in does not matter."""
    known = _known_messages(arrivals)
    fresh = {arrival.message_key: arrival for arrival in reversed(arrivals)}
    new = [fresh[key] for key in sorted(fresh.keys() - known)]
    if not new:
        return
    contacts = _contacts(new)
    conversations = _conversations(contacts.values())
    messages = Message.objects.bulk_create(
        [_message(arrival, conversations[contacts[arrival.contact_key].pk]) for arrival in new]
    )
    _attach(new, messages)
    _touch(new, contacts, conversations)
    _want_profiles(new, contacts)
    _announce(messages)


def _known_messages(arrivals: Sequence[Arrival]) -> set[tuple[int, str]]:
    mids = [arrival.event.mid for arrival in arrivals if arrival.event.mid]
    keys = [arrival.row.event_key for arrival in arrivals if not arrival.event.mid]
    found = Message.objects.filter(
        account_id__in={arrival.account.pk for arrival in arrivals}, mid__in=mids
    )
    known = {(account, mid or "") for account, mid in found.values_list("account_id", "mid")}
    if keys:
        found = Message.objects.filter(event_key__in=keys)
        known |= {
            (account, key or "") for account, key in found.values_list("account_id", "event_key")
        }
    return known


def _contacts(arrivals: Sequence[Arrival]) -> dict[ContactKey, Contact]:
    """Return the contact of every arrival, creating the missing in one fixed order."""
    wanted = {arrival.contact_key for arrival in arrivals}
    found = _find_contacts(wanted)
    missing = sorted(wanted - found.keys())
    if missing:
        Contact.objects.bulk_create(
            [Contact(account_id=account_id, igsid=igsid) for account_id, igsid in missing],
            ignore_conflicts=True,
        )
        found |= _find_contacts(set(missing))
    return found


def _find_contacts(wanted: set[ContactKey]) -> dict[ContactKey, Contact]:
    accounts, igsids = {key[0] for key in wanted}, {key[1] for key in wanted}
    found = Contact.objects.filter(account_id__in=accounts, igsid__in=igsids)
    return {(contact.account_id, contact.igsid): contact for contact in found}


def _conversations(contacts: Iterable[Contact]) -> dict[int, Conversation]:
    """Return the conversations by contact, locked in one fixed order, creating the missing."""
    ids = {contact.pk for contact in contacts}
    found = _lock_conversations(ids)
    missing = sorted(ids - found.keys())
    if missing:
        Conversation.objects.bulk_create(
            [Conversation(contact_id=contact_id) for contact_id in missing],
            ignore_conflicts=True,
        )
        found |= _lock_conversations(set(missing))
    return found


def _lock_conversations(contact_ids: set[int]) -> dict[int, Conversation]:
    found = Conversation.objects.filter(contact_id__in=contact_ids).order_by("id")
    if connection.features.has_select_for_update:
        found = found.select_for_update()
    return {conversation.contact_id: conversation for conversation in found}


def _message(arrival: Arrival, conversation: Conversation) -> Message:
    event = arrival.event
    return Message(
        account=arrival.account,
        conversation=conversation,
        mid=event.mid,
        event_key=None if event.mid else arrival.row.event_key,
        direction=Message.Direction.OUTBOUND if event.outbound else Message.Direction.INBOUND,
        source=_source(event),
        kind=event.kind,
        text=event.text,
        sent_at=arrival.sent_at,
        received_at=arrival.row.received_at,
        reply_to_mid=event.reply_to_mid,
        story=event.story,
        quick_reply_payload=event.quick_reply_payload,
        referral=event.referral,
        status=Message.Status.SENT if event.outbound else Message.Status.RECEIVED,
    )


def _source(event: MessageEvent) -> Message.Source:
    if not event.outbound:
        return Message.Source.CUSTOMER
    if event.app_id and event.app_id == app_settings.APP_ID:
        return Message.Source.CRM
    is_instagram = event.app_id in INSTAGRAM_APPS
    return Message.Source.INSTAGRAM_APP if is_instagram else Message.Source.OTHER_APP


def _attach(arrivals: Sequence[Arrival], messages: Sequence[Message]) -> None:
    Attachment.objects.bulk_create(
        Attachment(
            message=message,
            position=position,
            type=part.type,
            url=part.url,
            title=part.title,
            media_id=part.media_id,
        )
        for arrival, message in zip(arrivals, messages, strict=True)
        for position, part in enumerate(arrival.event.attachments)
    )


def _touch(
    arrivals: Sequence[Arrival],
    contacts: dict[ContactKey, Contact],
    conversations: dict[int, Conversation],
) -> None:
    """Move the conversations' clocks forward, never back."""
    for arrival in arrivals:
        conversation = conversations[contacts[arrival.contact_key].pk]
        sent_at = arrival.sent_at
        conversation.last_message_at = max(conversation.last_message_at or sent_at, sent_at)
        if not arrival.event.outbound:
            conversation.last_inbound_at = max(conversation.last_inbound_at or sent_at, sent_at)
    # An upsert of rows that all exist: one plain statement; bulk_update builds a CASE per row.
    Conversation.objects.bulk_create(
        conversations.values(),
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["last_message_at", "last_inbound_at"],
    )


def _want_profiles(arrivals: Sequence[Arrival], contacts: dict[ContactKey, Contact]) -> None:
    """Ask for the profiles of people who wrote and whom we do not know or knew too long ago.

    Only after an inbound message: Meta gives no profile of somebody who never wrote.
    """
    today = timezone.now()
    wanted = {
        contact.pk: contact
        for arrival in arrivals
        if not arrival.event.outbound and (contact := contacts[arrival.contact_key])
        if not contact.profile_fetched_at or contact.profile_fetched_at < today - PROFILE_FLOOR
    }
    enqueue_all(
        NewJob(FETCH_PROFILE, {"contact": pk}, f"{FETCH_PROFILE}:{pk}:{today:%Y-%m-%d}")
        for pk in sorted(wanted)
    )


def _announce(messages: Sequence[Message]) -> None:
    def send() -> None:
        for message in messages:
            signals.message_received.send_robust(sender=Message, message=message)

    if signals.message_received.has_listeners(Message):
        transaction.on_commit(send)
