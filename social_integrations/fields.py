"""A text field that is encrypted in the database, and can be bound to its row.

Formats: `enc1:<Fernet>` holds the text alone. `enc2:<Fernet>` holds the owner's id as well, so that
a ciphertext copied into another row is noticed when it is read there.
"""

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression
from django.db.models.query_utils import DeferredAttribute

from .conf import app_settings
from .exceptions import ConfigurationError, TokenDecryptionError

PREFIX = "enc1:"
BOUND_PREFIX = "enc2:"

OF_ANOTHER_ROW = "A stored token belongs to another account; connect the account again."


class Bound(str):
    """A secret that names its owner: the value another field of its row has."""

    __slots__ = ("owner",)
    owner: str


def bind(text: str, owner: str) -> Bound:
    """Return the secret bound to its owner, as `update()` needs it: that knows no row."""
    bound = Bound(text)
    bound.owner = owner
    return bound


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
    prefix = PREFIX
    if isinstance(plain, Bound):
        prefix, plain = BOUND_PREFIX, f"{plain.owner}\n{plain}"
    return prefix + _fernet(app_settings.TOKEN_ENCRYPTION_KEYS).encrypt(plain.encode()).decode()


def decrypt(stored: str) -> str:
    """Return the plain text, a `Bound` one where it was bound.

    Raises `TokenDecryptionError` rather than ever returning ciphertext.
    """
    plain = _opened(stored, app_settings.TOKEN_ENCRYPTION_KEYS)
    if not stored.startswith(BOUND_PREFIX):
        return plain
    owner, _, text = plain.partition("\n")
    return bind(text, owner)


def is_current(stored: str) -> bool:
    """Return whether the first configured key encrypted it."""
    try:
        _opened(stored, app_settings.TOKEN_ENCRYPTION_KEYS[:1])
    except TokenDecryptionError:
        return False
    return True


def _opened(stored: str, keys: tuple[str, ...]) -> str:
    if not stored.startswith((PREFIX, BOUND_PREFIX)):
        raise TokenDecryptionError("A stored token is not encrypted; connect the account again.")
    try:
        return _fernet(keys).decrypt(stored[len(PREFIX) :].encode()).decode()
    except InvalidToken:
        raise TokenDecryptionError(
            "A stored token cannot be decrypted with INSTAGRAM_TOKEN_ENCRYPTION_KEYS. Add the key "
            "it was encrypted with to the list, or connect the account again."
        ) from None


class BoundAttribute(DeferredAttribute):
    """Compares a bound secret with its row whenever it is read from an instance."""

    field: Any

    def __get__(self, instance: models.Model | None, cls: Any = None) -> Any:
        """Return the secret; raise `TokenDecryptionError` if it was made for another row."""
        value = super().__get__(instance, cls)
        if isinstance(value, Bound) and value.owner != getattr(instance, self.field.bound_to):
            raise TokenDecryptionError(OF_ANOTHER_ROW)
        return value

    def __set__(self, instance: models.Model, value: Any) -> None:
        """Keep the value on the instance; with this method `__get__` is asked every time."""
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.TextField):
    """Text kept encrypted; the empty text stays empty. Lookups other than isnull fail.

    `bound_to` names a field of the same model that never changes for a row: the ciphertext then
    holds its value, and cannot be read in another row. `update()` and `bulk_update()` know no row
    and write an unbound text unless they are given one made by `bind`.
    """

    description = "Encrypted text"
    descriptor_class = BoundAttribute
    non_db_attrs = (*models.TextField.non_db_attrs, "bound_to")

    def __init__(self, *args: Any, bound_to: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bound_to = bound_to

    def deconstruct(self) -> Any:
        """Tell migrations about the binding."""
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, kwargs | ({"bound_to": self.bound_to} if self.bound_to else {})

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: FBT001 - Django's
        """Bind what is saved with its row."""
        value = super().pre_save(model_instance, add)
        return self._bound(value, model_instance)

    def _bound(self, value: Any, instance: models.Model) -> Any:
        return bind(value, getattr(instance, self.bound_to)) if self.bound_to and value else value

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way to the database."""
        return encrypt(value) if value else value

    def to_python(self, value: Any) -> Any:
        """Take what a dump holds: the encrypted form."""
        text = super().to_python(value)
        encrypted = text and text.startswith((PREFIX, BOUND_PREFIX))
        return decrypt(text) if encrypted else text

    def value_to_string(self, obj: models.Model) -> str:
        """Give dumps the encrypted form, never the plain one."""
        return str(self.get_prep_value(self._bound(self.value_from_object(obj), obj)) or "")

    def from_db_value(
        self, value: str | None, _expression: Expression, _connection: BaseDatabaseWrapper
    ) -> str | None:
        """Decrypt on the way back."""
        return decrypt(value) if value else value

    def get_lookup(self, lookup_name: str) -> Any:
        """Refuse comparisons: equal texts have different ciphertexts."""
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None
