"""The client keeps tokens out of addresses, and turns every odd answer into one of two errors."""

import hashlib
import hmac
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError

from social_integrations.exceptions import GraphError, GraphRefusedError, GraphUnavailableError
from social_integrations.graph import transport
from social_integrations.graph.client import GraphClient
from social_integrations.tests.graph.answers import FakeMeta, load, sent

SECRET_WORDS = ("secretvalue", "https://", "access_token", "the-code")


def tell_everything(error: BaseException) -> str:
    """Return what any log, trace or error page could show of an error."""
    return "".join(traceback.format_exception_only(error)) + repr(
        [error.args, error.__cause__, error.__context__]
    )


def test_get_carries_the_token_in_the_header_only(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "me", "identity")
    assert client.get("me", {"fields": "id"}) == load("identity")
    (request,) = meta.calls("me")
    assert request.headers["Authorization"] == "Bearer EAABtokensecretvalue"
    proof = hmac.new(b"app-secretvalue", b"EAABtokensecretvalue", hashlib.sha256).hexdigest()
    assert sent(request) == {"fields": "id", "appsecret_proof": proof}
    assert "secretvalue" not in str(request.url)


def test_post_sends_everything_in_the_body(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("POST", "7/subscribed_apps", "subscribed")
    client.post("7/subscribed_apps", {"subscribed_fields": "feed"})
    (request,) = meta.calls()
    assert "?" not in str(request.url)
    assert set(sent(request)) == {"subscribed_fields", "appsecret_proof"}


def test_without_token_no_header_and_no_proof(meta: FakeMeta) -> None:
    client = GraphClient(base_url="https://graph.facebook.com", version="v26.0", app_secret="s")
    meta.answer("POST", "oauth/access_token", "token_short")
    client.post("oauth/access_token", {"code": "x"})
    (request,) = meta.calls()
    assert "Authorization" not in request.headers
    assert sent(request) == {"code": "x"}


def test_the_environment_sets_neither_proxy_nor_credentials(
    meta: FakeMeta,
    client: GraphClient,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine graph.facebook.com login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    meta.answer("GET", "me", "identity")
    client.get("me")
    (request,) = meta.calls()
    assert not request.req_kwargs["proxies"]  # type: ignore[attr-defined]
    assert request.headers["Authorization"].startswith("Bearer ")


def test_cookies_of_meta_are_not_kept(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "me", "identity", headers={"Set-Cookie": "a=b"})
    client.get("me")
    client.get("me")
    assert "Cookie" not in meta.calls()[1].headers


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"<html>Sorry, something went wrong</html>", 200, "not a JSON object"),
        (b'{"data": [{"id": "1"', 200, "not a JSON object"),
        (b"[1, 2]", 200, "not a JSON object"),
        (b'"text"', 200, "not a JSON object"),
        (b"", 204, "not a JSON object"),
        (b"\xff\xfe", 200, "not a JSON object"),
        (b"[" * 200_000, 200, "not a JSON object"),
        (b"{}", 500, "unexpected HTTP 500"),
        (b'{"error": "text"}', 200, "unexpected HTTP 200"),
        (b"{}", 302, "unexpected HTTP 302"),
        (b"moved", 301, "not a JSON object (HTTP 301)"),
    ],
)
def test_unusable_answers(
    meta: FakeMeta, client: GraphClient, body: bytes, status: int, words: str
) -> None:
    meta.answer("POST", "me", body, status, headers={"Location": "https://elsewhere.example/"})
    with pytest.raises(GraphUnavailableError) as caught:
        client.post("me", {})
    assert words in str(caught.value)
    assert len(meta.calls()) == 1


def test_too_large_an_answer_is_dropped(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "me", b'{"a": "' + b"x" * transport.MAX_ANSWER_BYTES + b'"}')
    with pytest.raises(GraphUnavailableError, match="larger"):
        client.get("me")


