"""Webhook signatures: published vectors, and nothing but the exact bytes is signed."""

import hashlib
import hmac
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from social_integrations.graph.signatures import is_signed, matches_any, sign

SECRET = "0123456789abcdef0123456789abcdef"
# HMAC-SHA-256 test cases 1, 2 and 4 of RFC 4231; the others have keys that are no text.
VECTORS = [
    (
        "\x0b" * 20,
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        "Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        "".join(map(chr, range(1, 26))),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
]
bodies = st.binary(max_size=200)
secrets = st.text(min_size=1, max_size=40)


@pytest.mark.parametrize(("key", "body", "digest"), VECTORS)
def test_published_vectors(key: str, body: bytes, digest: str) -> None:
    assert sign(body, key) == f"sha256={digest}"
    assert is_signed(body, f"sha256={digest}", [key])


@given(body=bodies, secret=secrets)
def test_what_meta_signs_is_accepted(body: bytes, secret: str) -> None:
    header = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert is_signed(body, header, [secret])
    assert is_signed(body, header, ["another", "", secret])


@given(body=st.binary(min_size=1, max_size=200), data=st.data())
def test_any_flipped_bit_of_the_body_is_refused(body: bytes, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, len(body) * 8 - 1))
    changed = bytearray(body)
    changed[bit // 8] ^= 1 << bit % 8
    assert not is_signed(bytes(changed), sign(body, SECRET), [SECRET])


@given(body=bodies, bit=st.integers(0, 255))
def test_any_flipped_bit_of_the_signature_is_refused(body: bytes, bit: int) -> None:
    digest = bytearray.fromhex(sign(body, SECRET).removeprefix("sha256="))
    digest[bit // 8] ^= 1 << bit % 8
    assert not is_signed(body, f"sha256={digest.hex()}", [SECRET])


@given(body=bodies, cut=st.integers(0, 70))
def test_a_body_cut_or_continued_is_refused(body: bytes, cut: int) -> None:
    header = sign(body, SECRET)
    assert not is_signed(body + b" ", header, [SECRET])
    assert not is_signed(body, header[:cut], [SECRET])


@given(body=bodies, secret=secrets, other=secrets)
def test_another_secret_is_refused(body: bytes, secret: str, other: str) -> None:
    # HMAC itself pads short keys with NUL and hashes long ones; no secret of Meta's has either.
    if secret.rstrip("\0") != other.rstrip("\0"):
        assert not is_signed(body, sign(body, secret), [other])


@given(header=st.text(max_size=80))
def test_whatever_a_stranger_sends_is_refused_without_an_error(header: str) -> None:
    assert not is_signed(b"{}", header, [SECRET])
    assert not is_signed(b"{}", f"sha256={header}", [SECRET])


@pytest.mark.parametrize("secrets", [[], [""], ["", ""]])
def test_without_a_secret_nothing_is_signed(secrets: list[str]) -> None:
    assert not is_signed(b"{}", sign(b"{}", ""), secrets)


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda text: f" {text}",
        lambda text: f"{text}\n",
        lambda text: text * 2,
        lambda text: text.replace("sha256", "sha1"),
        lambda text: text.removeprefix("sha256="),
    ],
)
def test_only_the_exact_form_is_accepted(change: Callable[[str], str]) -> None:
    header = sign(b"{}", SECRET)
    assert is_signed(b"{}", header, [SECRET])
    assert not is_signed(b"{}", change(header), [SECRET])


@given(given_text=st.text(max_size=20), accepted=st.lists(st.text(max_size=20), max_size=4))
def test_a_verify_token_matches_exactly_or_not_at_all(given_text: str, accepted: list[str]) -> None:
    assert matches_any(given_text, accepted) is (given_text != "" and given_text in accepted)


@given(token=st.text(min_size=1, max_size=40))
def test_every_accepted_token_matches(token: str) -> None:
    assert matches_any(token, ["another", token])


def test_a_token_that_is_no_text_matches_nothing() -> None:
    assert not matches_any("\ud800", [SECRET])
