"""The transport over real sockets: bodies that break off, trickle or never end."""

import contextlib
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from social_integrations.exceptions import GraphUnavailableError
from social_integrations.graph import transport
from social_integrations.graph.transport import Answer, Transport

Write = Callable[[bytes], object]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def peer(behave: Callable[[Write], object], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve a badly behaved Meta on loopback, with TLS where told; gives its address."""

    class Handler(socketserver.StreamRequestHandler):
        def setup(self) -> None:
            if tls:
                with contextlib.suppress(OSError):
                    self.request = tls.wrap_socket(self.request, server_side=True)
            super().setup()

        def handle(self) -> None:
            with contextlib.suppress(OSError):
                self.rfile.readline()
            try:
                behave(self.wfile.write)
            except OSError:
                return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}/"
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
        for _ in range(3_000):
            write(b" ")
            time.sleep(0.02)

    with peer(trickle) as url:
        started = time.monotonic()
        assert refusal(url) == transport.TOO_SLOW
        assert time.monotonic() - started < 20


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


class TestWhetherItArrived:
    """Only what never left this machine may be sent again: the connection itself tells."""

    def arrived(self, url: str, read_timeout: float = 2.0) -> bool:
        with pytest.raises(GraphUnavailableError) as caught:
            send(url, read_timeout)
        return caught.value.may_have_arrived

    def test_a_closed_port(self) -> None:
        with peer(lambda _write: None) as url:
            pass
        assert not self.arrived(url)

    def test_no_such_host(self) -> None:
        assert not self.arrived("http://meta.invalid/")

    def test_a_handshake_that_fails(self) -> None:
        with peer(lambda write: write(b"this is no TLS\r\n")) as url:
            assert not self.arrived(url.replace("http:", "https:"))

    def test_a_handshake_that_breaks_off(self) -> None:
        with peer(lambda _write: None) as url:
            assert not self.arrived(url.replace("http:", "https:"))

    def test_a_certificate_nobody_vouches_for(self, tmp_path: Path) -> None:
        with peer(lambda _write: None, self_signed(tmp_path)) as url:
            reason = refusal(url)
            assert "TLS" in reason
            assert not self.arrived(url)

    @pytest.mark.parametrize(
        "behave",
        [
            lambda _write: None,
            lambda _write: time.sleep(1),
            lambda write: write(HEAD + b"Content-Length: 9\r\n\r\n{"),
            lambda write: write(b"rubbish\r\n\r\n"),
        ],
    )
    def test_no_answer_or_half_of_one(self, behave: Callable[[Write], object]) -> None:
        with peer(behave) as url:
            assert self.arrived(url, 0.2)

    def test_a_deadline_over_before_it_could_be_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(transport, "DEADLINE_SECONDS", -1.0)
        with peer(lambda write: write(HEAD + b"Content-Length: 2\r\n\r\n{}")) as url:
            watch_over = self.arrived(url)
        assert not watch_over


def test_trickling_headers_end_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "DEADLINE_SECONDS", 0.3)

    def trickle(write: Write) -> None:
        for number in range(3_000):
            write(b"X-%d: y\r\n" % number if number else b"HTTP/1.1 200 OK\r\n")
            time.sleep(0.02)

    with peer(trickle) as url:
        started = time.monotonic()
        assert refusal(url) == transport.TOO_SLOW
        assert time.monotonic() - started < 20


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return a TLS server's context with a certificate of its own making."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain
    ) + made.public_bytes(serialization.Encoding.PEM)
    path = folder / "server.pem"
    path.write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
