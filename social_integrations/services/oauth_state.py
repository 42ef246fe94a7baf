"""One-time OAuth states, bound to a person, a browser and a login product."""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from social_integrations.exceptions import ConnectError
from social_integrations.models import OAuthAttempt

LIFETIME = timedelta(minutes=10)
# Used and expired rows stay this long, so that a late browser is told what happened.
MEMORY = timedelta(days=1)
MAX_OPEN_ATTEMPTS = 20


def new_browser_key() -> str:
    """Return a random value to keep in the browser's session; only its hash is ever stored."""
    return secrets.token_urlsafe(32)


def issue_state(*, user: User, browser_key: str, login: str, redirect_target: str = "") -> str:
    """Return a new state of 256 random bits, good for ten minutes and one use.

    Only its hash is stored. A person's older unused attempts beyond twenty are dropped.
    """
    state = secrets.token_urlsafe(32)
    now = timezone.now()
    OAuthAttempt.objects.create(
        state_hash=_hash(state),
        user=user,
        login=login,
        browser_hash=_hash(browser_key),
        redirect_target=redirect_target,
        expires_at=now + LIFETIME,
    )
    _forget_old_attempts(user)
    return state


def redeem_state(*, state: str, user: User, browser_key: str, login: str) -> OAuthAttempt:
    """Use a state up and return its attempt.

    One conditional UPDATE decides, so of any number of parallel uses one wins. Raises
    `ConnectError` `state_unknown`, `other_person`, `other_browser`, `state_replayed` or
    `state_expired`; a refused state stays usable for whoever it was made for.
    """
    now = timezone.now()
    attempts = OAuthAttempt.objects.filter(state_hash=_hash(state))
    redeemed = attempts.filter(
        user=user,
        browser_hash=_hash(browser_key),
        login=login,
        used_at=None,
        expires_at__gt=now,
    ).update(used_at=now)
    attempt = attempts.first()
    if attempt is None or not redeemed:
        raise ConnectError(_refusal(attempt, user=user, browser_key=browser_key, login=login))
    return attempt


def _refusal(attempt: OAuthAttempt | None, *, user: User, browser_key: str, login: str) -> str:
    if attempt is None or attempt.login != login:
        return "state_unknown"
    if attempt.user_id != user.pk:
        return "other_person"
    if attempt.browser_hash != _hash(browser_key):
        return "other_browser"
    return "state_replayed" if attempt.used_at else "state_expired"


def _forget_old_attempts(user: User) -> None:
    mine = OAuthAttempt.objects.filter(user=user)
    mine.filter(expires_at__lt=timezone.now() - MEMORY).delete()
    unused = mine.filter(used_at=None)
    newest = unused.order_by("-pk").values_list("pk", flat=True)[:MAX_OPEN_ATTEMPTS]
    unused.exclude(pk__in=list(newest)).delete()


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()
