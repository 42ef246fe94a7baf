"""Whatever JSON arrives, what comes out is something every database accepts."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from social_integrations.events.cleaning import (
    MAX_DEPTH,
    SUSPICIOUS_ESCAPE,
    clean,
    clean_text,
    parse_json,
    storable,
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec=None)), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",  # a byte order mark
        '{"a": 1}'.encode("utf-16"),
        b'{"a": NaN}',
        b"[Infinity]",
        b'"\xed\xa0\x80"',  # a surrogate as raw bytes
        b"\x1f\x8b\x08gzip",
    ],
)
def test_what_is_not_strict_json_in_utf8_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_json(body)


def test_deep_nesting_is_a_recursion_error_of_the_parser() -> None:
    with pytest.raises(RecursionError):
        parse_json(b"[" * 100_000 + b"]" * 100_000)


def test_numbers_no_database_keeps_come_back_as_text() -> None:
    digits = "9" * 5000
    assert parse_json(f"[{digits}, 1e400, -1e400, 12, 1.5]".encode()) == [
        digits,
        "1e400",
        "-1e400",
        12,
        1.5,
    ]


def test_nul_and_lone_surrogates_are_replaced_and_pairs_kept() -> None:
    assert clean_text("a\x00b\ud800c") == "a�b�c"
    assert clean(parse_json(b'{"k\\u0000": ["\\ud83d\\ude00", "\\udc00"]}')) == {"k�": ["😀", "�"]}


def test_nesting_beyond_the_limit_is_kept_as_text() -> None:
    deep: Any = "x"
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert storable(deep, suspicious=False) == deep
    for too_deep in ([[deep]], {"a": {"b": [deep]}}):
        assert storable(too_deep, suspicious=False) == {"raw": json.dumps(too_deep)}


@given(json_values)
def test_bodies_without_suspicious_escapes_need_no_cleaning(value: Any) -> None:
    body = json.dumps(value).encode()
    if not SUSPICIOUS_ESCAPE.search(body):
        assert clean(parse_json(body)) == parse_json(body)


@given(json_values)
def test_cleaned_values_are_stable_and_encodable(value: Any) -> None:
    cleaned = clean(value)
    assert clean(cleaned) == cleaned
    text = json.dumps(cleaned, ensure_ascii=False)
    assert "\x00" not in text
    text.encode()
