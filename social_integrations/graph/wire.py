"""What happened on the wire: whether a request left this machine, and an end to waiting for it.

Only the connection knows: an error's type does not tell a broken handshake from a broken answer,
and a timeout between two bytes never ends a peer that trickles its headers.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class Watch:
    """One exchange: whether its request left, and whether its time is over."""

    def __init__(self) -> None:
        self.is_told = False
        """Whether a connection of ours was asked at all; otherwise nothing here means anything."""
        self.has_left = False
        self.is_over = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def leaves(self, through: Any) -> None:
        """Note that the request is about to be written; refuse where its time is over already."""
        with self._lock:
            if self.is_over:
                raise TimeoutError("too late to send")
            self.has_left, self._socket = True, through

    def cut(self) -> None:
        """End the exchange from another thread: whoever waits for bytes gets none."""
        with self._lock:
            self.is_over = True
            if self._socket is not None:
                # The plain socket's own: TLS would first try to say goodbye.
                with contextlib.suppress(OSError, ValueError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_watch: ContextVar[Watch | None] = ContextVar("graph_watch", default=None)


@contextlib.contextmanager
def watched(deadline: float) -> Iterator[Watch]:
    """Watch the exchange made inside, and end it at `deadline` of the monotonic clock."""
    watch = Watch()
    reset = _watch.set(watch)
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), watch.cut)
    timer.daemon = True
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()
        _watch.reset(reset)


def _asked() -> None:
    if watch := _watch.get():
        watch.is_told = True


def _leaves(connection: HTTPConnection) -> None:
    if connection.sock is None:  # connect first: until that has succeeded, nothing has left
        connection.connect()
    if watch := _watch.get():
        watch.is_told = True
        watch.leaves(connection.sock)


class _Plain(HTTPConnection):
    def connect(self) -> None:
        _asked()
        super().connect()

    def request(self, *args: Any, **more: Any) -> None:
        _leaves(self)
        super().request(*args, **more)


class _Secure(HTTPSConnection):
    def connect(self) -> None:
        _asked()
        super().connect()

    def request(self, *args: Any, **more: Any) -> None:
        _leaves(self)
        super().request(*args, **more)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class WatchedAdapter(HTTPAdapter):
    """Sends through connections that tell the watch of the exchange."""

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        """Let the pools open our kind of connection."""
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
