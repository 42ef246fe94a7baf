"""Badly and well behaved media hosts on loopback."""

import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Write = Callable[[bytes], object]
Behave = Callable[[Write], object]

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 200
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def answer(body: bytes = PNG, status: str = "200 OK", *headers: str) -> Behave:
    """Send one complete answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return lambda write: write("\r\n".join(lines).encode() + body)


@dataclass
class Host:
    """A running server: where it is, and the raw requests it got (empty: only a connection)."""

    port: int
    requests: list[str] = field(default_factory=list)

    @property
    def entry(self) -> str:
        """How an operator lists it."""
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/ig_messaging_cdn/?asset_id=1&signature=a%2Bb") -> str:
        return f"http://{self.entry}{path}"


@contextmanager
def media_host(behave: Behave, tls: ssl.SSLContext | None = None) -> Iterator[Host]:
    """Serve on loopback until the end."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            host.requests.append("")
            try:
                while (line := self.rfile.readline()) not in (b"\r\n", b""):
                    host.requests[-1] += line.decode()
                behave(self.wfile.write)
            except OSError:
                return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

        def get_request(self) -> tuple[socketserver.socket.socket, object]:  # type: ignore[name-defined]
            sock, address = super().get_request()
            return (tls.wrap_socket(sock, server_side=True) if tls else sock), address

        def handle_error(self, request: object, client_address: object) -> None:
            return

    with Server(("127.0.0.1", 0), Handler) as server:
        host = Host(server.server_address[1])
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield host
        finally:
            server.shutdown()


def self_signed(path: Path, name: str) -> Path:
    """Write a key and a certificate for the name that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path
