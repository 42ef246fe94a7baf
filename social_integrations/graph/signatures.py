"""Signatures of webhooks and of `signed_request`: pure, over what was sent, constant time."""

import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from social_integrations.exceptions import SignedRequestError

SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})", re.ASCII)
# Meta's have a few hundred characters.
SIGNED_REQUEST_LENGTH = 8_192
SIGNED_REQUEST = re.compile(r"([A-Za-z0-9_-]+)={0,2}\.(([A-Za-z0-9_-]+)={0,2})", re.ASCII)
ALGORITHM = "HMAC-SHA256"
USER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What Meta says in a `signed_request`: about whom, and when it was written."""

    user_id: str
    """App-scoped: a Facebook user, or with Instagram Login by analogy the account. Not an IGSID."""
    issued_at: datetime | None


def sign(body: bytes, secret: str) -> str:
    """Return the `X-Hub-Signature-256` value Meta sends for this body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_signed(body: bytes, header: str, secrets: Sequence[str]) -> bool:
    """Return whether the header signs these exact bytes with one of the secrets.

    Meta: SHA-256 over the raw body with the app secret. Anything but `sha256=` and 64 lowercase
    hex digits is refused, and so is everything while no secret is configured.
    """
    match = SIGNATURE.fullmatch(header)
    if match is None:
        return False
    given = match[1].encode()
    expected = [hmac.new(key.encode(), body, hashlib.sha256).hexdigest() for key in secrets if key]
    # Every secret is tried, so that the time does not tell which one matched.
    return any([hmac.compare_digest(given, digest.encode()) for digest in expected])


def matches_any(given: str, accepted: Sequence[str]) -> bool:
    """Return whether the text equals one of the accepted ones, compared in constant time."""
    candidate = given.encode("utf-8", "surrogatepass")
    return any([hmac.compare_digest(candidate, token.encode()) for token in accepted if token])


def read_signed_request(text: str, secrets: Sequence[str]) -> SignedRequest:
    """Return what one of the secrets signed; raise `SignedRequestError` for anything else.

    Meta: base64url(signature), a dot, base64url(payload); the signature is HMAC-SHA256 over the
    payload **as encoded**. Padding is usually missing and may be there. Age is not judged: Meta
    repeats what it could not deliver.
    """
    match = SIGNED_REQUEST.fullmatch(text) if len(text) <= SIGNED_REQUEST_LENGTH else None
    if match is None:
        raise SignedRequestError
    given, encoded, payload = match[1], match[2], match[3]
    expected = [hmac.digest(key.encode(), encoded.encode(), "sha256") for key in secrets if key]
    found = _decode(given)
    # Every secret is tried, so that the time does not tell which one matched.
    if not any([hmac.compare_digest(found, digest) for digest in expected]):
        raise SignedRequestError
    return _read_payload(_decode(payload))


def _decode(part: str) -> bytes:
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:  # a length base64 never has
        raise SignedRequestError from None


def _read_payload(content: bytes) -> SignedRequest:
    try:
        payload = json.loads(content)
    except (ValueError, RecursionError):
        raise SignedRequestError from None
    if not isinstance(payload, dict) or payload.get("algorithm") != ALGORITHM:
        raise SignedRequestError
    user_id = payload.get("user_id")
    # Meta writes ids as text; a number says the same.
    name = str(user_id) if type(user_id) in (str, int) else ""
    if not USER_ID.fullmatch(name):
        raise SignedRequestError
    return SignedRequest(user_id=name, issued_at=_time(payload.get("issued_at")))


def _time(seconds: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
