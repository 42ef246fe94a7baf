"""Texts on their way out: cleaned of what no database or reader takes, and cut to Meta's limit."""

import re
import unicodedata
from collections.abc import Sequence

from .graphemes import graphemes

MAX_TEXT_BYTES = 1000  # Meta: UTF-8 bytes, not characters

# Old ways to write a new line.
LINE_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Control characters, lone halves of surrogate pairs and what Unicode says is no character.
UNWRITABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# Also characters that make a line read differently from what it is.
DECEPTIVE = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# White space nobody wants a line to end at.
UNBREAKABLE = frozenset("\u00a0\u2007\u202f")


def clean_text(text: str) -> str:
    """Return the text without what no database or JSON takes; nothing visible is lost."""
    return UNWRITABLE.sub("", LINE_BREAKS.sub("\n", text))


def clean_line(text: str) -> str:
    """Return a label in one line, also without characters that turn text around."""
    return " ".join(DECEPTIVE.sub("", clean_text(text)).split())


def is_blank(text: str) -> bool:
    """Return whether a reader would see nothing."""
    return all(char.isspace() or unicodedata.category(char) == "Cf" for char in text)


def is_id(text: str, limit: int) -> bool:
    """Return whether a text can be somebody's id: not empty, not too long, nothing invisible."""
    return 0 < len(text) <= limit and clean_line(text) == text


def byte_length(text: str) -> int:
    """Return the length as Meta counts it."""
    return len(text.encode(errors="replace"))


def split_text(text: str, limit: int = MAX_TEXT_BYTES) -> list[str]:
    """Return the text in pieces of at most `limit` bytes of UTF-8, cut between words if possible.

    What is read as one character (a family emoji, a flag, a letter with its accents) is never cut,
    unless it alone is longer than the limit. Joined, the pieces are the text again, but for the
    white space at the cuts. `limit` is at least 4, the longest character.
    """
    text = text.strip()
    if len(text.encode()) <= limit:
        return [text] if text else []
    pieces, units, start = [], _units(text, limit), 0
    while start < len(units):
        end = _end_of_piece(units, start, limit)
        pieces.append("".join(units[start : _trimmed(units, start, end)]))
        start = end
        while start < len(units) and _is_break(units[start]):
            start += 1
    return pieces


def _units(text: str, limit: int) -> list[str]:
    """Return what may stand in different pieces."""
    units: list[str] = []
    for one in graphemes(text):
        units += [one] if len(one.encode()) <= limit else _by_bytes(one, limit)
    return units


def _by_bytes(text: str, limit: int) -> list[str]:
    """Cut between code points: for piles of accents no font shows anyway."""
    pieces, rest = [], text.encode()
    while rest:
        head = rest[:limit].decode(errors="ignore")
        pieces.append(head)
        rest = rest[len(head.encode()) :]
    return pieces


def _end_of_piece(units: Sequence[str], start: int, limit: int) -> int:
    """Return where to cut: at the last white space that fits, or where the room ends."""
    room, end, last_break = limit, start, start
    while end < len(units):
        if _is_break(units[end]):
            last_break = end
        room -= len(units[end].encode())
        if room < 0:
            return last_break if last_break > start else end
        end += 1
    return end


def _trimmed(units: Sequence[str], start: int, end: int) -> int:
    while end > start and _is_break(units[end - 1]):
        end -= 1
    return end


def _is_break(unit: str) -> bool:
    return unit.isspace() and unit not in UNBREAKABLE
