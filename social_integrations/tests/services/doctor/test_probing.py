"""An address is called as Meta calls it: certificate checked, no redirect followed, bounded."""

import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from social_integrations.services.doctor.probing import (
    BROKEN,
    DNS,
    MAX_BYTES,
    REFUSED,
    SLOW,
    TLS,
    Probe,
    is_this_computer,
    probe,
)
from social_integrations.tests.media.servers import Write, answer, media_host, self_signed


def test_the_whole_answer_is_told() -> None:
    with media_host(answer(b"123", "200 OK", "Content-Type: text/plain")) as host:
        found = probe(host.url("/door/"), params={"hub.challenge": "123"})
    assert found == Probe(status=200, body=b"123", content_type="text/plain")
    [request] = host.requests
    assert request.startswith("GET /door/?hub.challenge=123 HTTP/1.1")
    assert "Accept-Encoding: identity" in request


def test_a_body_makes_it_a_post() -> None:
    with media_host(answer(b"no", "400 Bad Request")) as host:
        found = probe(host.url("/door/"), data=b"doctor", headers={"X-Hub-Signature-256": "x"})
    assert found.status == 400
    assert host.requests[0].startswith("POST /door/")
    assert "X-Hub-Signature-256: x" in host.requests[0]


def test_a_redirect_is_told_and_not_followed() -> None:
    with media_host(answer(b"", "301 Moved", "Location: /elsewhere/")) as host:
        found = probe(host.url("/door/"))
    assert (found.is_redirect, found.location) == (True, "/elsewhere/")
    assert len(host.requests) == 1


def test_a_certificate_nobody_vouches_for_is_trouble(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path / "both.pem", "localhost"))
    with media_host(answer(), context) as host:
        assert probe(f"https://localhost:{host.port}/").trouble == TLS


def test_a_name_that_does_not_exist_is_trouble() -> None:
    assert probe("http://doctor.invalid/").trouble == DNS


def test_a_closed_port_is_trouble() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert probe(f"http://127.0.0.1:{unused.getsockname()[1]}/").trouble == REFUSED


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_trickle_ends_with_the_time(head: bytes) -> None:
    pause = threading.Event()

    def trickle(write: Write) -> None:
        write(head)
        for _ in range(1_200):
            write(b"x")
            # Not time.sleep, which other tests replace while this thread still runs.
            pause.wait(0.05)

    with media_host(trickle) as host:
        started = time.monotonic()
        assert probe(host.url(), seconds=0.3).trouble == SLOW
        assert time.monotonic() - started < 20


def test_an_endless_answer_is_cut() -> None:
    def endless(write: Write) -> None:
        write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            write(b"x" * 65_536)

    with media_host(endless) as host:
        assert len(probe(host.url()).body) == MAX_BYTES


def test_nonsense_is_trouble() -> None:
    with media_host(lambda write: write(b"nonsense\r\n\r\n")) as host:
        assert probe(host.url()).trouble == REFUSED


@pytest.mark.parametrize("url", ["no address", "https://", "ftp://localhost/", "http://[::1"])
def test_no_address_is_trouble_and_no_error(url: str) -> None:
    assert probe(url).trouble == BROKEN


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://127.0.0.1:8000", True),
        ("https://localhost", True),
        ("http://[::1]:8000", True),
        ("https://crm.operator.org", False),
        ("https://localhost.operator.org", False),
        ("", False),
    ],
)
def test_which_addresses_are_this_computer(url: str, *, is_local: bool) -> None:
    assert is_this_computer(url) is is_local
