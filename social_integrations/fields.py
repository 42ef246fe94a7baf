"""A text field that is encrypted in the database."""

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression

from .conf import app_settings
from .exceptions import ConfigurationError, TokenDecryptionError

PREFIX = "enc1:"


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise ConfigurationError(
            "INSTAGRAM_TOKEN_ENCRYPTION_KEYS must hold at least one Fernet key (32 bytes, "
            "url-safe base64). Make one with `python manage.py make_encryption_key`."
        ) from None


def encrypt(plain: str) -> str:
    """Return the text encrypted with the first configured key, marked with its format."""
    return PREFIX + _fernet(app_settings.TOKEN_ENCRYPTION_KEYS).encrypt(plain.encode()).decode()


def decrypt(stored: str) -> str:
    """Return the plain text; raise `TokenDecryptionError` rather than ever returning ciphertext."""
    if not stored.startswith(PREFIX):
        raise TokenDecryptionError("A stored token is not encrypted; connect the account again.")
    fernet = _fernet(app_settings.TOKEN_ENCRYPTION_KEYS)
    try:
        return fernet.decrypt(stored.removeprefix(PREFIX).encode()).decode()
    except InvalidToken:
        raise TokenDecryptionError(
            "A stored token cannot be decrypted with INSTAGRAM_TOKEN_ENCRYPTION_KEYS. Add the key "
            "it was encrypted with to the list, or connect the account again."
        ) from None


class EncryptedTextField(models.TextField):
    """Text kept as `enc1:<Fernet>`; the empty text stays empty. Lookups other than isnull fail."""

    description = "Encrypted text"

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way to the database."""
        return encrypt(value) if value else value

    def to_python(self, value: Any) -> Any:
        """Take what a dump holds: the encrypted form."""
        text = super().to_python(value)
        return decrypt(text) if text and text.startswith(PREFIX) else text

    def value_to_string(self, obj: models.Model) -> str:
        """Give dumps the encrypted form, never the plain one."""
        return str(self.get_prep_value(self.value_from_object(obj)) or "")

    def from_db_value(
        self, value: str | None, _expression: Expression, _connection: BaseDatabaseWrapper
    ) -> str | None:
        """Decrypt on the way back."""
        return decrypt(value) if value else value

    def get_lookup(self, lookup_name: str) -> Any:
        """Refuse comparisons: equal texts have different ciphertexts."""
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None
