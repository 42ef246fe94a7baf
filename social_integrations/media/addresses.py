"""Where a host name leads: to the public internet, or to somebody's own network."""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

from social_integrations.exceptions import MediaUnavailableError, UnsafeLinkError

from .links import Target

Address: TypeAlias = IPv4Address | IPv6Address
Resolve: TypeAlias = Callable[[str, int], Sequence[str]]

# Gateways between IPv6 and IPv4: the last four bytes are the address really reached.
NAT64 = IPv6Network("64:ff9b::/96")
UNICAST = IPv6Network("2000::/3")
# Public by their number, yet served inside of clouds: metadata of Oracle (in IETF's own block,
# which Python calls global in part) and Azure.
INSIDE_OF_CLOUDS = (IPv4Network("192.0.0.0/24"), IPv4Network("168.63.129.16/32"))


def resolve_host(host: str, port: int) -> list[str]:
    """Return the addresses of a host in the system's order of preference; raise OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))


def checked_addresses(target: Target, resolve: Resolve) -> list[str]:
    """Return the addresses to connect to, all of them checked; resolved once and for all.

    Raises `UnsafeLinkError` if a single one is not public (for a stand-in: not this machine's),
    and `MediaUnavailableError` if the name has none.
    """
    try:
        found = list(resolve(target.host, target.port))
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise MediaUnavailableError("The media host's name could not be resolved (DNS).")
    allowed = is_loopback if target.stand_in else is_public
    if not all(allowed(address) for address in found):
        raise UnsafeLinkError("The media host's address is not a public one.")
    return found


def is_loopback(address: str) -> bool:
    """Return whether the address is this machine."""
    return _reached(address).is_loopback


def is_public(address: str) -> bool:
    """Return whether the address is one host of the public internet."""
    reached = _reached(address)
    if isinstance(reached, IPv6Address) and (
        reached not in UNICAST or reached.sixtofour or reached.teredo
    ):
        return False
    if any(reached in network for network in INSIDE_OF_CLOUDS):
        return False
    return reached.is_global and not reached.is_multicast and not reached.is_reserved


def _reached(address: str) -> Address:
    """Return the address behind one that only wraps another."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return parsed.ipv4_mapped
        if parsed in NAT64:
            return IPv4Address(parsed.packed[-4:])
    return parsed
