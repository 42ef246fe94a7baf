"""One guarded request to a media host: checked address, no redirect, no credential, bounded.

It stands on urllib3's connections rather than on a session: those know no proxies, no .netrc, no
cookies and no redirects, and they connect to the address they are given.
"""

import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPException
from threading import Timer

import certifi
from urllib3 import BaseHTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from social_integrations.exceptions import (
    MediaGoneError,
    MediaRefusedError,
    MediaUnavailableError,
)

from .addresses import Resolve, checked_addresses, resolve_host
from .links import Target

# Meta: the signed links answer one of these once the content is deleted or the link has expired.
GONE = frozenset({403, 404, 410})
PASSING = frozenset({408, 425, 429})
EMPTY_RANGE = 416
BLOCK = 65536
ENOUGH = 64
CONTENT_RANGE = re.compile(r"bytes [0-9]{1,15}-[0-9]{1,15}/(?:[0-9]{1,15}|\*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much time and room one request gets; the resolver has the system's own limits."""

    connect_seconds: float = 2.0
    total_seconds: float = 20.0
    max_bytes: int = 25 * 1024 * 1024


DOWNLOAD_LIMITS = Limits()
# Somebody waits for the page.
CHECK_LIMITS = Limits(total_seconds=5.0)


def check_link(
    target: Target, limits: Limits = CHECK_LIMITS, resolve: Resolve = resolve_host
) -> None:
    """Return if the link still works, without reading what it leads to.

    Asks for one byte and hangs up: not every CDN answers HEAD for a signed link. Raises
    `MediaGoneError` for Meta's 403, 404 and 410, `UnsafeLinkError` if the host is not public, and
    `MediaUnavailableError` if nobody can tell now.
    """
    with _answer(target, {"Range": "bytes=0-0"}, limits, resolve) as (response, _deadline):
        status = response.status
    if status in GONE:
        raise MediaGoneError("The link no longer works at Meta.")
    if status >= 400 and status != EMPTY_RANGE:
        raise MediaUnavailableError(f"The media host answered with HTTP {status}.")


def download(
    target: Target, limits: Limits = DOWNLOAD_LIMITS, resolve: Resolve = resolve_host
) -> bytes:
    """Return what the link leads to.

    Raises as `check_link` does, and `MediaRefusedError` for what is too large, compressed, empty,
    or kept elsewhere (a redirect).
    """
    with _answer(target, {}, limits, resolve) as (response, deadline):
        _refuse_other_than_a_file(response)
        return _read(response, limits.max_bytes, deadline)


@dataclass(slots=True)
class Stream:
    """A file on its way: its beginning has been read, the rest comes as it arrives."""

    status: int
    """200, or 206 where a part was asked for and given."""
    length: int | None
    content_range: str
    _head: bytes
    _response: BaseHTTPResponse
    _max_bytes: int
    _open: ExitStack = field(repr=False)

    @property
    def head(self) -> bytes:
        """The first bytes."""
        return self._head

    def __iter__(self) -> Iterator[bytes]:
        """Give the file piece by piece; ends early, never late, and closes the connection."""
        passed = len(self._head)
        try:
            if self._head:
                yield self._head
            while chunk := self._response.read1(BLOCK, decode_content=False):
                passed += len(chunk)
                if passed > self._max_bytes:
                    return
                yield chunk
        except (HTTPError, HTTPException, OSError):
            return  # what has been given cannot be taken back; the length tells the browser
        finally:
            self.close()

    def close(self) -> None:
        """Hang up."""
        self._open.close()


def open_stream(
    target: Target,
    *,
    byte_range: str = "",
    limits: Limits = DOWNLOAD_LIMITS,
    resolve: Resolve = resolve_host,
) -> Stream:
    """Return what the link leads to, to be passed on while it arrives; raises as `download` does.

    `byte_range` is a `Range` header to pass on, as players send it.
    """
    with ExitStack() as stack:
        headers = {"Range": byte_range} if byte_range else {}
        response, _deadline = stack.enter_context(_answer(target, headers, limits, resolve))
        if not (byte_range and response.status == 206):
            _refuse_other_than_a_file(response)
        length = _declared_length(response)
        if length is not None and length > limits.max_bytes:
            raise MediaRefusedError("The file is larger than INSTAGRAM_MEDIA_MAX_BYTES.")
        head = _beginning(response)
        return Stream(
            status=response.status,
            length=length,
            content_range=_content_range(response),
            _head=head,
            _response=response,
            _max_bytes=limits.max_bytes,
            _open=stack.pop_all(),
        )


def _beginning(response: BaseHTTPResponse) -> bytes:
    """Return enough of a file to tell what it is."""
    head = b""
    while len(head) < ENOUGH and (chunk := response.read1(BLOCK, decode_content=False)):
        head += chunk
    if not head:
        raise MediaRefusedError("The file is empty.")
    return head


def _declared_length(response: BaseHTTPResponse) -> int | None:
    given = response.headers.get("Content-Length", "")
    return int(given) if given.isdecimal() and len(given) < 16 else None


def _content_range(response: BaseHTTPResponse) -> str:
    """Return which part it is, in the one form players understand; empty for anything else."""
    given = response.headers.get("Content-Range", "")
    return given if CONTENT_RANGE.fullmatch(given) else ""


def connect(
    target: Target, address: str, seconds: float, tls: ssl.SSLContext | None = None
) -> HTTPConnection:
    """Return a connection to this very address; with https the certificate must be the host's."""
    connection: HTTPConnection
    if target.scheme == "https":
        connection = HTTPSConnection(
            address,
            target.port,
            timeout=seconds,
            server_hostname=target.host,
            ssl_context=tls or _tls_context(),
        )
    else:
        connection = HTTPConnection(address, target.port, timeout=seconds)
    try:
        connection.connect()
    except BaseException:
        connection.close()
        raise
    return connection


@cache
def _tls_context() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


@contextmanager
def _answer(
    target: Target, headers: Mapping[str, str], limits: Limits, resolve: Resolve
) -> Iterator[tuple[BaseHTTPResponse, float]]:
    """Give the answer, its body unread, and the deadline; all trouble comes out as our errors."""
    deadline = time.monotonic() + limits.total_seconds
    addresses = checked_addresses(target, resolve)
    try:
        connection = _connect_to_any(target, addresses, limits, deadline)
        with _open_until(connection, deadline):
            connection.request(
                "GET",
                target.path,
                # Uncompressed: a small answer must not unfold into a huge one.
                headers={"Host": target.netloc, "Accept-Encoding": "identity", **headers},
                preload_content=False,
                decode_content=False,
            )
            with connection.getresponse() as response:
                yield response, deadline
    except (HTTPError, HTTPException, OSError):
        # Without the cause: it may hold the signed link.
        raise MediaUnavailableError("The media host could not be reached, or broke off.") from None


def _connect_to_any(
    target: Target, addresses: list[str], limits: Limits, deadline: float
) -> HTTPConnection:
    """Try the addresses in turn: the first may be of a kind this machine cannot reach."""
    for address in addresses:
        seconds = min(limits.connect_seconds, deadline - time.monotonic())
        if seconds <= 0:
            break
        try:
            return connect(target, address, seconds)
        except (HTTPError, OSError):
            continue
    raise MediaUnavailableError("The media host did not accept a connection.")


@contextmanager
def _open_until(connection: HTTPConnection, deadline: float) -> Iterator[None]:
    """Cut a connection at the deadline, whatever it is waiting for, and close it at the end.

    A timeout of the socket counts from one byte to the next; a peer that trickles its headers
    would hold us for hours.
    """
    watchdog = Timer(max(deadline - time.monotonic(), 0.0), _cut, [connection.sock])
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()
        connection.close()


def _cut(sock: socket.socket) -> None:
    try:
        # Of the plain socket: the TLS layer's own shutdown is not for another thread to call.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        return


def _refuse_other_than_a_file(response: BaseHTTPResponse) -> None:
    status = response.status
    if status in GONE:
        raise MediaGoneError("The link no longer works at Meta.")
    if status >= 500 or status in PASSING:
        raise MediaUnavailableError(f"The media host answered with HTTP {status}.")
    if status != 200:
        raise MediaRefusedError(f"The media host answered with HTTP {status} instead of a file.")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise MediaRefusedError("The file came compressed, which was not asked for.")


def _read(response: BaseHTTPResponse, max_bytes: int, deadline: float) -> bytes:
    body = bytearray()
    # read1 hands over what is there; read would wait for a full buffer from a trickling peer.
    while chunk := response.read1(BLOCK, decode_content=False):
        body += chunk
        if len(body) > max_bytes:
            raise MediaRefusedError("The file is larger than INSTAGRAM_MEDIA_MAX_BYTES.")
    # Also the end of a body without a length looks like this once the connection was cut.
    if time.monotonic() >= deadline:
        raise MediaUnavailableError("The file did not arrive in time.")
    if not body:
        raise MediaRefusedError("The file is empty.")
    return bytes(body)
