"""Keyed hashes: to recognise an id again without keeping it."""

from django.conf import settings
from django.utils.crypto import salted_hmac


def keyed_hash(purpose: str, value: str) -> str:
    """Return the HMAC-SHA256 of a value under a key made of `SECRET_KEY` and the purpose.

    Nobody can try out ids against it without that key.
    """
    return _hash(purpose, value, settings.SECRET_KEY)


def keyed_hashes(purpose: str, value: str) -> list[str]:
    """Return the hashes to look a value up with: also under `SECRET_KEY_FALLBACKS`.

    So that replacing `SECRET_KEY` the way Django means it forgets nobody.
    """
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [_hash(purpose, value, key) for key in keys]


def _hash(purpose: str, value: str, key: str | bytes) -> str:
    salt = f"social_integrations.{purpose}"
    return salted_hmac(salt, value, secret=key, algorithm="sha256").hexdigest()
