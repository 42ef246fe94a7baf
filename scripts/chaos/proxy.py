"""A TCP proxy that misbehaves on purpose, with Toxiproxy's vocabulary."""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

PIECE = 65536
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends RST, not FIN."""


@dataclass
class Toxics:
    """What is wrong with the line; every value can change while connections are open."""

    latency: float = 0.0
    """Seconds each piece of an answer is held back."""
    down: bool = False
    """New connections are closed at once, open ones break."""
    timeout: bool = False
    """Nothing passes, and nobody is told."""
    slicer: int = 0
    """Largest piece passed on, in bytes; 0 for any."""
    limit_data: int = 0
    """A connection ends after so many bytes of answer; 0 for never."""


class Proxy:
    """Passes connections on to a port, through the toxics."""

    def __init__(self, upstream: int) -> None:
        self.toxics = Toxics()
        self.port = 0
        self._upstream = upstream
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def reset_peer(self) -> None:
        """Break every open connection with RST, as a crashed machine in between does."""
        self._run(self._reset())

    def set_down(self, *, down: bool) -> None:
        """Cut the line, or mend it."""
        self.toxics.down = down
        if down:
            self.reset_peer()

    def start(self) -> None:
        """Listen on a free loopback port."""
        self._thread.start()
        self._run(self._listen())

    def stop(self) -> None:
        """End with every connection."""
        self.reset_peer()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def _reset(self) -> None:
        for writer in list(self._open):
            sock: socket.socket = writer.get_extra_info("socket")
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        if self.toxics.down:
            client.transport.abort()
            return
        try:
            answers, server = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            client.transport.abort()
            return
        self._open |= {client, server}
        await asyncio.gather(self._pass(reader, server), self._pass(answers, client, toxic=True))
        self._open -= {client, server}

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, toxic: bool = False
    ) -> None:
        passed = 0
        with suppress(OSError):
            while piece := await reader.read(self.toxics.slicer or PIECE):
                while self.toxics.timeout:
                    await asyncio.sleep(0.05)
                if toxic and self.toxics.latency:
                    await asyncio.sleep(self.toxics.latency)
                writer.write(piece)
                await writer.drain()
                passed += len(piece)
                if toxic and 0 < self.toxics.limit_data <= passed:
                    break
        writer.close()


@contextmanager
def proxied(upstream: int) -> Iterator[Proxy]:
    """Run a proxy for the length of the block."""
    proxy = Proxy(upstream)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
