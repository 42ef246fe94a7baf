"""Which links may be shown, and which of those we go to ourselves."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from social_integrations.exceptions import UnsafeLinkError

MAX_LINK = 4_096
PORTS = {"https": 443, "http": 80}

# Control characters and the bidi controls that make text read differently from what it is.
DECEPTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Also blanks and backslashes: browsers and Python disagree on where the host of such a link ends.
UNSAFE_IN_LINK = re.compile(r"[\s\\\x00-\x20]|" + DECEPTIVE.pattern)
# What Meta's links are made of; every other character has been a trick somewhere.
PLAIN = re.compile(r"[!-\[\]-~]+")

NAME = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+"
HOST = re.compile(NAME)
HOST_PATTERN = re.compile(rf"(?:\*\.)?{NAME}")
STAND_IN = re.compile(r"(?:[a-z0-9.-]+|\[[0-9a-f:]+\]):[0-9]{1,5}")


@dataclass(frozen=True)
class Link:
    """Where a link may lead; an empty address means it is not to be clicked."""

    href: str
    host: str


@dataclass(frozen=True, slots=True)
class Target:
    """An allowed link, taken apart: what is said in the request and to whom."""

    scheme: str
    netloc: str
    host: str
    port: int
    path: str
    """With the query."""
    stand_in: bool
    """Whether the operator listed this very host and port: a server on this machine."""


def safe_link(url: str) -> Link:
    """Return the address and its host, both empty unless it is a plain http(s) link."""
    nowhere = Link("", "")
    if len(url) > MAX_LINK or UNSAFE_IN_LINK.search(url):
        return nowhere
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        return nowhere
    if parts.scheme not in PORTS or not host or "@" in parts.netloc:
        return nowhere
    return Link(url, host)


def is_host_entry(entry: str) -> bool:
    """Return whether a text can stand in the list of allowed hosts."""
    return bool(HOST_PATTERN.fullmatch(entry.lower()) or is_stand_in(entry))


def is_stand_in(entry: str) -> bool:
    """Return whether an entry of the list names a server on this machine, as `host:port`."""
    return STAND_IN.fullmatch(entry.lower()) is not None


def read_target(url: str, hosts: Iterable[str]) -> Target:
    """Return an allowed link in its parts; raise `UnsafeLinkError` for every other.

    `hosts` holds names (`lookaside.fbsbx.com`), names below one (`*.fbcdn.net`), which are reached
    by https on its own port only, and stand-ins for tests (`127.0.0.1:9009`), also by http.
    """
    if len(url) > MAX_LINK or not PLAIN.fullmatch(url):
        raise UnsafeLinkError("The link is not a plain web address.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UnsafeLinkError("The link cannot be read.") from None
    if parts.scheme not in PORTS or not parts.hostname or "@" in parts.netloc:
        raise UnsafeLinkError("The link is not a plain web address.")
    entries, netloc = {entry.lower() for entry in hosts}, parts.netloc.lower()
    target = Target(
        scheme=parts.scheme,
        netloc=netloc,
        host=parts.hostname,
        port=PORTS[parts.scheme] if port is None else port,
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        stand_in=netloc in entries and is_stand_in(netloc),
    )
    if not target.stand_in and not _is_allowed(target, entries):
        raise UnsafeLinkError("The link does not lead to a host where Meta keeps media.")
    return target


def _is_allowed(target: Target, entries: Iterable[str]) -> bool:
    if (target.scheme, target.port) != ("https", 443) or not HOST.fullmatch(target.host):
        return False
    return any(
        target.host.endswith(entry[1:]) if entry.startswith("*.") else target.host == entry
        for entry in entries
        if HOST_PATTERN.fullmatch(entry)
    )