def test_a_trickling_answer_is_dropped(
    meta: FakeMeta, client: GraphClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "DEADLINE_SECONDS", -1.0)
    meta.answer("GET", "me", "identity")
    with pytest.raises(GraphUnavailableError, match="in time"):
        client.get("me")


DNS = MaxRetryError(None, "/v26.0/me?x=secretvalue", NameResolutionError("h", None, OSError()))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("failure", "words", "tries"),
    [
        (requests.ConnectTimeout("https://x/secretvalue"), "connection in time", 3),
        (requests.ReadTimeout("https://x/secretvalue"), "did not arrive in time", 1),
        (requests.exceptions.SSLError("https://x/secretvalue"), "TLS", 1),
        (requests.ConnectionError("https://x/secretvalue"), "connection to Meta failed", 3),
        (requests.ConnectionError(DNS), "DNS", 3),
        (requests.exceptions.ChunkedEncodingError("secretvalue"), "could not be made", 1),
    ],
)
def test_failures_have_distinct_words_and_no_secrets(
    meta: FakeMeta, client: GraphClient, failure: Exception, words: str, tries: int
) -> None:
    meta.answer("GET", "me", failure)
    with pytest.raises(GraphUnavailableError) as caught:
        client.get("me", {"fields": "id"})
    assert words in str(caught.value)
    assert len(meta.calls()) == tries
    assert caught.value.__context__ is None
    assert not [word for word in SECRET_WORDS if word in tell_everything(caught.value)]


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_get_survives_two_passing_faults(
    meta: FakeMeta, client: GraphClient, status: int
) -> None:
    for _ in range(2):
        meta.answer("GET", "me", b"busy", status)
    meta.answer("GET", "me", "identity")
    assert client.get("me")["id"] == "10229876543210001"


