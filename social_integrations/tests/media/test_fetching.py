"""One request to a media host over real sockets: hostile links, hostile answers, hostile names."""

import gzip
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from social_integrations.conf import DEFAULT_MEDIA_HOSTS
from social_integrations.exceptions import (
    MediaError,
    MediaGoneError,
    MediaRefusedError,
    MediaUnavailableError,
    UnsafeLinkError,
)
from social_integrations.media.addresses import is_public
from social_integrations.media.fetching import Limits, check_link, connect, download
from social_integrations.media.links import Target, read_target

from .servers import PNG, Host, Write, answer, media_host, self_signed

META = "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1&signature=x"
QUICK = Limits(connect_seconds=1.0, total_seconds=0.4, max_bytes=100_000)

# PORT is the canary's, which listens on loopback.
HOSTILE = [
    "",
    " ",
    "javascript:alert(1)",
    "data:image/png;base64,iVBORw0KGgo=",
    "file:///etc/passwd",
    "ftp://lookaside.fbsbx.com/a",
    "gopher://127.0.0.1:PORT/_GET",
    "//lookaside.fbsbx.com/a",
    "lookaside.fbsbx.com/a",
    "https:lookaside.fbsbx.com/a",
    "https:///lookaside.fbsbx.com/a",
    "https://",
    "https://:PORT/",
    "http://127.0.0.1:PORT/",
    "https://127.0.0.1:PORT/",
    "http://127.1:PORT/",
    "http://2130706433:PORT/",
    "http://0x7f.1:PORT/",
    "http://0x7f000001:PORT/",
    "http://0177.0.0.1:PORT/",
    "http://localhost:PORT/",
    "http://LOCALHOST.:PORT/",
    "http://0.0.0.0:PORT/",
    "http://[::1]:PORT/",
    "http://[::]:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::ffff:7f00:1]:PORT/",
    "http://[64:ff9b::7f00:1]:PORT/",
    "http://169.254.169.254/latest/meta-data/",
    "https://169.254.169.254/latest/meta-data/",
    "http://metadata.google.internal/",
    "https://10.0.0.1/",
    "http://lookaside.fbsbx.com/a",
    "https://lookaside.fbsbx.com:PORT/a",
    "https://lookaside.fbsbx.com:0/a",
    "https://lookaside.fbsbx.com:99999/a",
    "https://lookaside.fbsbx.com:4_43/a",
    "https://lookaside.fbsbx.com./a",
    "https://lookaside.fbsbx.com..fbcdn.net/a",
    "https://.fbcdn.net/a",
    "https://fbcdn.net/a",
    "https://evilfbcdn.net/a",
    "https://lookaside.fbsbx.com.evil.example/a",
    "https://lookaside.fbsbx.com@127.0.0.1:PORT/",
    "https://127.0.0.1:PORT@lookaside.fbsbx.com/",
    "https://user:password@lookaside.fbsbx.com/a",
    "https://@lookaside.fbsbx.com/a",
    "https://127.0.0.1:PORT\\@lookaside.fbsbx.com/",
    "https://lookaside.fbsbx.com\\.evil.example/",
    "https://127.0.0.1:PORT#@lookaside.fbsbx.com/",
    "https://127.0.0.1:PORT?@lookaside.fbsbx.com/",
    "https://127.0.0.1:PORT%2f.fbcdn.net/",
    "https://127.0.0.1%2f.fbcdn.net/",
    "https://127.0.0.1%00.fbcdn.net/",
    "https://127.0.0.1\x00.fbcdn.net/",
    "https://lookaside.fbsbx.com\t/a",
    "https://lookaside.fbsbx.com/a\r\nHost: 127.0.0.1",
    "https://lookaside.fbsbx.com/a b",
    "\x01https://lookaside.fbsbx.com/a",
    "https://lookaside。fbsbx。com/a",
    "https://lооkaside.fbsbx.com/a",  # noqa: RUF001 - Cyrillic on purpose
    "https://lookaside.fbſbx.com/a",  # noqa: RUF001 - a long s, which IDNA turns into s
    "https://xn--lkaside-5hhh.fbsbx.com.example/a",
    "https://ⓕbcdn.net/a",
    "https://１２７.0.0.1:PORT/",  # noqa: RUF001 - wide digits on purpose
    "https://[lookaside.fbsbx.com]/a",
    "https://[::1/",
    "https://a" + "a" * 5000 + ".fbcdn.net/",
]


@pytest.fixture
def canary() -> Iterator[Host]:
    """A listener that must never hear anything."""
    with media_host(answer()) as host:
        yield host
        assert host.requests == []


def to(*addresses: str) -> Callable[[str, int], Sequence[str]]:
    return lambda _host, _port: addresses


@pytest.mark.parametrize("action", [check_link, download])
@pytest.mark.parametrize("template", HOSTILE)
def test_hostile_links_reach_nobody(
    canary: Host, template: str, action: Callable[..., object]
) -> None:
    def never(_host: str, _port: int) -> list[str]:
        raise AssertionError("such a name is not even looked up")

    url = template.replace("PORT", str(canary.port))
    with pytest.raises(UnsafeLinkError) as caught:
        action(read_target(url, DEFAULT_MEDIA_HOSTS), resolve=never)
    assert "/a" not in str(caught.value)


