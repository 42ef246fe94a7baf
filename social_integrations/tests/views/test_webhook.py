"""Meta's door from outside: the handshake, signatures, sizes, hostile bodies."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.db import DataError, InterfaceError, OperationalError, connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from social_integrations.graph.signatures import sign
from social_integrations.models import WebhookEvent
from social_integrations.services.refusals import counts_today
from social_integrations.tests import payloads
from social_integrations.tests.payloads import WEBHOOK, encode, post, text_payload

pytestmark = pytest.mark.django_db

TOKEN = "test-verify-token-0123456789abcdefgh"
SECRET = "test-app-secret-0123456789abcdef"


@pytest.fixture(autouse=True)
def _fresh_counters() -> None:
    cache.clear()


def handshake(client: Client, query: str) -> Any:
    return client.get(f"{WEBHOOK}?{query}")


GOOD = f"hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={TOKEN}"


class TestHandshake:
    def test_the_challenge_comes_back_as_plain_text(self, client: Client) -> None:
        response = handshake(client, GOOD)
        assert (response.status_code, response.content) == (200, b"1158201444")
        assert response["Content-Type"].startswith("text/plain")
        assert response["X-Content-Type-Options"] == "nosniff"

    def test_as_the_guide_types_it(self, client: Client) -> None:
        query = f"hub.mode=subscribe&hub.challenge=test&hub.verify_token={TOKEN}"
        assert handshake(client, query).content == b"test"

    @pytest.mark.parametrize(
        "query",
        [
            "",
            GOOD.replace("subscribe", "unsubscribe"),
            GOOD.replace(TOKEN, "wrong"),
            GOOD.replace(TOKEN, ""),
            GOOD.replace(TOKEN, "%C3%A9%00"),
            GOOD.replace("1158201444", "%3Cscript%3Ealert(1)%3C/script%3E"),
            GOOD.replace("1158201444", ""),
            GOOD.replace("1158201444", "1" * 256),
            GOOD.replace("1158201444", "%D9%A1"),  # a digit, but not an ASCII one
            GOOD.replace("1158201444", "1%0A"),
            GOOD + "&hub.challenge=2",
            GOOD + f"&hub.verify_token={TOKEN}",
            GOOD.replace("hub.challenge", "hub_challenge"),
            GOOD.replace("hub.challenge", "hub.challenge[]"),
            GOOD + "&a=1" * 2000,
        ],
    )
    def test_anything_else_is_403_and_nothing_is_echoed(self, client: Client, query: str) -> None:
        response = handshake(client, query)
        assert response.status_code == 403
        assert response.content == b"Forbidden: the webhook handshake does not match.\n"

    def test_without_a_configured_token_nobody_gets_in(
        self, client: Client, settings: Settings
    ) -> None:
        settings.INSTAGRAM_WEBHOOK_VERIFY_TOKEN = ""
        assert handshake(client, GOOD.replace(TOKEN, "")).status_code == 403

    def test_one_of_several_tokens_is_enough(self, client: Client, settings: Settings) -> None:
        settings.INSTAGRAM_WEBHOOK_VERIFY_TOKEN = ["other", TOKEN]
        assert handshake(client, GOOD).status_code == 200


class TestSignature:
    def test_a_signed_delivery_is_kept(self, client: Client) -> None:
        response = payloads.deliver(client, "text")
        assert (response.status_code, response.content) == (200, b"EVENT_RECEIVED")
        event = WebhookEvent.objects.get()
        assert (event.kind, event.status) == ("message", "received")
        assert event.payload["message"]["text"] == "Is it in stock?"

    def test_the_raw_bytes_count_not_their_meaning(self, client: Client) -> None:
        body = encode(payloads.load("text_georgian_emoji"))
        assert b"\\u10d2" in body
        assert b"\\/" in body
        assert post(client, body).status_code == 200
        reencoded = json.dumps(json.loads(body), ensure_ascii=False).encode()
        assert post(client, reencoded, sign(body, SECRET)).status_code == 403

    BODY = encode(text_payload("m-1"))
    DIGEST = sign(BODY, SECRET).removeprefix("sha256=")

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "sha256=",
            "sha256=" + "0" * 64,
            DIGEST,
            "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest(),
            "sha256=" + DIGEST.upper(),
            "SHA256=" + DIGEST,
            "sha256=" + DIGEST[:-1],
            "sha256=" + DIGEST + "0",
            f"sha256={DIGEST},sha256={DIGEST}",
            "sha256=" + "é" * 64,
            "sha256=" + "٣" * 64,
        ],
    )
    def test_any_other_header_is_403_and_nothing_is_stored(
        self, client: Client, header: str
    ) -> None:
        response = post(client, self.BODY, header)
        assert response.status_code == 403
        assert response.content == b"Forbidden: the signature does not match.\n"
        assert not WebhookEvent.objects.exists()

    def test_sha1_alone_is_not_enough(self, client: Client) -> None:
        digest = hmac.new(SECRET.encode(), self.BODY, hashlib.sha1).hexdigest()
        response = client.post(
            WEBHOOK,
            self.BODY,
            content_type="application/json",
            headers={"X-Hub-Signature": f"sha1={digest}"},
        )
        assert response.status_code == 403

    @pytest.mark.parametrize("secret", ["", [], [""], None])
    def test_without_a_secret_everything_is_refused(
        self, client: Client, settings: Settings, secret: Any
    ) -> None:
        settings.INSTAGRAM_APP_SECRET = secret
        for key in ("", "None", SECRET):
            assert post(client, self.BODY, sign(self.BODY, key)).status_code == 403

    def test_while_a_secret_is_replaced_both_count(
        self, client: Client, settings: Settings
    ) -> None:
        settings.INSTAGRAM_APP_SECRET = ["new-secret", SECRET]
        assert post(client, self.BODY, sign(self.BODY, SECRET)).status_code == 200
        assert post(client, self.BODY, sign(self.BODY, "new-secret")).status_code == 200

    @pytest.mark.parametrize("method", ["put", "delete", "patch", "head", "options"])
    def test_other_methods_are_not_for_this_door(self, client: Client, method: str) -> None:
        assert getattr(client, method)(WEBHOOK).status_code == 405


HOSTILE = {
    "deep arrays": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "nested 500": b"[" * 500 + b"]" * 500,
    "long integer": b'{"entry":[{"id":' + b"9" * 5000 + b"}]}",
    "overflowing float": b'{"entry":[{"id":1e400}]}',
    "lone surrogate": b'{"entry":[{"id":"\\ud800","messaging":[{"message":{"text":"\\udfff"}}]}]}',
    "nul": b'{"entry":[{"id":"\\u0000","messaging":[{"message":{"mid":"\\u0000"}}]}]}',
    "duplicate keys": b'{"entry":[],"entry":[{"id":"1","id":"2"}]}',
    "long id": b'{"entry":[{"id":"' + b"x" * 6000 + b'","messaging":[{"sender":{"id":"5"}}]}]}',
    "long mid": encode(text_payload("m" * 6000)),
    "odd times": encode(text_payload("m-9", timestamp=2**63)),
    "boolean time": encode(text_payload("m-9", timestamp=True)),
    "scalars": b"null",
    "text": b'"hello"',
    "number": b"5",
    "empty object": b"{}",
    "empty list": b"[]",
}


class TestOddBodies:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_signed_but_odd_is_200_and_kept(self, client: Client, name: str) -> None:
        assert post(client, HOSTILE[name]).status_code == 200
        assert WebhookEvent.objects.exists()

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"a=b", b"\xff", b'{"a": NaN}', '{"a":1}'.encode("utf-16")]
    )
    def test_not_json_is_400(self, client: Client, body: bytes) -> None:
        response = post(client, body)
        assert (response.status_code, response.content) == (400, b"The delivery is not JSON.\n")

    @pytest.mark.parametrize("name", payloads.names())
    def test_every_fixture_is_stored_once_however_often_it_comes(
        self, client: Client, name: str
    ) -> None:
        for _ in range(3):
            assert payloads.deliver(client, name).status_code == 200
        keys = list(WebhookEvent.objects.values_list("event_key", flat=True))
        assert keys
        assert len(keys) == len(set(keys)) <= 3


class TestSize:
    def test_metas_largest_batch_is_beyond_djangos_own_limit_and_fits(self, client: Client) -> None:
        payload = payloads.batch_payload(1000)
        for item in payload["entry"][0]["messaging"]:
            item["message"]["text"] = "x" * 3000
        body = encode(payload)
        assert len(body) > 3_000_000
        assert post(client, body).status_code == 200
        assert WebhookEvent.objects.count() == 1000

    def test_more_items_than_one_statement_takes(self, client: Client) -> None:
        body = encode({"entry": [{"id": str(number)} for number in range(2500)]})
        assert post(client, body).status_code == 200
        assert WebhookEvent.objects.count() == 2500

    def test_too_large_is_413_by_its_header(self, client: Client) -> None:
        response = post(client, b"{}", CONTENT_LENGTH=str(9 * 1024 * 1024))
        assert (response.status_code, response.content) == (413, b"The delivery is too large.\n")

    def test_too_large_is_413_by_its_bytes(self, client: Client, settings: Settings) -> None:
        settings.INSTAGRAM_WEBHOOK_MAX_BYTES = 100
        body = b'"' + b"x" * 98 + b'"'
        assert post(client, body).status_code == 200
        assert post(client, body + b" ").status_code == 413


@pytest.mark.parametrize("count", [1, 100, 1000])
def test_one_statement_whatever_the_number_of_events(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    body = encode(payloads.batch_payload(count))
    with django_assert_num_queries(1):
        assert post(client, body).status_code == 200
    assert WebhookEvent.objects.count() == count


@pytest.mark.parametrize("failure", [OperationalError, InterfaceError, DataError])
def test_while_the_database_refuses_meta_is_asked_to_repeat(
    client: Client, failure: type[Exception]
) -> None:
    def refuse(*_: Any) -> None:
        raise failure("secret detail of the database")

    with connection.execute_wrapper(refuse):
        response = post(client, encode(text_payload("m-1")))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.content == b"The database is not available; please repeat.\n"


class LostCache(BaseCache):
    """Fails as a cache does whose server is gone."""

    def __init__(self, _server: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def add(self, *_: Any, **__: Any) -> Any:
        raise ConnectionRefusedError

    get = set = incr = add


class TestRefusals:
    def test_they_are_counted_by_reason(self, client: Client) -> None:
        post(client, b"{}", "sha256=0")
        post(client, b"{")
        handshake(client, "")
        assert counts_today() == {"signature": 1, "not_json": 1, "handshake": 1}

    def test_an_address_that_is_refused_too_often_gets_429(
        self, client: Client, settings: Settings
    ) -> None:
        settings.INSTAGRAM_WEBHOOK_REFUSED_RATE = "3/min"
        answers = [post(client, b"{}", "wrong").status_code for _ in range(5)]
        assert answers == [403, 403, 403, 429, 429]
        other = post(client, b"{}", "wrong", REMOTE_ADDR="10.9.8.7")
        assert other.status_code == 403

    def test_signed_deliveries_are_never_limited(self, client: Client, settings: Settings) -> None:
        settings.INSTAGRAM_WEBHOOK_REFUSED_RATE = "1/min"
        for _ in range(4):
            post(client, b"{}", "wrong")
        assert post(client, encode(text_payload("m-1"))).status_code == 200
        assert post(client, b"{").status_code == 400

    def test_forwarded_addresses_count_only_behind_counted_proxies(
        self, client: Client, settings: Settings
    ) -> None:
        settings.INSTAGRAM_WEBHOOK_REFUSED_RATE = "1/min"
        spoofed = [
            post(client, b"{}", "wrong", HTTP_X_FORWARDED_FOR=f"1.1.1.{number}").status_code
            for number in range(3)
        ]
        assert spoofed == [403, 429, 429]
        settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
        behind = [
            post(client, b"{}", "x", HTTP_X_FORWARDED_FOR=f"6.6.6.6, 2.2.2.{n}").status_code
            for n in (1, 1, 2)
        ]
        assert behind == [403, 429, 403]

    def test_a_lost_cache_changes_no_answer(self, client: Client, settings: Settings) -> None:
        settings.CACHES = {"default": {"BACKEND": f"{__name__}.LostCache"}}
        assert post(client, b"{}", "wrong").status_code == 403
        assert post(client, b"{").status_code == 400
        assert post(client, encode(text_payload("m-1"))).status_code == 200

    def test_the_limit_can_be_switched_off(self, client: Client, settings: Settings) -> None:
        settings.INSTAGRAM_WEBHOOK_REFUSED_RATE = "off"
        assert {post(client, b"{}", "x").status_code for _ in range(10)} == {403}
