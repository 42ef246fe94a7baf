"""The verdict on a run: pure, so that the judge itself can be tested."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

# What must never stand in an answer: traces, drivers, paths, statements.
INTERNALS = (b"Traceback", b"psycopg", b"sqlite", b"django", b"/", b"SELECT", b"INSERT")
REFUSAL_BYTES = 200


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of the sender: what was answered, after how many seconds."""

    status: int
    """The HTTP status; 0 where the connection broke or nothing came."""
    seconds: float
    body: bytes = b""
    """What was said where it was not 200."""
    retry_after: bool = False


@dataclass(frozen=True)
class Evidence:
    """What sender and database say after the fault."""

    acknowledged: Set[str]
    """Message ids the sender got a 200 for."""
    ledger: Mapping[str, int]
    """Message id → ledger items with it."""
    messages: Mapping[str, int]
    """Message id → messages with it."""
    attempts: Sequence[Attempt]
    undelivered: int = 0
    """Deliveries never accepted although the fault was over."""
    drained: float | None = 0.0
    """Seconds from the last answer until nothing waited; None where that never came."""

    @property
    def lost(self) -> int:
        """Ids acknowledged but not stored."""
        return len(self.acknowledged - self.ledger.keys())

    @property
    def duplicated(self) -> int:
        """Ids with more than one ledger item or more than one message."""
        twice = {
            mid for counts in (self.ledger, self.messages) for mid in counts if counts[mid] > 1
        }
        return len(twice)

    @property
    def slowest(self) -> float:
        """The longest wait that ended in an answer, in seconds."""
        return max((attempt.seconds for attempt in self.attempts if attempt.status), default=0.0)

    @property
    def wrong(self) -> int:
        """5xx answers other than 503."""
        return sum(a.status >= 500 and a.status != 503 for a in self.attempts)

    @property
    def refused(self) -> int:
        """Answers 503."""
        return sum(attempt.status == 503 for attempt in self.attempts)

    @property
    def broken(self) -> int:
        """Connections that ended without an answer."""
        return sum(attempt.status == 0 for attempt in self.attempts)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a recipe allows."""

    slowest: float = 5.0
    """Seconds; Meta waits five."""
    drained: float = 60.0
    """Seconds until the backlog is empty."""
    must_refuse: bool = False
    """Without a 503 the fault was not felt, and the run proves nothing."""
    may_break: bool = False
    """Connections may end without an answer: their server was killed."""
    may_refuse: bool = True
    """Deliveries may be answered 503, to be repeated."""


@dataclass(frozen=True)
class Outcome:
    """A recipe's evidence, its bounds, and what else it found."""

    evidence: Evidence
    bounds: Bounds = field(default_factory=Bounds)
    note: str = ""
    broken: Sequence[str] = ()
    """Promises only this recipe can judge."""


def verdict(outcome: Outcome) -> list[str]:
    """Return every promise that was broken, in words; none is a pass."""
    seen, bounds = outcome.evidence, outcome.bounds
    unapplied = len(seen.acknowledged - seen.messages.keys())
    found = {
        "nothing was acknowledged, so the run proves nothing": not seen.acknowledged,
        f"I1: {seen.lost} acknowledged and not stored": seen.lost,
        f"I2: {seen.duplicated} stored more than once": seen.duplicated,
        f"I2: {unapplied} acknowledged and no message": unapplied,
        f"I3: {seen.wrong} answers of 5xx other than 503": seen.wrong,
        f"I3: statuses nobody should see: {_odd(seen)}": _odd(seen),
        "I3: an answer shows internals": any(map(_shows_internals, seen.attempts)),
        "a 503 without Retry-After": any(
            a.status == 503 and not a.retry_after for a in seen.attempts
        ),
        "I4: the backlog did not empty": seen.drained is None,
        f"I4: the backlog took more than {bounds.drained:.0f} s": (seen.drained or 0)
        > bounds.drained,
        f"{seen.undelivered} deliveries were never accepted": seen.undelivered,
        f"an answer took more than {bounds.slowest:.0f} s": seen.slowest > bounds.slowest,
        "no 503: the fault was not felt, so the run proves nothing": bounds.must_refuse
        and not seen.refused,
        f"{seen.broken} connections ended without an answer": seen.broken and not bounds.may_break,
        f"{seen.refused} deliveries were refused, none may be": seen.refused
        and not bounds.may_refuse,
    }
    return [words for words, is_broken in found.items() if is_broken] + list(outcome.broken)


def _odd(seen: Evidence) -> list[int]:
    return sorted({a.status for a in seen.attempts if a.status < 500} - {0, 200})


def _shows_internals(attempt: Attempt) -> bool:
    body = attempt.body
    return len(body) > REFUSAL_BYTES or any(word in body for word in INTERNALS)
