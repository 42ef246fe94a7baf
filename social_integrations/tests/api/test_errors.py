"""Every error has one shape and keeps its headers; hostile bodies are the client's fault."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.test import Client
from rest_framework import exceptions

from social_integrations.api.errors import exception_handler
from social_integrations.api.parsers import MAX_BODY_BYTES

TOKEN = "/api/auth/token/"
STATUS = "/api/social/instagram/connection/status/"


@pytest.fixture(autouse=True)
def _fresh_throttle() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def post(client: Client, body: bytes, content_type: str = "application/json") -> Any:
    return client.generic("POST", TOKEN, body, content_type=content_type)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.PermissionDenied(), 403, "permission_denied"),
        (PermissionDenied("secret reason"), 403, "permission_denied"),
        (exceptions.NotFound(), 404, "not_found"),
        (Http404("secret reason"), 404, "not_found"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.NotAcceptable(), 406, "not_acceptable"),
        (exceptions.UnsupportedMediaType("text/x"), 415, "unsupported_media_type"),
        (exceptions.Throttled(7), 429, "throttled"),
        (exceptions.APIException(), 500, "error"),
        (exceptions.ValidationError("no"), 400, "invalid"),
        (exceptions.ValidationError({"name": ["no"]}), 400, "invalid"),
        (SuspiciousOperation("secret reason"), 400, "parse_error"),
        (RequestDataTooBig("secret reason"), 413, "body_too_large"),
        (OperationalError("secret reason"), 503, "unavailable"),
        (InterfaceError("secret reason"), 503, "unavailable"),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, Exception) else None,
)
def test_shape(error: Exception, status: int, code: str) -> None:
    response = exception_handler(error, {})
    assert response is not None
    assert response.status_code == status
    assert set(response.data) == {"error"}
    assert set(response.data["error"]) == {"code", "message", "details"}
    assert response.data["error"]["code"] == code
    assert response.data["error"]["message"]
    assert "secret" not in json.dumps(response.data, default=str)
    assert response["Cache-Control"] == "no-store"


def test_unavailable_and_throttled_say_when_to_come_back() -> None:
    unavailable = exception_handler(OperationalError(), {})
    throttled = exception_handler(exceptions.Throttled(7), {})
    assert unavailable is not None
    assert throttled is not None
    assert unavailable["Retry-After"] == "5"
    assert throttled["Retry-After"] == "7"
    assert throttled.data["error"]["details"] == {"retry_after": 7}


def test_bugs_stay_bugs() -> None:
    assert exception_handler(ZeroDivisionError(), {}) is None


def test_anonymous_and_wrong_method(client: Client) -> None:
    anonymous = client.get(STATUS)
    assert anonymous.status_code == 401
    assert anonymous["WWW-Authenticate"] == 'Bearer realm="api"'
    assert anonymous.json()["error"]["code"] == "not_authenticated"
    wrong = client.get(TOKEN)
    assert wrong.status_code == 405
    assert wrong.json()["error"]["code"] == "method_not_allowed"


def test_validation_names_the_fields(client: Client) -> None:
    response = post(client, b"{}")
    assert response.status_code == 400
    assert set(response.json()["error"]["details"]) == {"username", "password"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"username":' + b"9" * 5000 + b"}",
        b'{"username":NaN}',
        b"\xff\xfe{",
        b"\xef\xbb\xbf{}",
        b'{"secret-of-mine": }',
    ],
    ids=range(9),
)
def test_unreadable_json_is_400_and_not_echoed(client: Client, body: bytes) -> None:
    response = post(client, body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] in {"parse_error", "invalid"}
    assert b"secret-of-mine" not in response.content


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ],
)
def test_large_bodies_are_413(client: Client, content_type: str) -> None:
    response = post(client, b" " * (MAX_BODY_BYTES + 1), content_type)
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "body_too_large"


def test_json_is_capped_by_bytes_read_when_no_length_is_declared(client: Client) -> None:
    response = client.post(
        TOKEN,
        b" " * (MAX_BODY_BYTES + 1),
        content_type="application/json",
        headers={"Content-Length": ""},
    )
    assert response.status_code in {400, 413}


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("text/plain", 415),
        ("application/xml", 415),
        ("application/json; charset=bz2_codec", 400),
        ("application/json; charset=nonsense", 400),
        ("multipart/form-data", 400),
    ],
)
def test_content_types(client: Client, content_type: str, status: int) -> None:
    assert post(client, b'{"username": "a"}', content_type).status_code == status


def test_too_many_form_fields_are_400(client: Client) -> None:
    body = b"&".join(b"a=1" for _ in range(2000))
    response = post(client, body, "application/x-www-form-urlencoded")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "parse_error"
