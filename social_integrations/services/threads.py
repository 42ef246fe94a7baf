"""The rows a batch of events is about: found, created and locked, set by set.

The number of statements does not depend on the number of events. Rows are created in one fixed
order and then locked in one fixed order, so that workers never wait for each other in a circle.
The lock of a conversation covers its messages and everything attached to them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from social_integrations.models import Contact, Conversation, Message, MessageEdit, Reaction

from .arrivals import Arrival, ContactKey, MessageKey
from .lookups import among
from .merging import (
    ECHO_TOLERANCE,
    NO_ORIGIN,
    UNSETTLED,
    MessageState,
    ThreadState,
    could_be,
)
from .saving import save_messages, save_threads

FINGERPRINT_LENGTH = 32


def key_of(arrival: Arrival[Any]) -> MessageKey:
    """Return which message an event is about."""
    event = arrival.event
    return arrival.account.pk, event.mid or event.content_key


class Threads:
    """Conversations and messages of one batch, inside its transaction."""

    def __init__(
        self,
        messages: Sequence[Arrival[Any]],
        changes: Sequence[Arrival[Any]],
        handovers: Sequence[Arrival[Any]],
    ) -> None:
        """Find and lock what a batch is about; only messages create contacts and conversations."""
        self.contacts = _contacts({arrival.contact_key for arrival in messages})
        _create_conversations(self.contacts.values())
        named = {arrival.contact_key for arrival in (*changes, *handovers)}
        self.contacts |= _find_contacts(named - self.contacts.keys())
        self._by_id = _lock(Q(contact__in=among({found.pk for found in self.contacts.values()})))
        # Only now, under the locks: what another worker has just stored is visible.
        keys = {key_of(arrival) for arrival in (*messages, *changes)}
        found = list(_find_messages(keys))
        elsewhere = {message.conversation_id for message in found} - self._by_id.keys()
        if elsewhere:  # an edit without sender, or two items that name two people for one message
            self._by_id |= _lock(Q(pk__in=elsewhere))
            found = list(_find_messages(keys))
        self._by_contact = {one.conversation.contact_id: one for one in self._by_id.values()}
        self.states = {
            _key(message): MessageState(message, self._by_id[message.conversation_id])
            for message in found
            if message.conversation_id in self._by_id
        }
        self._unsettled = self._find_unsettled(messages)

    def new_conversations(self) -> list[Conversation]:
        """Return the conversations this batch brought the first message of."""
        return [
            thread.conversation
            for thread in self._by_id.values()
            if thread.is_new and thread.conversation.last_message_at
        ]

    def conversations_to_wake(self) -> list[Conversation]:
        """Return the conversations in which messages may wait for one that was settled now."""
        return [thread.conversation for thread in self._by_id.values() if thread.must_wake]

    def thread_of(self, contact_key: ContactKey) -> ThreadState | None:
        """Return a person's conversation, None where there is none."""
        contact = self.contacts.get(contact_key)
        return self._by_contact.get(contact.pk) if contact else None

    def state_for(self, arrival: Arrival[Any]) -> MessageState:
        """Return the message an arrived message stands for, new where nobody knows it yet."""
        key = key_of(arrival)
        state = self.states.get(key) or self._own(arrival) or self._new(arrival)
        self.states[key] = state
        thread = self.thread_of(arrival.contact_key)
        if thread and arrival.origin < state.message.origin and thread is not state.thread:
            # A better witness names somebody else: the message moves, both clocks are read anew.
            state.thread.must_recount = thread.must_recount = True
            state.message.conversation, state.thread = thread.conversation, thread
        return state

    def load_details(self, *, versions: set[MessageKey], reactions: set[MessageKey]) -> None:
        """Read the stored versions and reactions of messages that events are about to change."""
        for version in MessageEdit.objects.filter(message__in=self._stored(versions)):
            self._by_message[version.message_id].versions[version.number] = version
        for reaction in Reaction.objects.filter(message__in=self._stored(reactions)):
            self._by_message[reaction.message_id].reactions[reaction.actor_id] = reaction

    def save(self) -> None:
        """Write everything that changed."""
        in_order = [self.states[key] for key in sorted(self.states)]
        # Two keys may name one message: ours, known by its echo's id from now on.
        save_messages(list({id(state): state for state in in_order}.values()))
        save_threads(list(self._by_id.values()), self.states.values())

    @property
    def _by_message(self) -> dict[int, MessageState]:
        return {state.message.pk: state for state in self.states.values() if state.message.pk}

    def _stored(self, keys: set[MessageKey]) -> list[int]:
        states = (self.states[key] for key in keys if key in self.states)
        return [state.message.pk for state in states if state.message.pk]

    def _new(self, arrival: Arrival[Any]) -> MessageState:
        thread = self._by_contact[self.contacts[arrival.contact_key].pk]
        event = arrival.event
        message = Message(
            account=arrival.account,
            conversation=thread.conversation,
            mid=event.mid,
            event_key=None if event.mid else event.content_key,
            origin=NO_ORIGIN,
            received_at=arrival.row.received_at,
            # Said here: where Django leaves a value to the database's default, it passes each
            # value of each row on its own instead of one array for each column.
            author="",
            error_action="",
        )
        return MessageState(message, thread, is_new=True)

    def _own(self, arrival: Arrival[Any]) -> MessageState | None:
        """Return the message of ours an echo settles, and take it out of the running."""
        if not arrival.event.outbound:
            return None
        for message in self._unsettled[arrival.contact_key]:
            if could_be(message, arrival.event, arrival.occurred_at):
                self._unsettled[arrival.contact_key].remove(message)
                return MessageState(message, self._by_id[message.conversation_id])
        return None

    def _find_unsettled(
        self, messages: Sequence[Arrival[Any]]
    ) -> defaultdict[ContactKey, list[Message]]:
        """Return our own messages whose id at Meta we do not know, oldest first, by contact."""
        found: defaultdict[ContactKey, list[Message]] = defaultdict(list)
        echoes = [
            arrival
            for arrival in messages
            if arrival.event.outbound and key_of(arrival) not in self.states
        ]
        keys = {arrival.contact_key for arrival in echoes}
        threads = {thread.conversation.pk: key for key in keys if (thread := self.thread_of(key))}
        if threads:
            since = min(arrival.occurred_at for arrival in echoes) - ECHO_TOLERANCE
            ours = Message.objects.filter(
                may_be_at_meta(since), conversation_id__in=threads, mid__isnull=True
            )
            for message in ours.order_by("sent_at", "id"):
                found[threads[message.conversation_id]].append(message)
        return found


