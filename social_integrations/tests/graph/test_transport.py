"""The transport over real sockets: bodies that break off, trickle or never end."""

import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from social_integrations.exceptions import GraphUnavailableError
from social_integrations.graph import transport
from social_integrations.graph.transport import Answer, Transport

Write = Callable[[bytes], object]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def peer(behave: Callable[[Write], object]) -> Iterator[str]:
    """Serve a badly behaved Meta on loopback; gives its address."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            try:
                behave(self.wfile.write)
            except OSError:
                return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def send(url: str, read_timeout: float = 2.0) -> Answer:
    return Transport(timeout=(1.0, read_timeout)).send("POST", url, headers={}, data={})


def refusal(url: str, read_timeout: float = 2.0) -> str:
    with pytest.raises(GraphUnavailableError) as caught:
        send(url, read_timeout)
    assert caught.value.__context__ is None
    return str(caught.value)


def test_a_whole_answer() -> None:
    with peer(lambda write: write(HEAD + b"Content-Length: 2\r\n\r\n{}")) as url:
        assert send(url) == Answer(200, b"{}")


def test_an_answer_that_breaks_off() -> None:
    with peer(lambda write: write(HEAD + b"Content-Length: 99\r\n\r\n{")) as url:
        assert refusal(url) == "Meta's answer broke off"


def test_no_answer_in_time() -> None:
    with peer(lambda _write: time.sleep(1)) as url:
        assert refusal(url, 0.1) == transport.TOO_SLOW


def test_a_trickling_answer_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "DEADLINE_SECONDS", 0.2)

    def trickle(write: Write) -> None:
        write(HEAD + b"Content-Length: 999\r\n\r\n")
        for _ in range(100):
            write(b" ")
            time.sleep(0.02)

    with peer(trickle) as url:
        started = time.monotonic()
        assert refusal(url) == transport.TOO_SLOW
        assert time.monotonic() - started < 1.0


def endless(head: bytes) -> Callable[[Write], None]:
    def behave(write: Write) -> None:
        write(head)
        while True:
            write(b"x" * 65536)

    return behave


def test_an_endless_answer_is_cut() -> None:
    with peer(endless(HEAD + b"\r\n")) as url:
        assert refusal(url) == transport.TOO_LARGE


def test_the_endless_body_of_a_redirect_is_cut_too() -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n"
    with peer(endless(head)) as url:
        assert refusal(url) == transport.TOO_LARGE


def test_a_closed_port() -> None:
    with peer(lambda _write: None) as url:
        pass
    assert refusal(url) == "the connection to Meta failed"
