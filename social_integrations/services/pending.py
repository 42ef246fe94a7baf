"""Keep a grant, encrypted and for ten minutes, between Meta's answer and the choice of accounts."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone

from social_integrations.exceptions import ConnectError, TokenDecryptionError
from social_integrations.graph.types import InstagramAccount
from social_integrations.models import OAuthAttempt, PendingGrant

from .grants import Grant, Offer
from .oauth_state import is_bound_to

LIFETIME = timedelta(minutes=10)


def keep_grant(*, attempt: OAuthAttempt, grant: Grant) -> PendingGrant:
    """Store what Meta granted with the attempt it came from."""
    return PendingGrant.objects.create(
        attempt=attempt, content=dump_grant(grant), expires_at=timezone.now() + LIFETIME
    )


def find_grant(
    *, key: int, visitor: User | AnonymousUser, browser_key: str
) -> tuple[OAuthAttempt, Grant]:
    """Return a kept grant and its attempt to the person and browser it was made for.

    Raises `ConnectError` `no_choice` to everybody else, and once it is used, too old, or no key
    fits it any more.
    """
    rows = PendingGrant.objects.select_related("attempt__user")
    try:
        row = rows.filter(pk=key, expires_at__gt=timezone.now()).first()
    except TokenDecryptionError:
        row = None
    if row is None or not is_bound_to(row.attempt, visitor=visitor, browser_key=browser_key):
        raise ConnectError("no_choice")
    return row.attempt, load_grant(row.content)


def use_up_grant(*, key: int) -> None:
    """Delete a kept grant; of any number of parallel uses one passes, the others raise."""
    deleted, _ = PendingGrant.objects.filter(pk=key).delete()
    if not deleted:
        raise ConnectError("no_choice")


def forget_expired_grants() -> int:
    """Delete what nobody chose from in time; return how many."""
    return PendingGrant.objects.filter(expires_at__lte=timezone.now()).delete()[0]


def dump_grant(grant: Grant) -> str:
    """Return a grant as JSON."""
    return json.dumps(
        asdict(grant) | {"granted": sorted(grant.granted)}, default=datetime.isoformat
    )


def load_grant(content: str) -> Grant:
    """Return the grant `dump_grant` wrote."""
    fields = json.loads(content)
    return Grant(
        **fields
        | {
            "granted": frozenset(fields["granted"]),
            "data_access_expires_at": _moment(fields["data_access_expires_at"]),
            "offers": tuple(_offer(offer) for offer in fields["offers"]),
        }
    )


def _offer(fields: dict[str, Any]) -> Offer:
    instagram = fields["instagram"]
    return Offer(
        **fields
        | {
            "instagram": InstagramAccount(**instagram) if instagram else None,
            "token_expires_at": _moment(fields["token_expires_at"]),
        }
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
