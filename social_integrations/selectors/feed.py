"""What changed since somebody last asked: one indexed statement where nothing did.

`Conversation.changed_at` is written before its transaction commits, so rows appear out of order. A
feed that only went forward from the latest moment it told would lose the late ones. Therefore each
look goes back a little further (`OVERLAP`) than the one before reached, and the cursor names what
was told already in that stretch. What commits later than that after it was written is not told; no
transaction here takes nearly as long.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.utils import timezone

from social_integrations.access import access_policy

from .cursors import CursorError, decode, encode, from_micros, to_micros
from .inbox import ConversationRow, load_rows
from .looking import Look, can_look, look

OVERLAP = timedelta(seconds=20)
MARK = 6
"""Bytes that stand for a change that was told."""
MOST = 300
"""Changes told at once, and remembered in a cursor."""

Change = tuple[int, datetime]
"""A conversation's id, and when it changed."""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """What changed, and where to go on."""

    rows: list[ConversationRow]
    cursor: str
    is_reset: bool = False
    """More changed than fits: whoever asks loads their lists again."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return not self.rows and not self.is_reset


def feed_start() -> str:
    """Return a cursor for whoever loads a list now: what changed just before is told again."""
    return _cursor(timezone.now(), ())


def changes(user: PermissionsMixin | AnonymousUser, cursor: str) -> FeedPage:
    """Return the conversations the user may see that changed since; raises `CursorError`.

    A conversation may be told twice, never not at all. One that was erased is not told.
    """
    reached, told = _read(cursor)
    recent = _recent(user, reached - OVERLAP)
    if len(recent) > MOST:
        return FeedPage([], _cursor(timezone.now(), ()), is_reset=True)
    fresh = [change for change in recent if _mark(change) not in told]
    if not fresh:
        return FeedPage([], cursor)
    reached = max(reached, recent[-1][1])
    known = [_mark(change) for change in recent if change[1] > reached - OVERLAP]
    visible = access_policy().conversations_for(user)
    rows = load_rows(visible.filter(pk__in=[pk for pk, _ in fresh]))
    return FeedPage(rows, _cursor(reached, known))


def nothing_new(user_key: Any, cursor: str) -> Look | None:
    """Return who asks, if nothing changed for them; None where a fuller look has to answer.

    `user_key` is a user's key nobody has checked. Raises `CursorError`.
    """
    reached, told = _read(cursor)
    found = look(user_key, reached - OVERLAP, MOST + 1) if can_look() else None
    if found is None or not found.may_read or len(found.changes) > MOST:
        return None
    return found if all(_mark(change) in told for change in found.changes) else None


def _recent(user: Any, since: datetime) -> Sequence[Change]:
    """Return what changed later than a moment, one more than is told at once."""
    if can_look() and user.is_active:
        found = look(user.pk, since, MOST + 1)
        return found.changes if found else ()
    listed = access_policy().conversations_for(user).filter(changed_at__gt=since)
    listed = listed.order_by("changed_at", "pk")
    rows = listed.values_list("pk", "changed_at")[: MOST + 1]
    return [(pk, changed_at) for pk, changed_at in rows if changed_at is not None]


def _mark(change: Change) -> bytes:
    pk, changed_at = change
    return blake2b(b"%d %d" % (pk, to_micros(changed_at)), digest_size=MARK).digest()


def _cursor(reached: datetime, told: Iterable[bytes]) -> str:
    return encode(to_micros(reached).to_bytes(8, "big") + b"".join(told))


def _read(cursor: str) -> tuple[datetime, frozenset[bytes]]:
    data = decode(cursor)
    if len(data) < 8 or (len(data) - 8) % MARK:
        raise CursorError
    told = (data[start : start + MARK] for start in range(8, len(data), MARK))
    return from_micros(int.from_bytes(data[:8], "big")), frozenset(told)
