"""A part of a file, for players that ask for it: Safari plays no sound or video without."""

import re
from typing import NamedTuple

from django.core.files import File

RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class Span(NamedTuple):
    """Which bytes are asked for: the first, and how many."""

    start: int
    length: int


class Slice:
    """A file that ends earlier: what a streaming response reads and closes."""

    def __init__(self, file: "File[bytes]", span: Span) -> None:
        self.file = file
        self.left = span.length
        file.seek(span.start)

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes of the span."""
        wanted = self.left if size < 0 else min(size, self.left)
        found: bytes = self.file.read(wanted)
        self.left -= len(found)
        return found

    def close(self) -> None:
        """Close the file itself."""
        self.file.close()


def span_of(header: str, size: int) -> Span | None:
    """Return the one span a `Range` header asks for; None where the whole file is the answer.

    A span of length 0 means that there is nothing at that place (416).
    """
    match = RANGE.fullmatch(header.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:  # the last so many bytes
        length = min(int(match[2]), size)
        return Span(size - length, length)
    start = int(match[1])
    end = min(int(match[2]) if match[2] else size - 1, size - 1)
    if match[2] and int(match[2]) < start:
        return None  # not a range at all
    return Span(start, max(0, end - start + 1))