def test_a_post_is_never_repeated(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("POST", "me", b"busy", 503)
    with pytest.raises(GraphUnavailableError):
        client.post("me", {})
    assert len(meta.calls()) == 1


@pytest.mark.parametrize(("asked", "waited"), [("2", 2.0), ("3600", 3.0), ("soon", 0.0)])
def test_retry_after_is_honoured_up_to_a_few_seconds(
    meta: FakeMeta,
    client: GraphClient,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    waited: float,
) -> None:
    naps: list[float] = []
    monkeypatch.setattr("social_integrations.graph.transport.time.sleep", naps.append)
    meta.answer("GET", "me", b"busy", 503, headers={"Retry-After": asked})
    meta.answer("GET", "me", "identity")
    client.get("me")
    assert naps == [waited]


def test_a_passing_fault_with_an_error_object_ends_as_refused(
    meta: FakeMeta, client: GraphClient
) -> None:
    meta.answer("GET", "me", "error_temporary", 503)
    with pytest.raises(GraphRefusedError) as caught:
        client.get("me")
    assert (caught.value.code, caught.value.subcode) == (2, None)
    assert len(meta.calls()) == 3


def test_error_object_gives_code_and_subcode(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "me", "error_token_expired")
    with pytest.raises(GraphRefusedError) as caught:
        client.get("me")
    assert (caught.value.code, caught.value.subcode) == (190, 463)


@pytest.mark.parametrize(
    ("error", "code"),
    [({}, 0), ({"code": "190"}, 190), ({"code": None}, 0), ({"code": True, "message": []}, 0)],
)
def test_odd_error_objects(
    meta: FakeMeta, client: GraphClient, error: dict[str, Any], code: int
) -> None:
    meta.answer("GET", "me", {"error": error}, 400)
    with pytest.raises(GraphRefusedError) as caught:
        client.get("me")
    assert caught.value.code == code


def test_metas_words_are_scrubbed(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("POST", "me", "error_talkative")
    with pytest.raises(GraphRefusedError) as caught:
        client.post("me", {"code": "Set-Cookie:"})
    text = str(caught.value)
    assert text == "Meta error 190/-: Bad token [hidden] for [hidden] [hidden] [hidden]"
    assert "x" * 40 not in text
    assert text.isprintable()


def test_metas_words_cannot_forge_a_log_line(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "me", {"error": {"code": 1, "message": "two\r\nlines \x1b[31mred\x00"}})
    with pytest.raises(GraphRefusedError) as caught:
        client.get("me")
    assert str(caught.value) == "Meta error 1/-: two lines [31mred"


def test_metas_words_are_cut(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "me", {"error": {"code": 1, "message": "word " * 500}})
    with pytest.raises(GraphRefusedError) as caught:
        client.get("me")
    assert len(str(caught.value)) < 350


@pytest.mark.parametrize(
    "path",
    ["", "../me", "me/..", "a b", "me?access_token=x", "me/", "//evil", "x\n", "é", "a" * 513],
)
def test_an_id_that_cannot_be_one_is_never_called(
    meta: FakeMeta, client: GraphClient, path: str
) -> None:
    with pytest.raises(GraphRefusedError) as caught:
        client.get(path)
    assert caught.value.code == 100
    assert not meta.calls()


def pages_of(*ids: str, after: str, more: bool) -> dict[str, Any]:
    paging: dict[str, Any] = {"cursors": {"after": after}}
    if more:
        paging["next"] = "https://evil.example/steal"
    return {"data": [{"id": one} for one in ids], "paging": paging}


def test_paging_follows_the_cursor_and_no_foreign_address(
    meta: FakeMeta, client: GraphClient
) -> None:
    meta.answer("GET", "me/accounts", pages_of("1", "2", after="A", more=True))
    meta.answer("GET", "me/accounts", pages_of("3", after="B", more=False))
    assert [row["id"] for row in client.paged("me/accounts", {"limit": "2"})] == ["1", "2", "3"]
    first, second = (sent(call) for call in meta.calls("me/accounts"))
    assert "after" not in first
    assert (second["after"], second["limit"]) == ("A", "2")


def test_paging_ends_on_a_repeated_cursor(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "me/accounts", pages_of("1", after="A", more=True))
    assert len(list(client.paged("me/accounts"))) == 2
    assert len(meta.calls()) == 2


def test_paging_has_a_limit(meta: FakeMeta, client: GraphClient) -> None:
    for number in range(5):
        meta.answer("GET", "me/accounts", pages_of("1", after=str(number), more=True))
    assert len(list(client.paged("me/accounts", max_pages=3))) == 3


@pytest.mark.parametrize("token", ["tok\nen", "tokén €"])
def test_a_token_that_fits_no_header_is_not_sent(meta: FakeMeta, token: str) -> None:
    client = GraphClient(base_url="http://127.0.0.1:9", version="v1", app_secret="s", token=token)
    with pytest.raises(GraphUnavailableError):
        client.get("me")


@pytest.mark.parametrize("error", [GraphUnavailableError("x"), GraphRefusedError(1, None, "x")])
def test_both_errors_can_be_caught_as_one(error: Exception) -> None:
    assert isinstance(error, GraphError)


@pytest.mark.parametrize(
    ("header", "moment"),
    [
        ("Sun, 22 Nov 2026 12:00:00 GMT", datetime(2026, 11, 22, 12, tzinfo=UTC)),
        ("Sun, 22 Nov 2026 12:00:00", datetime(2026, 11, 22, 12, tzinfo=UTC)),
        ("yesterday", None),
        ("Sun, 99 Nov 2026 12:00:00 GMT", None),
        ("", None),
    ],
)
def test_metas_clock_is_known_after_a_refusal_too(
    meta: FakeMeta, client: GraphClient, header: str, moment: datetime | None
) -> None:
    meta.answer("GET", "me", "error_token_expired", headers={"Date": header})
    with pytest.raises(GraphRefusedError):
        client.get("me")
    assert client.date == moment
