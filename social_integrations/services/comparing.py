"""The steps of a reconciliation: each asks Meta once, compares, and says what it found."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from social_integrations.exceptions import GraphRefusedError
from social_integrations.graph.client import GraphReader
from social_integrations.graph.conversations import (
    READABLE,
    Thread,
    has_content,
    list_threads,
    read_message,
    read_newest,
)
from social_integrations.graph.errors import ErrorKind, explain
from social_integrations.graph.reading import read_date
from social_integrations.models import ConnectedAccount, Reconciliation

from .importing import known_mids
from .positions import Position

# Younger messages are left to the webhook, which may still be on its way.
WEBHOOK_TIME = timedelta(minutes=2)
# Between our clock and Meta's; far more than WEBHOOK_TIME.
CLOCK_MARGIN = timedelta(minutes=10)
# Somebody who asks, and a new connection, want everything looked at.
THOROUGH = (Reconciliation.Reason.REQUEST, Reconciliation.Reason.CONNECTED)
# Refusals that hold for the whole account, not for one thread or message.
ENDING_KINDS = frozenset({ErrorKind.AUTH, ErrorKind.PERMISSION, ErrorKind.APP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step came to: the next position, what it looked at, and what is missing here."""

    position: Position
    conversations: int = 0
    messages: int = 0
    unreadable: int = 0
    found: list[dict[str, Any]] = field(default_factory=list)
    """Graph message objects to be imported."""


def take_step(client: GraphReader, run: Reconciliation, position: Position) -> Step:
    """Do the next thing: read a page of threads, a thread, or one message.

    Raises GraphError: `GraphRefusedError` only for what concerns the whole account.
    """
    if position.mids:
        return _read_one(client, run.account, position)
    if position.threads:
        return _read_thread(client, run.account, position)
    return _read_page(client, run, position)


def compared_until(run: Reconciliation) -> datetime | None:
    """Return the moment up to which an earlier run has compared everything; None if none has.

    A thread that did not change since holds nothing new. Our own last message would be no such
    sign: what Meta withheld may be older.
    """
    if run.reason in THOROUGH:
        return None
    complete = Reconciliation.objects.filter(
        account=run.account_id, state=Reconciliation.State.DONE, error=""
    )
    started_at = complete.order_by("-id").values_list("started_at", flat=True).first()
    return started_at - CLOCK_MARGIN if started_at else None


def _read_page(client: GraphReader, run: Reconciliation, position: Position) -> Step:
    by_page = run.account.login == ConnectedAccount.Login.FACEBOOK
    root = run.account.page_id if by_page else "me"
    page = list_threads(client, root, after=position.after)
    until = compared_until(run)
    threads = tuple(thread.id for thread in page.threads if _has_changed(thread, until))
    return Step(
        position=position.listed(page, threads), conversations=len(page.threads) - len(threads)
    )


def _has_changed(thread: Thread, until: datetime | None) -> bool:
    return until is None or thread.updated_at is None or thread.updated_at >= until


def _read_thread(client: GraphReader, account: ConnectedAccount, position: Position) -> Step:
    try:
        newest = read_newest(client, position.threads[0], expand=position.expand)
    except GraphRefusedError as error:
        is_gone = _is_gone(error)
        return Step(
            position=position.thread_done() if is_gone else position.given_up(), conversations=1
        )
    known = known_mids(account, {message["id"] for message in newest.messages})
    new = [one for one in newest.messages if one["id"] not in known and not _is_fresh(one)]
    bare = tuple(one["id"] for one in new if not has_content(one))
    to_read = _readable(newest.messages, bare)
    return Step(
        position=replace(position, expand=newest.takes_expansion).thread_opened(to_read),
        conversations=1,
        messages=len(newest.messages) - len(to_read),
        unreadable=len(bare) - len(to_read),
        found=[one for one in new if has_content(one)],
    )


def _readable(messages: Sequence[dict[str, Any]], bare: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of the bare ones, newest first, are not preceded by 20 readable ones."""
    wanted, ids, passed = set(bare), list[str](), 0
    for message in messages:
        if message["id"] not in wanted:
            passed += 1
        elif passed < READABLE:
            ids.append(message["id"])
    return tuple(ids)


def _read_one(client: GraphReader, account: ConnectedAccount, position: Position) -> Step:
    mid = position.mids[0]
    if known_mids(account, [mid]):
        return Step(position=position.message_done(was_readable=True), messages=1)
    try:
        message = read_message(client, mid)
    except GraphRefusedError as error:
        is_gone = _is_gone(error)
        return Step(
            position=position.message_done(was_readable=False) if is_gone else position.given_up(),
            messages=1,
            unreadable=int(is_gone),
        )
    readable = has_content(message)
    onward = position.message_done(was_readable=readable)
    return Step(
        position=onward,
        messages=1,
        # Once 20 were readable, the ids after them are older than Meta shows.
        unreadable=int(not readable) + (0 if onward.mids else len(position.mids) - 1),
        found=[message] if readable and not _is_fresh(message) else [],
    )


def _is_fresh(message: dict[str, Any]) -> bool:
    created_at = read_date(message, "created_time")
    return created_at is not None and created_at > timezone.now() - WEBHOOK_TIME


def _is_gone(error: GraphRefusedError) -> bool:
    """Return whether a thread or message is gone; raise what concerns more than the one."""
    row = explain(error.code, error.subcode)
    if row.retryable or row.kind in ENDING_KINDS:
        raise error
    return row.kind == ErrorKind.GONE
