"""The OpenAPI document: who calls, and the errors of every operation in their one shape."""

import json
from functools import cache
from typing import Any, Literal

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
)
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

ERRORS = {
    400: "A field, a filter or the body is not valid; `details` names the fields.",
    401: "No token, or one that is no longer good.",
    403: "You may see this, but not do it.",
    404: "Not there, or not for you to see.",
    405: "This address does not know the method.",
    409: "As things stand this cannot be; `code` says why.",
    413: "The body is too large.",
    415: "The body is of a kind this address does not take.",
    422: "Understood, and cannot be; `code` says why, `details.action` what to do.",
    429: "Too often; wait as many seconds as `Retry-After` says.",
    503: "The database is away for a moment; try again.",
}
WRITING = frozenset({"POST", "PUT", "PATCH"})


class Error(serializers.Serializer[Any]):
    """What went wrong: a code for programs, a sentence for people."""

    code = serializers.CharField()
    message = serializers.CharField()
    details = serializers.DictField()


class ErrorAnswer(serializers.Serializer[Any]):
    """The shape of every error."""

    error = Error()


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How callers say who they are."""

    target_class = "social_integrations.api.authentication.JWTAuthentication"
    name = "token"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 - theirs
        """Describe the header."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class StrictBody(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Bodies whose unknown fields are refused say so."""

    target_class = "social_integrations.api.strict.Strict"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> Any:
        """Describe the fields there are, and that there are no others."""
        found = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**found, "additionalProperties": False}


class OurSchema(AutoSchema):
    """Documents an operation with its errors."""

    def get_tags(self) -> list[str]:
        """Group operations by the thing they are about."""
        words = [word for word in self.path.split("/") if word and "{" not in word]
        known = [word for word in words if word in TAGS]
        return known[:1] or ["other"]

    def get_operation_id(self) -> str:
        """Name an operation after its view."""
        name = type(self.view).__name__.removesuffix("View")
        return f"{self.method.lower()}{name}"

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        error = self.resolve_serializer(ErrorAnswer, "response").ref
        for code in self._errors():
            bodies.setdefault(
                str(code),
                {
                    "description": ERRORS[code],
                    "content": {"application/json": {"schema": error}},
                },
            )
        return dict(sorted(bodies.items()))

    def _errors(self) -> set[int]:
        codes = {503, *getattr(self.view, "refusals", {}).get(self.method, ())}
        if self.view.get_authenticators():
            codes |= {401, 403}
        if "{" in self.path:
            codes.add(404)
        if self.method in WRITING:
            codes |= {400, 413, 415}
        elif self.get_filter_backends() or self.get_override_parameters():
            codes.add(400)
        if self.view.throttle_classes or hasattr(self.view, "write_throttle"):
            codes.add(429)
        return codes


TAGS = frozenset(
    {
        "auth",
        "connection",
        "oauth",
        "accounts",
        "conversations",
        "messages",
        "canned-replies",
        "updates",
    }
)


@cache
def document() -> bytes:
    """Return the OpenAPI document of this server, the same for everybody; made once per process."""
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    found = generator.get_schema(request=None, public=True)
    return json.dumps(found, ensure_ascii=False).encode()
