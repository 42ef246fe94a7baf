"""A closed loop of keep-alive connections over raw sockets: little processor time of its own."""

import random
import re
import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from social_integrations.graph.signatures import sign
from social_integrations.tests.payloads import WEBHOOK, encode, text_payload

# Texts as varied as people write them: what repeats itself is cheaper to store than life.
WORDS = [random.Random(n).randbytes(n % 5 + 1).hex()[: n % 7 + 2] for n in range(400)]  # noqa: S311
TAG = re.compile(rb"\r\netag: (\S+)", re.IGNORECASE)
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


@dataclass
class Slice:
    """One stretch of load: how long it took, and each answer's time in seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: int = 0


def requests(count: int, events: int, secret: str, prefix: str) -> list[bytes]:
    """Return signed requests with unique message ids, ready for the wire."""
    return [_request(body(f"{prefix}-{number}", number, events), secret) for number in range(count)]


def drive(port: int, wire: list[bytes], connections: int = 16, wanted: int = 200) -> Slice:
    """Send every request over a number of connections, one at a time on each.

    An answer of another status than the wanted one counts as refused.
    """
    result = Slice()
    queue = iter(wire)
    selector = selectors.DefaultSelector()
    started = time.perf_counter()
    for _ in range(connections):
        Channel(port).send_next(queue, selector)
    while selector.get_map():
        for key, _ in selector.select():
            channel: Channel = key.data
            if not channel.receive():
                continue
            selector.unregister(channel.socket)
            result.latencies.append(time.perf_counter() - channel.sent_at)
            result.refused += not channel.answer.startswith(b"HTTP/1.1 %d" % wanted)
            channel.send_next(queue, selector)
    result.seconds = time.perf_counter() - started
    return result


def ask(port: int, request: bytes) -> bytes:
    """Send one request and return the ETag of its answer."""
    channel, selector = Channel(port), selectors.DefaultSelector()
    channel.send_next(iter([request]), selector)
    while not channel.receive():
        pass
    channel.socket.close()
    tag = TAG.search(channel.answer)
    if not tag:
        raise ValueError(f"no ETag in {channel.answer[:200]!r}")
    return tag[1]


class Channel:
    """A keep-alive connection that carries one request at a time."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answer = b""
        self.sent_at = 0.0

    def send_next(self, queue: Iterator[bytes], selector: selectors.BaseSelector) -> None:
        """Send the next request and wait for its answer; close when there is none."""
        message = next(queue, None)
        if message is None:
            self.socket.close()
            return
        self.answer, self.sent_at = b"", time.perf_counter()
        self.socket.sendall(message)
        selector.register(self.socket, selectors.EVENT_READ, self)

    def receive(self) -> bool:
        """Read what has come; return whether the answer is complete."""
        part = self.socket.recv(65536)
        self.answer += part
        head, blank, content = self.answer.partition(b"\r\n\r\n")
        if head.startswith(
            (b"HTTP/1.1 204", b"HTTP/1.1 304")
        ):  # has no content, whatever its headers say
            return not part or bool(blank)
        length = LENGTH.search(head)
        return not part or bool(blank and length and len(content) >= int(length[1]))


def body(name: str, number: int, events: int) -> bytes:
    """Return a delivery whose ids are as long as Meta's (some 1.2 KB with one event)."""
    return encode(payload(name, number, events))


def payload(name: str, number: int, events: int) -> dict[str, Any]:
    """Return the same before it is encoded."""
    whole = text_payload("")
    chance = random.Random(name)  # noqa: S311 - repeatable, not secret
    whole["entry"][0]["messaging"] = [
        text_payload(
            f"aWdfZAG1{name}-{event}-".ljust(180, "Z")[:40] + chance.randbytes(70).hex(),
            " ".join(chance.choices(WORDS, k=120)),
            sender=str(10**15 + (number * events + event) % 500),
            timestamp=1795340000000 + number,
        )["entry"][0]["messaging"][0]
        for event in range(events)
    ]
    return whole


def _request(body: bytes, secret: str) -> bytes:
    head = (
        f"POST {WEBHOOK} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-Hub-Signature-256: {sign(body, secret)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