def test_the_canary_would_be_heard() -> None:
    with media_host(answer()) as host:
        check_link(read_target(host.url(), [host.entry]))
        assert len(host.requests) == 1


PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "192.0.0.192",
    "192.0.2.1",
    "168.63.129.16",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001::1",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_inside_is_not_gone_to(address: str) -> None:
    assert not is_public(address)
    for found in ([address], ["157.240.1.1", address]):
        with pytest.raises(UnsafeLinkError):
            check_link(read_target(META, DEFAULT_MEDIA_HOSTS), resolve=to(*found))


@pytest.mark.parametrize(
    "address", ["157.240.1.1", "2a03:2880:f1::1", "::ffff:157.240.1.1", "64:ff9b::9df0:101"]
)
def test_the_public_internet_is_public(address: str) -> None:
    assert is_public(address)


def test_a_stand_in_is_on_this_machine_or_nowhere() -> None:
    target = read_target("http://stand-in.example:9009/", ["stand-in.example:9009"])
    for address in ("10.0.0.1", "157.240.1.1"):
        with pytest.raises(UnsafeLinkError):
            check_link(target, resolve=to(address))


def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_used() -> None:
    asked = []

    def rebinding(name: str, port: int) -> list[str]:
        asked.append(name)
        # First this machine, as it should be; the second answer would be the attacker's.
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    with media_host(answer()) as host:
        entry = f"stand-in.example:{host.port}"
        target = read_target(f"http://{entry}/a", [entry])
        assert download(target, resolve=rebinding) == PNG
        assert f"Host: {entry}" in host.requests[0]
    assert asked == ["stand-in.example"]


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    with media_host(answer()) as host:
        target = read_target(host.url(), [host.entry])
        assert download(target, resolve=to("::1", "127.0.0.1")) == PNG


@pytest.mark.parametrize("error", [OSError, UnicodeError, socket.gaierror])
def test_a_name_that_cannot_be_resolved_is_trouble_not_danger(error: type[Exception]) -> None:
    def resolve(_host: str, _port: int) -> list[str]:
        raise error

    with pytest.raises(MediaUnavailableError):
        check_link(read_target(META, DEFAULT_MEDIA_HOSTS), resolve=resolve)


class TestRequest:
    @pytest.mark.parametrize("action", [check_link, download])
    def test_it_carries_the_link_to_the_letter_and_no_credential(
        self,
        action: Callable[[Target], object],
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        (tmp_path / ".netrc").write_text("default login user password secret\n")
        monkeypatch.setenv("HOME", str(tmp_path))
        for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        path = "/ig_messaging_cdn/?asset_id=1&signature=Ab%2fC~{x}|y"
        with media_host(answer(PNG, "200 OK", "Set-Cookie: a=b; Path=/")) as host:
            for _ in range(2):
                action(read_target(host.url(path), [host.entry]))
            for request in host.requests:
                assert request.startswith(f"GET {path} HTTP/1.1\r\n")
                assert "Accept-Encoding: identity\r\n" in request
                for word in ("authorization", "cookie", "access_token", "referer"):
                    assert word not in request.lower()
            assert len(host.requests) == 2

    def test_checking_asks_for_one_byte_and_reads_none(self) -> None:
        def endless(write: Write) -> None:
            write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                write(b"x" * 65536)

        with media_host(endless) as host:
            started = time.monotonic()
            check_link(read_target(host.url(), [host.entry]))
            assert "Range: bytes=0-0\r\n" in host.requests[0]
        assert time.monotonic() - started < 20


@pytest.mark.parametrize("status", [200, 206, 301, 302, 307, 416])
def test_a_link_that_answers_works(status: int) -> None:
    with media_host(answer(b"", f"{status} X", "Location: http://127.0.0.1:9/")) as host:
        check_link(read_target(host.url(), [host.entry]))
        assert len(host.requests) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, MediaGoneError),
        (404, MediaGoneError),
        (410, MediaGoneError),
        (400, MediaUnavailableError),
        (429, MediaUnavailableError),
        (500, MediaUnavailableError),
        (503, MediaUnavailableError),
    ],
)
def test_only_what_meta_says_of_dead_links_is_a_dead_link(
    status: int, error: type[MediaError]
) -> None:
    with media_host(answer(b"", f"{status} X")) as host, pytest.raises(error):
        check_link(read_target(host.url(), [host.entry]))


