"""The OpenAPI document: valid, complete, true; and no odd value finds a hole."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisCase
from jsonschema import Draft4Validator

from social_integrations.api.schema import document
from social_integrations.tests.api.calls import call, make_agent, make_thread
from social_integrations.tests.factories import make_contact, make_message, make_superuser

DOCUMENT = "/api/schema/"


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and description of every operation."""
    for path, methods in json.loads(document())["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


OPERATIONS = [pytest.param(*one, id=f"{one[0]} {one[1]}") for one in operations()]
# Looked at by their own tests: these call Meta, or other programs.
CALLS_OUT = ("/health/", "/sync/", "/disconnect/")

TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "\x00", "\ud800", "null", "true", "me", "none", "-1", "0", "1", "9" * 30, "1e400",
         "NaN", "💬", "ქარ", "%00", "../..", "'\"<b>", "{{x}}", "A" * 22, "x" * 5000]
    ),
    st.text(max_size=20),
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-2, 2), st.floats(allow_nan=False), TEXTS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema, its references followed, as JSON Schema has it."""
    whole = json.loads(document())

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(one) for one in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return walk(whole["components"]["schemas"][value["$ref"].rpartition("/")[2]])
        found = {name: walk(one) for name, one in value.items() if name != "nullable"}
        return {"anyOf": [found, {"type": "null"}]} if value.get("nullable") else found

    walked: dict[str, Any] = walk(schema)
    return walked


def check_answer(operation: dict[str, Any], answer: Any) -> None:
    """Fail unless the answer's status is documented and its body has the documented shape."""
    documented = operation["responses"].get(str(answer.status_code))
    assert documented is not None, (answer.status_code, answer.content)
    content = documented.get("content")
    if content:
        schema = resolved(content["application/json"]["schema"])
        Draft4Validator(schema).validate(json.loads(answer.content))
    else:
        assert answer.content == b""


def test_the_document_is_valid_and_without_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, file="/dev/null")
    assert capsys.readouterr().err == ""


def test_the_document_is_served_and_cheap_to_ask_for_again(client: Client) -> None:
    first = client.get(DOCUMENT)
    assert first.json()["openapi"].startswith("3.")
    assert client.get(DOCUMENT, headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert client.post(DOCUMENT).status_code == 405


def test_the_page_loads_nothing_but_our_own_files(client: Client) -> None:
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert "script-src 'self'" in page["Content-Security-Policy"]
    assert "<style" not in page.text
    assert "data:" not in client.get("/login/")["Content-Security-Policy"]
    assert page.text.count("<script ") == page.text.count('<script src="/static/') == 2
    assert "//" not in page.text.replace("<!doctype", "")


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_every_operation_names_its_errors_in_one_shape(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    error = {"$ref": "#/components/schemas/ErrorAnswer"}
    codes = operation["responses"]
    for code, described in codes.items():
        if int(code) >= 400:
            assert described["content"]["application/json"]["schema"] == error, code
    if not path.startswith("/api/auth/"):
        assert {"401", "403"} <= codes.keys()
    assert ("404" in codes) == ("{" in path)
    assert operation["description"]
    assert operation["tags"] != ["other"]


def test_bodies_say_that_they_take_no_other_fields() -> None:
    for method, path, operation in operations():
        content = operation.get("requestBody", {}).get("content", {})
        for kind, body in content.items():
            schema = resolved(body["schema"])
            is_open = path.startswith("/api/auth/") or path.endswith("/oauth/start/")
            assert ("additionalProperties" in schema) != is_open, (method, path, kind)


class TestOddValues(HypothesisCase):
    """Every operation, called with what nobody should send, answers as it says it does."""

    def setUp(self) -> None:
        cache.clear()
        self.user = make_superuser()
        thread = make_thread(contact=make_contact())
        own = make_message(conversation=thread, direction="outbound", status="failed", source="crm")
        self.keys = [thread.pk, own.pk, thread.contact.account_id]

    @settings(suppress_health_check=[HealthCheck.too_slow])
    @given(data=st.data())
    def test_no_odd_value_finds_a_hole(self, data: st.DataObject) -> None:
        cache.clear()
        method, path, operation = data.draw(
            st.sampled_from([one for one in operations() if not one[1].endswith(CALLS_OUT)])
        )
        fields = self.fields_of(operation)
        names = st.one_of(st.sampled_from(fields), TEXTS) if fields else TEXTS
        answer = call(
            self.user,
            method,
            self.address(data, path, operation),
            *([data.draw(self.bodies(names))] if method in ("POST", "PUT", "PATCH") else []),
        )
        check_answer(operation, answer)

    def address(self, data: st.DataObject, path: str, operation: dict[str, Any]) -> str:
        key = st.one_of(
            st.sampled_from(self.keys), st.integers(-2, 10**25), st.sampled_from(["null", "0x1"])
        )
        for name in ("{id}", "{account_id}", "{pk}"):
            path = path.replace(name, str(data.draw(key)) if name in path else "")
        known = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
        if not known:
            return path
        pairs = data.draw(st.lists(st.tuples(st.sampled_from([*known, "odd"]), TEXTS), max_size=3))
        query = "&".join(f"{name}={quote(text, errors='ignore')}" for name, text in pairs)
        return f"{path}?{query}"

    @staticmethod
    def fields_of(operation: dict[str, Any]) -> list[str]:
        content = operation.get("requestBody", {}).get("content", {})
        found = content.get("application/json") or {}
        return list(resolved(found.get("schema", {})).get("properties", {}))

    @staticmethod
    def bodies(names: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
        values = st.one_of(
            VALUES,
            st.lists(st.dictionaries(st.sampled_from(FILE_FIELDS), VALUES, max_size=3), max_size=3),
            st.integers(1, 5),
        )
        return st.one_of(st.dictionaries(names, values, max_size=4), VALUES).map(as_body)


FILE_FIELDS = ("upload", "url", "type", "title", "payload", "name")


def as_body(value: Any) -> Any:
    """Return a body the test's client sends as JSON."""
    return value if isinstance(value, dict | list) else json.dumps(value)


@pytest.mark.django_db
def test_true_answers_have_the_documented_shape() -> None:
    user, thread = make_agent(), make_thread()
    by_name = {(method, path): operation for method, path, operation in operations()}
    base = "/api/social/instagram/"
    start = call(user, "GET", "updates/").json()["cursor"]
    for method, path, address, body in (
        ("GET", "connection/status/", None, None),
        ("GET", "accounts/", None, None),
        ("GET", "accounts/{id}/", f"accounts/{thread.contact.account_id}/", None),
        ("GET", "conversations/", None, None),
        ("GET", "conversations/{id}/", f"conversations/{thread.pk}/", None),
        ("PATCH", "conversations/{id}/", f"conversations/{thread.pk}/", {"status": "closed"}),
        ("GET", "conversations/{id}/messages/", f"conversations/{thread.pk}/messages/", None),
        ("POST", "conversations/{id}/notes/", f"conversations/{thread.pk}/notes/", {"text": "x"}),
        ("GET", "conversations/{id}/notes/", f"conversations/{thread.pk}/notes/", None),
        ("GET", "updates/", f"updates/?after={start}", None),
        ("GET", "updates/", None, None),
        ("GET", "canned-replies/", None, None),
    ):
        answer = call(user, method, address or path, body)
        assert answer.status_code < 300
        check_answer(by_name[method, base + path], answer)
