"""Input that says what it is: unknown fields are refused, and so is what no database takes."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from social_integrations.services.colleagues import person_key

MAX_ID = 2**63 - 1
MOST_ROWS = 100


class Strict(serializers.Serializer[Any]):
    """A shape of input; a field it does not have is refused instead of ignored."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the valid fields."""
        if isinstance(data, Mapping):
            known = {name for name, field in self.fields.items() if not field.read_only}
            unknown = [str(name)[:80] for name in data if name not in known]
            if unknown:
                raise serializers.ValidationError(
                    {name: [_("This field does not exist here.")] for name in sorted(unknown)}
                )
        return super().to_internal_value(data)


def body_of(request: Request, shape: type[Strict]) -> dict[str, Any]:
    """Return the valid body of a request; raise what becomes a 400."""
    return _valid(shape(data=request.data))


def query_of(request: Request, shape: type[Strict]) -> dict[str, Any]:
    """Return the valid query of a request; raise what becomes a 400.

    An empty value says as little as a missing one: forms send those along.
    """
    given = {name: value for name, value in request.query_params.dict().items() if value}
    return _valid(shape(data=given))


def _valid(shape: Strict) -> dict[str, Any]:
    shape.is_valid(raise_exception=True)
    found: dict[str, Any] = shape.validated_data
    return found


class IdField(serializers.IntegerField):
    """A row's number."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_ID, **kwargs)


class LimitField(serializers.IntegerField):
    """How many rows a page has."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=MOST_ROWS, required=False, **kwargs)


@extend_schema_field(OpenApiTypes.INT)
class UserKeyField(serializers.Field[Any, Any, Any, Any]):
    """A user's key, whatever kind of key the host's user model has."""

    default_error_messages = {"invalid": _("This is not the id of a user.")}

    def to_internal_value(self, data: Any) -> Any:
        """Return the key as the user model has it."""
        found = person_key(data)
        if found is None:
            self.fail("invalid")
        return found

    def to_representation(self, value: Any) -> Any:
        """Return the key as JSON has it."""
        return value


@extend_schema_field(OpenApiTypes.OBJECT)
class ObjectField(serializers.DictField):
    """A JSON object whose texts every database takes."""

    default_error_messages = {"text": _("A text in it holds characters that cannot be kept.")}

    def to_internal_value(self, data: Any) -> Any:
        """Return the object."""
        found = super().to_internal_value(data)
        if any("\0" in text for text in _texts(found)):
            self.fail("text")
        return found


def _texts(value: Any) -> list[str]:
    """Return every text in a JSON value, names of fields included."""
    found, left = [], [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, Mapping):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            left += one
    return found
