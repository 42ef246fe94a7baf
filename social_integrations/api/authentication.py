"""Who calls the API: the bearer of an access token."""

from typing import Any

from rest_framework.request import Request
from rest_framework_simplejwt import authentication
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.settings import api_settings

from .tokens import AccessToken, user_of


class JWTAuthentication(authentication.JWTAuthentication):
    """Reads `Authorization: Bearer <access token>`; every fault of the token is the same 401."""

    def get_header(self, request: Request) -> bytes:
        """Return the header as bytes, whatever characters it holds."""
        header = request.META.get(api_settings.AUTH_HEADER_NAME, "")
        return header.encode("latin-1", "replace") if isinstance(header, str) else header

    def get_validated_token(self, raw_token: bytes) -> Any:
        """Return the token, its signature, times, claims and type checked."""
        try:
            return AccessToken(raw_token)
        except TokenError:
            raise InvalidToken from None

    def get_user(self, validated_token: Any) -> Any:
        """Return the token's user, who must still be active with the same password."""
        try:
            return user_of(validated_token.payload)
        except TokenError:
            raise InvalidToken from None
