"""Turn read events into conversations: merge a whole batch, then tell everybody concerned."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from social_integrations import signals
from social_integrations.events.envelope import CONVERSATIONS
from social_integrations.events.types import (
    EditEvent,
    HandoverEvent,
    MessageEvent,
    ReactionEvent,
)
from social_integrations.models import Conversation, Message, WebhookEvent

from .arrivals import Arrival, ContactKey
from .catalogue import MERGES
from .jobs import ANSWER_AWAY, FETCH_MESSAGE, FETCH_PROFILE, NewJob, digest, enqueue_all
from .merging import MessageState, News
from .opening_hours import active_away_message, is_away, may_be_answered
from .outbox import wake
from .redacting import redact_items
from .threads import Threads, key_of

STANDBY = "standby"
PROFILE_FLOOR = timedelta(days=1)
# How long the message of a number-0 edit may take to arrive by itself (Meta, section 3.9).
FETCH_PATIENCE = timedelta(minutes=1)


@dataclass
class Outcome:
    """What became of a batch: which rows have to wait, and for what."""

    waiting: dict[WebhookEvent, str] = field(default_factory=dict)
    """`mid:…` or `contact:…` by ledger row."""
    arrived: set[tuple[int, str]] = field(default_factory=set)
    """What others may have been waiting for: account and `mid:…` or `contact:…`."""


def receive(arrivals: Sequence[Arrival[Any]]) -> Outcome:
    """Merge events into conversations; the order they came in does not matter.

    Runs inside the caller's transaction. What is about a message or a person nobody has heard of
    waits, and never opens a conversation.
    """
    outcome = Outcome()
    if not arrivals:
        return outcome
    messages = sorted(
        (found for found in arrivals if isinstance(found.event, MessageEvent)),
        key=lambda found: found.origin,
    )
    handovers = [found for found in arrivals if isinstance(found.event, HandoverEvent)]
    changes = [
        found for found in arrivals if not isinstance(found.event, MessageEvent | HandoverEvent)
    ]
    threads = Threads(messages, changes, handovers)
    for arrival in messages:
        MERGES[MessageEvent](threads.state_for(arrival), arrival)
        _note_standby(threads, arrival)
    _load_details(threads, changes)
    for arrival in changes:
        _change(threads, arrival, outcome)
    for arrival in handovers:
        _hand_over(threads, arrival, outcome)
    threads.save()
    redact_items({key for state in threads.states.values() for key in state.to_redact})
    enqueue_all(
        [
            *_profile_jobs(threads, messages),
            *_fetch_jobs(changes, outcome),
            *_away_jobs(threads, messages),
        ]
    )
    for conversation in threads.conversations_to_wake():
        wake(conversation)
    _note_arrivals(threads, outcome)
    _announce(threads)
    return outcome


def _note_standby(threads: Threads, arrival: Arrival[MessageEvent]) -> None:
    thread = threads.thread_of(arrival.contact_key)
    if thread and arrival.row.wrapper == STANDBY:
        thread.advance("last_standby_at", arrival.occurred_at)


def _load_details(threads: Threads, changes: Sequence[Arrival[Any]]) -> None:
    threads.load_details(
        versions={key_of(found) for found in changes if isinstance(found.event, EditEvent)},
        reactions={key_of(found) for found in changes if isinstance(found.event, ReactionEvent)},
    )


def _change(threads: Threads, arrival: Arrival[Any], outcome: Outcome) -> None:
    state = threads.states.get(key_of(arrival))
    if state is not None:
        MERGES[type(arrival.event)](state, arrival)
    elif arrival.row.wrapper != CONVERSATIONS:  # there, it comes with its message
        outcome.waiting[arrival.row] = f"mid:{arrival.event.mid}"


def _hand_over(threads: Threads, arrival: Arrival[HandoverEvent], outcome: Outcome) -> None:
    if not arrival.event.owner_app_id or not arrival.event.contact_id:
        return  # a request or a list of roles: in the ledger, and nothing changes
    thread = threads.thread_of(arrival.contact_key)
    if thread is None:
        outcome.waiting[arrival.row] = f"contact:{arrival.event.contact_id}"
    else:
        MERGES[HandoverEvent](thread, arrival)


def _profile_jobs(threads: Threads, messages: Sequence[Arrival[MessageEvent]]) -> Iterator[NewJob]:
    """Ask for the profiles of people who wrote and whom we do not know or knew too long ago.

    Only after an inbound message: Meta gives no profile of somebody who never wrote.
    """
    today = timezone.now()
    keys = {found.contact_key for found in messages if not found.event.outbound}
    for contact in (threads.contacts[key] for key in sorted(keys)):
        fetched_at = contact.profile_fetched_at
        if not fetched_at or fetched_at < today - PROFILE_FLOOR:
            dedupe_key = f"{FETCH_PROFILE}:{contact.pk}:{today:%Y-%m-%d}"
            yield NewJob(FETCH_PROFILE, {"contact": contact.pk}, dedupe_key)


def _fetch_jobs(changes: Sequence[Arrival[Any]], outcome: Outcome) -> list[NewJob]:
    """Return jobs that read the messages Meta only hinted at with an edit number 0."""
    hints = {
        key_of(found)
        for found in changes
        if found.row in outcome.waiting
        and isinstance(found.event, EditEvent)
        and found.event.number == 0
    }
    return [
        NewJob(
            FETCH_MESSAGE,
            {"account": account_id, "mid": mid},
            f"{FETCH_MESSAGE}:{account_id}:{digest(mid)}",
            delay=FETCH_PATIENCE,
        )
        for account_id, mid in sorted(hints)
    ]


def _away_jobs(threads: Threads, messages: Sequence[Arrival[MessageEvent]]) -> Iterator[NewJob]:
    """Have the away message sent to whoever wrote outside an account's hours, once a person.

    Only what is new here counts: a repeated or replayed item asks for nothing.
    """
    now = timezone.now()
    latest: dict[ContactKey, Arrival[MessageEvent]] = {}
    for arrival in messages:
        away = active_away_message(arrival.account)
        is_news = News.RECEIVED in threads.states[key_of(arrival)].news
        if away and is_news and may_be_answered(arrival, now):
            known = latest.get(arrival.contact_key)
            if known is None or known.occurred_at < arrival.occurred_at:
                latest[arrival.contact_key] = arrival
    accounts = {arrival.account.pk: arrival.account for arrival in latest.values()}
    hours = {pk: list(one.away_message.opening_hours.all()) for pk, one in accounts.items()}
    for (account_id, _igsid), arrival in sorted(latest.items(), key=lambda item: item[0]):
        away = accounts[account_id].away_message
        if is_away(away, hours[account_id], arrival.occurred_at):
            message = threads.states[key_of(arrival)].message
            key = f"{ANSWER_AWAY}:{account_id}:{digest(message.mid or message.event_key or '')}"
            yield NewJob(ANSWER_AWAY, {"message": message.pk}, key)


def _note_arrivals(threads: Threads, outcome: Outcome) -> None:
    for (account_id, name), state in threads.states.items():
        if state.is_new:
            outcome.arrived.add((account_id, f"mid:{name}"))
    for account_id, igsid in threads.contacts:
        thread = threads.thread_of((account_id, igsid))
        if thread and thread.is_new:
            outcome.arrived.add((account_id, f"contact:{igsid}"))


def _announce(threads: Threads) -> None:
    """Send the signals once everything is committed."""
    states = [state for state in threads.states.values() if state.news]
    transaction.on_commit(partial(_send, states, threads.new_conversations()))


def _send(states: Sequence[MessageState], conversations: Sequence[Conversation]) -> None:
    for conversation in conversations:
        signals.conversation_created.send_robust(sender=Conversation, conversation=conversation)
    for state in states:
        for news, signal in SIGNALS.items():
            if news in state.news and not (news == News.UPDATED and News.RECEIVED in state.news):
                signal.send_robust(sender=Message, message=state.message)


SIGNALS = {
    News.RECEIVED: signals.message_received,
    News.UPDATED: signals.message_updated,
    News.UNSENT: signals.message_unsent,
    News.REACTION: signals.reaction_changed,
    News.SENT: signals.message_sent,
}
