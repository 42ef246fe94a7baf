"""Webhook signatures: pure, over the raw bytes, constant time."""

import hashlib
import hmac
import re
from collections.abc import Sequence

SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})", re.ASCII)


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
