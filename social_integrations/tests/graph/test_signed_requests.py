"""`signed_request`: only what a secret of ours signed is read, whatever else is sent."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from social_integrations.exceptions import SignedRequestError
from social_integrations.graph.signatures import SIGNED_REQUEST_LENGTH, read_signed_request
from social_integrations.tests.payloads import base64url, signed_request

SECRET = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"


def signed(content: bytes, secret: str = SECRET) -> str:
    """Return any payload, well signed."""
    encoded = base64url(content)
    return f"{base64url(hmac.digest(secret.encode(), encoded.encode(), 'sha256'))}.{encoded}"


def refused(text: str, secrets: list[str] | None = None) -> bool:
    try:
        read_signed_request(text, [SECRET] if secrets is None else secrets)
    except SignedRequestError as error:
        return str(error) == ""  # nothing of what was sent
    return False


def test_what_meta_documents_is_read() -> None:
    text = signed_request("9000000001", SECRET, 1795340000, expires=1795343600)
    found = read_signed_request(text, [SECRET])
    assert found.user_id == "9000000001"
    assert found.issued_at == datetime.fromtimestamp(1795340000, UTC)


def test_any_of_several_secrets_may_have_signed() -> None:
    assert not refused(signed_request("1", SECRET), [OTHER, "", SECRET])
    assert refused(signed_request("1", SECRET), [OTHER])


@pytest.mark.parametrize("secrets", [[], [""], ["", ""]])
def test_without_a_secret_everything_is_refused(secrets: list[str]) -> None:
    encoded = base64url(b'{"algorithm":"HMAC-SHA256","user_id":"1"}')
    empty = base64url(hmac.digest(b"", encoded.encode(), "sha256"))
    assert refused(f"{empty}.{encoded}", secrets)


@pytest.mark.parametrize("filler", ["", "a", "aa"])
def test_padding_may_be_there(filler: str) -> None:
    content = json.dumps({"algorithm": "HMAC-SHA256", "user_id": "7", "x": filler}).encode()
    encoded = urlsafe_b64encode(content).decode()
    digest = hmac.digest(SECRET.encode(), encoded.encode(), "sha256")
    text = f"{urlsafe_b64encode(digest).decode()}.{encoded}"
    assert read_signed_request(text, [SECRET]).user_id == "7"


def test_the_signature_is_over_the_encoded_text_without_padding() -> None:
    content = b'{"algorithm":"HMAC-SHA256","user_id":"7"}'
    padded, encoded = urlsafe_b64encode(content).decode(), base64url(content)
    assert padded != encoded
    for wrong in (content, padded.encode()):
        digest = base64url(hmac.digest(SECRET.encode(), wrong, "sha256"))
        assert refused(f"{digest}.{encoded}")


@pytest.mark.parametrize(
    "algorithm",
    ["hmac-sha256", "HMAC-SHA1", "HMAC-SHA256 ", "none", "", None, ["HMAC-SHA256"], {"a": 1}, 256],
)
def test_any_other_algorithm_is_refused(algorithm: Any) -> None:
    assert refused(signed_request("7", SECRET, algorithm=algorithm))


def test_another_hash_is_refused() -> None:
    encoded = base64url(b'{"algorithm":"HMAC-SHA256","user_id":"7"}')
    for name in ("sha1", "sha512", "md5"):
        digest = hmac.new(SECRET.encode(), encoded.encode(), getattr(hashlib, name)).digest()
        assert refused(f"{base64url(digest)}.{encoded}")


@pytest.mark.parametrize(
    "user_id",
    [
        "",
        None,
        True,
        False,
        1.5,
        [],
        {},
        ["7"],
        "7\n",
        "7 8",
        "\x00",
        "\u0667",
        "x" * 65,
        -(10**80),
    ],
)
def test_a_payload_that_names_nobody_is_refused(user_id: Any) -> None:
    assert refused(signed_request(user_id, SECRET))


def test_a_number_is_an_id_as_well() -> None:
    assert read_signed_request(signed_request(9000000001, SECRET), [SECRET]).user_id == "9000000001"


@pytest.mark.parametrize("issued_at", [None, "soon", [], 10**30, float("inf"), float("nan"), {}])
def test_an_odd_time_is_no_time(issued_at: Any) -> None:
    text = signed_request("7", SECRET, issued_at)
    assert read_signed_request(text, [SECRET]).issued_at is None


@pytest.mark.parametrize("issued_at", [0, "1795340000", 1500000000])
def test_age_is_not_judged(issued_at: Any) -> None:
    assert read_signed_request(signed_request("7", SECRET, issued_at), [SECRET]).issued_at


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b'"x"', b"{", b"\xff\xfe", b"[" * 5000, b"1" * 5000, b'{"user_id":"7"}'],
)
def test_well_signed_nonsense_is_refused(content: bytes) -> None:
    assert refused(signed(content))


@pytest.mark.parametrize(
    "change",
    [
        lambda _text: "",
        lambda text: text.replace(".", ""),
        lambda text: text.replace(".", ".."),
        lambda text: f".{text.partition('.')[2]}",
        lambda text: f"{text.partition('.')[0]}.",
        lambda text: f"{text}.{text}",
        lambda text: f" {text}",
        lambda text: f"{text}\n",
        lambda text: f"{text}=",
        lambda text: f"{text}===",
        lambda text: text + "\x00",
        lambda text: text.replace(".", "\uff0e"),
        lambda text: text + "A" * SIGNED_REQUEST_LENGTH,
        lambda text: f"{text.partition('.')[0][:-6]}.{text.partition('.')[2]}",
        lambda text: f"A.{text.partition('.')[2]}",
        lambda text: f"{'ab' * 32}.{text.partition('.')[2]}",
    ],
)
def test_only_the_exact_form_is_accepted(change: Callable[[str], str]) -> None:
    text = signed_request("7", SECRET)
    assert not refused(text)
    assert refused(change(text))


def test_the_other_alphabet_of_base64_is_refused() -> None:
    texts = (signed_request(str(number), SECRET) for number in range(50))
    odd = next(text for text in texts if "-" in text or "_" in text)
    assert not refused(odd)
    assert refused(odd.replace("-", "+").replace("_", "/"))


@given(data=st.data())
def test_any_changed_letter_is_refused(data: st.DataObject) -> None:
    text = signed_request("7", SECRET)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019-_.=").filter(lambda found: found != text[place]))
    changed = text[:place] + letter + text[place + 1 :]
    # The last letter of the signature has two bits that mean nothing.
    assert refused(changed) or place == text.index(".") - 1


@given(text=st.text(max_size=300))
def test_whatever_a_stranger_sends_is_refused_without_an_error(text: str) -> None:
    assert refused(text)
    assert refused(f"{text}.{text}")
    assert refused(signed(text.encode("utf-8", "surrogatepass"), OTHER))


@given(content=st.binary(max_size=200))
def test_whatever_is_well_signed_is_read_or_refused(content: bytes) -> None:
    assert refused(signed(content))


@given(user_id=st.text(max_size=80))
def test_every_id_is_taken_whole_or_not_at_all(user_id: str) -> None:
    text = signed(json.dumps({"algorithm": "HMAC-SHA256", "user_id": user_id}).encode())
    if not refused(text):
        assert read_signed_request(text, [SECRET]).user_id == user_id
