"""Encrypt stored secrets again with the first key, while everything goes on working."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.apps import apps
from django.db.models import F, Model, TextField, Value
from django.db.models.functions import Cast

from social_integrations.exceptions import TokenDecryptionError
from social_integrations.fields import (
    BOUND_PREFIX,
    OF_ANOTHER_ROW,
    EncryptedTextField,
    bind,
    decrypt,
    encrypt,
    is_current,
)
from social_integrations.models import ConnectedAccount
from social_integrations.selectors import without_tokens

from .states import Event, move

BATCH_SIZE = 200

EncryptedField: TypeAlias = "EncryptedTextField[Any, Any]"


@dataclass(slots=True)
class Counts:
    """What became of the secrets of one field."""

    rotated: int = 0
    current: int = 0
    """Encrypted with the first key already."""
    changed: int = 0
    """Written by somebody else meanwhile, hence with the first key."""
    unreadable: int = 0


def encrypted_fields() -> Iterator[tuple[type[Model], EncryptedField]]:
    """Yield every encrypted field of every model of the project."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field


def rotate(model: type[Model], field: EncryptedField) -> Counts:
    """Encrypt a field's secrets with the first key, and bind those that are not bound yet.

    Each row is written by a statement of its own, only if its ciphertext is still the one that was
    read: a token refreshed meanwhile stays. What no key can read stays as it is; a connected
    account with such a token has to be connected again. Stop and start again as you like.
    """
    counts, last = Counts(), None
    while rows := _batch(model, field, last):
        for pk, owner, stored in rows:
            outcome = _rotate_one(model, field, pk, owner, stored)
            setattr(counts, outcome, getattr(counts, outcome) + 1)
        last = rows[-1][0]
    return counts


def _batch(model: type[Model], field: EncryptedField, last: Any) -> list[tuple[Any, str, str]]:
    """Read the next rows in the order of their keys, ciphertexts as they are stored."""
    owner = F(field.bound_to) if field.bound_to else Value("")
    rows = _raw(model, field).filter(stored__gt="")
    if last is not None:
        rows = rows.filter(pk__gt=last)
    return list(rows.order_by("pk").values_list("pk", owner, "stored")[:BATCH_SIZE])


def _raw(model: type[Model], field: EncryptedField) -> Any:
    """Annotate rows with the stored text: a cast has no decryption."""
    return model._base_manager.annotate(stored=Cast(field.attname, TextField()))


def _rotate_one(model: type[Model], field: EncryptedField, pk: Any, owner: str, stored: str) -> str:
    """Return which of the counts the row belongs to."""
    try:
        plain = decrypt(stored)
        if getattr(plain, "owner", owner) != owner:
            raise TokenDecryptionError(OF_ANOTHER_ROW)
    except TokenDecryptionError:
        _flag(model, pk)
        return "unreadable"
    bound = stored.startswith(BOUND_PREFIX) or not field.bound_to
    if bound and is_current(stored):
        return "current"
    secret = encrypt(bind(plain, owner) if field.bound_to else plain)
    rows = _raw(model, field).filter(pk=pk, stored=stored)
    written = rows.update(**{field.attname: Value(secret, output_field=TextField())})
    return "rotated" if written else "changed"


def _flag(model: type[Model], pk: Any) -> None:
    if model is ConnectedAccount:
        account = without_tokens(ConnectedAccount.objects.all()).filter(pk=pk).first()
        if account is not None:
            move(account=account, event=Event.TOKEN_UNREADABLE)