def may_be_at_meta(since: datetime) -> Q:
    """Match messages of ours Meta may have under an id we do not know.

    Those known to be sent (Meta answers 1/1357046 so, or a person saw it) keep the time of their
    call until then, so that older ones need not be looked at.
    """
    tried = Q(status__in=UNSETTLED - {Message.Status.QUEUED}) | Q(
        status=Message.Status.QUEUED, send_attempts__gt=0
    )
    sent = Q(status=Message.Status.SENT, source=Message.Source.CRM, sent_at__gte=since)
    return tried | sent


def _key(message: Message) -> MessageKey:
    return message.account_id, message.mid or message.event_key or ""


def _find_messages(keys: set[MessageKey]) -> QuerySet[Message]:
    """Return the messages with these ids; a fingerprint can be no mid, nor the reverse."""
    names = {name for _, name in keys}
    accounts = {account for account, _ in keys}
    wanted = Q(account_id__in=accounts, mid__in=among(names), mid__isnull=False)
    fingerprints = {name for name in names if len(name) == FINGERPRINT_LENGTH}
    if fingerprints:
        wanted |= Q(event_key__in=among(fingerprints), event_key__isnull=False)
    return Message.objects.filter(wanted).order_by()


def _contacts(wanted: set[ContactKey]) -> dict[ContactKey, Contact]:
    """Return the contacts, creating the missing in one fixed order."""
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
    if not wanted:
        return {}
    accounts, igsids = {key[0] for key in wanted}, {key[1] for key in wanted}
    found = Contact.objects.filter(account_id__in=accounts, igsid__in=among(igsids))
    by_key = {(contact.account_id, contact.igsid): contact for contact in found}
    return {key: contact for key, contact in by_key.items() if key in wanted}


def _create_conversations(contacts: Iterable[Contact]) -> None:
    ids = {contact.pk for contact in contacts}
    known = Conversation.objects.filter(contact_id__in=among(ids))
    missing = sorted(ids - set(known.values_list("contact_id", flat=True)))
    if missing:
        Conversation.objects.bulk_create(
            [Conversation(contact_id=contact_id) for contact_id in missing],
            ignore_conflicts=True,
        )


def _lock(wanted: Q) -> dict[int, ThreadState]:
    found = Conversation.objects.filter(wanted).order_by("id")
    if connection.features.has_select_for_update:
        found = found.select_for_update()
    return {
        conversation.pk: ThreadState(conversation, is_new=conversation.last_message_at is None)
        for conversation in found
    }
