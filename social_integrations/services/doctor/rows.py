"""What the doctor finds: rows with a colour, one sentence and the next step."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from social_integrations.exceptions import ConfigurationError
from social_integrations.services.failures import describe_in_a_line

logger = logging.getLogger(__name__)

Facts = TypeVar("Facts")


class Level(StrEnum):
    """How it is: red stops messages, amber will or may, grey could not be looked at."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    GREY = "grey"


# A sentence may quote what Meta or a proxy answered.
LONGEST = 600
EXIT_CODES = {Level.GREEN: 0, Level.AMBER: 1, Level.RED: 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One verdict: a sentence for a person, and the exact place to click or variable to set."""

    level: Level
    sentence: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Check(Generic[Facts]):
    """One row of a table: its code for scripts, its title, and who judges."""

    code: str
    title: str
    look: Callable[[Facts], Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A finding with its place in the report; account rows name their account."""

    code: str
    title: str
    level: Level
    sentence: str
    next_step: str = ""
    account: str = ""
    account_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All rows, in the order a person meets them."""

    checked_at: datetime
    rows: tuple[Row, ...]

    @property
    def level(self) -> Level:
        """The worst colour."""
        found = {row.level for row in self.rows}
        return next((level for level in (Level.RED, Level.AMBER) if level in found), Level.GREEN)

    @property
    def first(self) -> Row | None:
        """The first row that is not as it should be: what to mend first."""
        return next((row for row in self.rows if row.level in (Level.RED, Level.AMBER)), None)

    @property
    def exit_code(self) -> int:
        """The command's: 0 green, 1 amber, 2 red."""
        return EXIT_CODES[self.level]

    def as_json(self) -> dict[str, Any]:
        """Return what every door shows, ready for JSON."""
        return {
            "checked_at": self.checked_at.isoformat().replace("+00:00", "Z"),
            "level": self.level.value,
            "first": self.first.code if self.first else None,
            "rows": [asdict(row) | {"level": row.level.value} for row in self.rows],
        }


@dataclass(frozen=True, slots=True)
class Section(Generic[Facts]):
    """The rows of one topic, and its facts; None where they could not be gathered."""

    facts: Facts | None
    rows: list[Row]


def green(sentence: str) -> Finding:
    """All is well."""
    return Finding(Level.GREEN, sentence)


def amber(sentence: str, next_step: str) -> Finding:
    """Something will go wrong, or may be wrong."""
    return Finding(Level.AMBER, sentence, next_step)


def red(sentence: str, next_step: str) -> Finding:
    """Something does not work."""
    return Finding(Level.RED, sentence, next_step)


def skipped(reason: str) -> Finding:
    """Nobody can tell, as the ground for it is missing."""
    return Finding(Level.GREY, reason)


def plain(text: str) -> str:
    """Return a text fit for a terminal and a page: one line, bounded, no hidden characters."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:LONGEST]


def judge(checks: Iterable[Check[Facts]], facts: Facts) -> list[Row]:
    """Return one row per check; a check that fails itself says so, and never raises."""
    return [_row(check, _safely(check, facts)) for check in checks]


def section(gather: Callable[[], Facts], checks: Sequence[Check[Facts]]) -> Section[Facts]:
    """Gather the facts and judge them; where that fails, say so in the place of every row."""
    try:
        facts = gather()
    except Exception as error:  # noqa: BLE001 - the doctor has to survive what it looks for
        logger.error(
            "The doctor could not look at %s: %s", checks[0].code, describe_in_a_line(error)
        )
        first = _why(error)
        rest = skipped("Not looked at; see above.")
        found = [first, *(rest for _ in checks[1:])]
        return Section(None, [_row(*pair) for pair in zip(checks, found, strict=True)])
    return Section(facts, judge(checks, facts))


def _why(error: Exception) -> Finding:
    if isinstance(error, ConfigurationError):
        return red(str(error), "See docs/settings.md.")
    # The type alone: an error's text may hold an address, a token or somebody's message.
    name = type(error).__name__
    return amber(f"This could not be looked at: {name}.", "Look at the server's log.")


def _safely(check: Check[Facts], facts: Facts) -> Finding:
    try:
        return check.look(facts)
    except Exception as error:  # noqa: BLE001 - see above
        logger.error("The doctor's check %s failed: %s", check.code, describe_in_a_line(error))
        name = type(error).__name__
        return amber(f"This check itself failed: {name}.", "Report it, with the server's log.")


def _row(check: Check[Facts], finding: Finding) -> Row:
    return Row(
        code=check.code,
        title=check.title,
        level=finding.level,
        sentence=plain(finding.sentence),
        next_step=plain(finding.next_step),
    )
