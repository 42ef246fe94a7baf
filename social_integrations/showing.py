"""Words of strangers, made harmless to look at: capped, tricks spelled out, links found."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .media.links import DECEPTIVE, safe_link

LINE_LENGTH = 120
TEXT_LENGTH = 5_000
LINK_LENGTH = 90
MAX_LINKS = 50
# Four marks on one letter are more than any language needs; hundreds climb over other lines.
STACKED_MARKS = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{4})"
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)
WEB_ADDRESS = re.compile(r"\bhttps?://[^\s<>\"'`{}|\\^⟨⟩]{1,2000}", re.IGNORECASE)
PORT = re.compile(r":[0-9]+$")
AFTER_ADDRESS = ".,;:!?)]}…»”\u2019"


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a text: plain, or a link with the host it really leads to."""

    text: str
    href: str = ""
    host: str = ""
    rest: str = ""
    """What follows the host, cut to a length."""


def visible(text: Any, limit: int = TEXT_LENGTH) -> str:
    """Return text cut to a length, deceptive characters spelled out; the template escapes."""
    words = str(text)
    cut = words[:limit] + ("…" if len(words) > limit else "")
    calm = STACKED_MARKS.sub(r"\1", cut)
    return DECEPTIVE.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", calm)


def one_line(text: Any, limit: int = LINE_LENGTH) -> str:
    """Return the beginning of a text on one line."""
    return visible(" ".join(str(text)[: limit * 4].split()), limit)


def segments(text: Any, limit: int = TEXT_LENGTH) -> tuple[Segment, ...]:
    """Return a text, made visible, in pieces; plain http(s) addresses become links."""
    return tuple(_cut(visible(text, limit)))


def _cut(text: str) -> Iterator[Segment]:
    done = 0
    for count, found in enumerate(WEB_ADDRESS.finditer(text)):
        if count >= MAX_LINKS:
            break
        address = found[0].rstrip(AFTER_ADDRESS)
        link = safe_link(address)
        if not link.href:
            continue
        if found.start() > done:
            yield Segment(text[done : found.start()])
        yield _link(link.href, link.host)
        done = found.start() + len(address)
    if done < len(text):
        yield Segment(text[done:])


def _link(href: str, host: str) -> Segment:
    """Write the link with its host as the network knows it: look-alike letters come out as xn--."""
    parts = urlsplit(href)
    port = PORT.search(parts.netloc)
    behind = (port[0] if port else "") + href[len(parts.scheme) + 3 + len(parts.netloc) :]
    return Segment(
        text=f"{parts.scheme}://",
        href=href,
        host=host,
        rest=behind[:LINK_LENGTH] + ("…" if len(behind) > LINK_LENGTH else ""),
    )
