"""Our JSON Web Tokens: strict about their claims, tied to a living user, revoked as a family."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework_simplejwt import tokens
from rest_framework_simplejwt.authentication import (
    default_user_authentication_rule as usual_rule,
)
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.utils import get_md5_hash_password

# What SimpleJWT 5.5.1 and PyJWT raise on well-signed tokens with odd claims.
ODD_CLAIM_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
LAST_EPOCH = 253_402_300_799  # the end of the year 9999, where datetime ends
MAX_ID_LENGTH = 255
PRIMARY_KEYS = frozenset({"pk", "id"})
ID_CLAIMS = (api_settings.JTI_CLAIM, api_settings.USER_ID_CLAIM)


def check_claims(claims: dict[str, Any]) -> None:
    """Raise `TokenError` unless every claim we rely on has the type we write ourselves."""
    times = [claims.get("exp"), claims.get("iat", 1)]
    sound = (
        all(type(time) is int and 0 < time <= LAST_EPOCH for time in times)  # a bool is an int
        and isinstance(claims.get(api_settings.JTI_CLAIM), str)
        and type(claims.get(api_settings.USER_ID_CLAIM)) in {str, int}
        and all(_is_storable(claims[name]) for name in ID_CLAIMS)
    )
    if not sound:
        raise TokenError(_("Token is invalid"))


def _is_storable(value: str | int) -> bool:
    text = str(value)
    return 0 < len(text) <= MAX_ID_LENGTH and "\0" not in text


def user_of(claims: dict[str, Any]) -> AbstractBaseUser:
    """Return the active user a token speaks for; raise `TokenError` when it no longer does."""
    user = _find_user(claims[api_settings.USER_ID_CLAIM])
    if user is None or not api_settings.USER_AUTHENTICATION_RULE(user):
        raise TokenError(_("Token is invalid"))
    if not fits_password(claims, user.password):
        raise TokenError(_("Token is invalid"))
    return user


def fits_password(claims: dict[str, Any], password: str) -> bool:
    """Return whether the user's stored password is still the one the token was issued under."""
    if not api_settings.CHECK_REVOKE_TOKEN:
        return True
    fingerprint = get_md5_hash_password(password)
    return bool(claims.get(api_settings.REVOKE_TOKEN_CLAIM) == fingerprint)


def names_primary_key() -> bool:
    """Return whether tokens name users by their primary key, and any active user may use one."""
    rule = api_settings.USER_AUTHENTICATION_RULE
    return str(api_settings.USER_ID_FIELD) in PRIMARY_KEYS and rule is usual_rule


def user_key(claims: dict[str, Any]) -> Any:
    """Return the value of the user's key a token names; None where it cannot be one."""
    return _key_of(_user_field(), claims[api_settings.USER_ID_CLAIM])


def _find_user(raw_id: str | int) -> AbstractBaseUser | None:
    field = _user_field()
    value = _key_of(field, raw_id)
    if value is None:
        return None
    return get_user_model()._default_manager.filter(**{field.name: value}).first()


def _user_field() -> Any:
    meta, name = get_user_model()._meta, str(api_settings.USER_ID_FIELD)
    return meta.pk if name in PRIMARY_KEYS else meta.get_field(name)


def _key_of(field: Any, raw_id: str | int) -> Any:
    try:
        value = field.to_python(raw_id)
        field.run_validators(value)  # a number no column takes
    except (ValidationError, ValueError):
        return None
    return value


class StrictClaims:
    """Mixin of token classes: the only error a bad token can raise is `TokenError`."""

    payload: dict[str, Any]

    def __init__(self, token: Any = None, verify: bool = True) -> None:  # noqa: FBT001, FBT002 - SimpleJWT's signature
        try:
            super().__init__(token, verify)  # type: ignore[call-arg]
        except ODD_CLAIM_ERRORS:
            raise TokenError(_("Token is invalid")) from None

    def verify(self) -> None:
        """Check the claims' types before anything computes or queries with them."""
        check_claims(self.payload)
        super().verify()  # type: ignore[misc]


class AccessToken(StrictClaims, tokens.AccessToken):
    """Opens the API for a few minutes."""


class RefreshToken(StrictClaims, tokens.RefreshToken):  # type: ignore[misc]
    """Buys the next pair, once."""

    access_token_class = AccessToken

    def check_blacklist(self) -> None:
        """Refuse a token that was used up; whoever shows one again may have stolen it."""
        try:
            super().check_blacklist()
        except TokenError:
            self.revoke_family()
            raise

    def use_up(self) -> None:
        """Blacklist this token; of two simultaneous uses the second counts as re-use."""
        # SimpleJWT's annotation is wrong: this is the pair of get_or_create.
        used: Any = self.blacklist()
        if not used[1]:
            self.revoke_family()
            raise TokenError(_("Token is blacklisted"))

    def revoke_family(self) -> None:
        """Blacklist every refresh token the user still holds."""
        user = _find_user(self.payload[api_settings.USER_ID_CLAIM])
        if user is None:
            return
        living = OutstandingToken.objects.filter(user_id=user.pk, blacklistedtoken__isnull=True)
        BlacklistedToken.objects.bulk_create(
            [BlacklistedToken(token=token) for token in living], ignore_conflicts=True
        )