class TestDownload:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, canary: Host, status: int) -> None:
        location = f"Location: http://127.0.0.1:{canary.port}/"
        with media_host(answer(b"", f"{status} Found", location)) as host:
            with pytest.raises(MediaRefusedError):
                download(read_target(host.url(), [host.entry, canary.entry]))
            assert len(host.requests) == 1

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (204, MediaRefusedError),
            (206, MediaRefusedError),
            (400, MediaRefusedError),
            (404, MediaGoneError),
            (429, MediaUnavailableError),
            (502, MediaUnavailableError),
        ],
    )
    def test_other_answers(self, status: int, error: type[MediaError]) -> None:
        with media_host(answer(b"", f"{status} X")) as host, pytest.raises(error):
            download(read_target(host.url(), [host.entry]))

    def test_a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(self) -> None:
        limits = Limits(max_bytes=len(PNG))
        with media_host(answer(PNG)) as host:
            assert download(read_target(host.url(), [host.entry]), limits) == PNG
        with media_host(answer(PNG + b"x")) as host, pytest.raises(MediaRefusedError):
            download(read_target(host.url(), [host.entry]), limits)

    @pytest.mark.parametrize(
        "head",
        [
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n",
            b"HTTP/1.0 200 OK\r\nContent-Type: image/png\r\n\r\n",
        ],
    )
    def test_a_huge_or_endless_body_is_cut(self, head: bytes) -> None:
        def endless(write: Write) -> None:
            write(head)
            while True:
                write(b"x" * 65536)

        with media_host(endless) as host, pytest.raises(MediaRefusedError):
            download(read_target(host.url(), [host.entry]), Limits(max_bytes=1_000_000))

    def test_endless_chunks_are_cut(self) -> None:
        def endless(write: Write) -> None:
            write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                write(b"10000\r\n" + b"x" * 65536 + b"\r\n")

        with media_host(endless) as host, pytest.raises(MediaRefusedError):
            download(read_target(host.url(), [host.entry]), Limits(max_bytes=1_000_000))

    @pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity"])
    def test_a_compressed_body_is_not_unpacked(self, encoding: str) -> None:
        bomb = gzip.compress(b"\0" * 10_000_000)
        behave = answer(bomb, "200 OK", f"Content-Encoding: {encoding}")
        with media_host(behave) as host, pytest.raises(MediaRefusedError):
            download(read_target(host.url(), [host.entry]))

    @pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-", b""])
    def test_a_trickle_ends_at_the_deadline_in_body_and_headers(self, head: bytes) -> None:
        def trickle(write: Write) -> None:
            write(head)
            for _ in range(1_200):
                write(b"x")
                time.sleep(0.05)

        with media_host(trickle) as host:
            started = time.monotonic()
            with pytest.raises(MediaUnavailableError):
                download(read_target(host.url(), [host.entry]), QUICK)
        assert time.monotonic() - started < 20

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"nonsense\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nx",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        ],
    )
    def test_a_broken_answer_is_trouble(self, raw: bytes) -> None:
        with media_host(lambda write: write(raw)) as host, pytest.raises(MediaUnavailableError):
            download(read_target(host.url(), [host.entry]))

    def test_an_empty_file_is_none(self) -> None:
        with media_host(answer(b"")) as host, pytest.raises(MediaRefusedError):
            download(read_target(host.url(), [host.entry]))

    def test_a_closed_port_is_trouble_and_the_error_holds_no_link(self) -> None:
        with media_host(answer()) as host:
            target = read_target(host.url("/?signature=hidden-word"), [host.entry])
        with pytest.raises(MediaUnavailableError) as caught:
            download(target)
        assert "hidden-word" not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


class TestTls:
    """The address is pinned, the name in the certificate still has to be the host's."""

    NAME = "lookaside.fbsbx.com"

    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Path:
        return self_signed(tmp_path / "both.pem", self.NAME)

    @pytest.fixture
    def server(self, certificate: Path) -> Iterator[tuple[Host, list[str]]]:
        asked: list[str] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.sni_callback = lambda _sock, name, _context: asked.append(name)
        with media_host(answer(), context) as host:
            yield host, asked

    def target(self, host: Host, name: str) -> Target:
        return Target("https", name, name, host.port, "/", stand_in=False)

    def test_the_certificate_of_the_host_is_accepted_at_the_checked_address(
        self, server: tuple[Host, list[str]], certificate: Path
    ) -> None:
        host, asked = server
        trust = ssl.create_default_context(cafile=str(certificate))
        connection = connect(self.target(host, self.NAME), "127.0.0.1", 2.0, trust)
        connection.request("GET", "/", headers={"Host": self.NAME})
        assert connection.getresponse().data == PNG
        connection.close()
        assert asked == [self.NAME]

    def test_a_certificate_of_another_name_is_not(
        self, server: tuple[Host, list[str]], certificate: Path
    ) -> None:
        trust = ssl.create_default_context(cafile=str(certificate))
        with pytest.raises(ssl.SSLError):
            connect(self.target(server[0], "scontent.xx.fbcdn.net"), "127.0.0.1", 2.0, trust)

    def test_a_certificate_nobody_vouches_for_is_not(self, server: tuple[Host, list[str]]) -> None:
        with pytest.raises(ssl.SSLError):
            connect(self.target(server[0], self.NAME), "127.0.0.1", 2.0)
