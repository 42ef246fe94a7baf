"""One-time OAuth states, bound to a person, a browser and a login product.

A frontend without a session of ours starts with a *link*: a one-time ticket for two minutes. The
browser that opens it first is the browser the consent is bound to, and gets the state.
"""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q
from django.utils import timezone

from social_integrations.exceptions import ConnectError
from social_integrations.models import OAuthAttempt

LIFETIME = timedelta(minutes=10)
LINK_LIFETIME = timedelta(minutes=2)
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
    OAuthAttempt.objects.create(
        state_hash=_hash(state),
        user=user,
        login=login,
        browser_hash=_hash(browser_key),
        redirect_target=redirect_target,
        expires_at=timezone.now() + LIFETIME,
    )
    _forget_old_attempts(user)
    return state


def issue_ticket(*, user: User, login: str, redirect_target: str = "") -> str:
    """Return a new ticket of 256 random bits, which opens the way to Meta once, for two minutes.

    An empty login leaves it to whoever opens the link.
    """
    ticket = secrets.token_urlsafe(32)
    OAuthAttempt.objects.create(
        # Nobody knows this state; opening the link puts another one in its place.
        state_hash=_hash(secrets.token_urlsafe(32)),
        link_hash=_hash(ticket),
        user=user,
        login=login,
        redirect_target=redirect_target,
        expires_at=timezone.now() + LINK_LIFETIME,
    )
    _forget_old_attempts(user)
    return ticket


def look_up_ticket(*, ticket: str, visitor: User | AnonymousUser) -> OAuthAttempt:
    """Return the unopened attempt of a ticket, without using it up.

    Raises `ConnectError` `link_unknown`, `link_used`, `link_expired`, or `other_person` where the
    browser is signed in as somebody else.
    """
    attempts = OAuthAttempt.objects.select_related("user")
    attempt = attempts.filter(link_hash=_hash(ticket)).first()
    if attempt is None:
        raise ConnectError("link_unknown")
    if attempt.browser_hash:
        raise ConnectError("link_used")
    if attempt.expires_at <= timezone.now():
        raise ConnectError("link_expired")
    if visitor.is_authenticated and visitor.pk != attempt.user_id:
        raise ConnectError("other_person")
    return attempt


def redeem_ticket(*, ticket: str, browser_key: str, login: str) -> str:
    """Use a ticket up: bind its attempt to this browser and return the attempt's new state.

    One conditional UPDATE decides, so of any number of parallel uses one wins. Raises
    `ConnectError` `link_used`.
    """
    state, now = secrets.token_urlsafe(32), timezone.now()
    unopened = OAuthAttempt.objects.filter(
        link_hash=_hash(ticket), browser_hash="", used_at=None, expires_at__gt=now
    )
    opened = unopened.update(
        state_hash=_hash(state),
        browser_hash=_hash(browser_key),
        login=login,
        expires_at=now + LIFETIME,
    )
    if not opened:
        raise ConnectError("link_used")
    return state


def redeem_state(*, state: str, visitor: User | AnonymousUser, browser_key: str) -> OAuthAttempt:
    """Use a state up and return its attempt, which says whose it is and through which login.

    One conditional UPDATE decides, so of any number of parallel uses one wins. A browser that is
    not signed in may redeem only what began with a link. Raises `ConnectError` `signed_out`,
    `state_unknown`, `other_person`, `other_browser`, `state_replayed` or `state_expired`; a
    refused state stays usable for whoever it was made for.
    """
    now = timezone.now()
    attempts = OAuthAttempt.objects.filter(state_hash=_hash(state))
    redeemed = (
        attempts.filter(_is_theirs(visitor))
        .filter(browser_hash=_hash(browser_key), used_at=None, expires_at__gt=now)
        .update(used_at=now)
    )
    attempt = attempts.select_related("user").first()
    if attempt is None or not redeemed:
        raise ConnectError(_refusal(attempt, visitor, browser_key))
    return attempt


def is_bound_to(attempt: OAuthAttempt, *, visitor: User | AnonymousUser, browser_key: str) -> bool:
    """Return whether an attempt belongs to this visitor in this browser."""
    theirs = (
        visitor.pk == attempt.user_id if visitor.is_authenticated else attempt.link_hash is not None
    )
    return theirs and secrets.compare_digest(attempt.browser_hash, _hash(browser_key))


def _is_theirs(visitor: User | AnonymousUser) -> Q:
    return Q(user_id=visitor.pk) if visitor.is_authenticated else Q(link_hash__isnull=False)


def _refusal(attempt: OAuthAttempt | None, visitor: User | AnonymousUser, browser_key: str) -> str:
    if not visitor.is_authenticated and (attempt is None or attempt.link_hash is None):
        return "signed_out"
    if attempt is None:
        return "state_unknown"
    if visitor.is_authenticated and attempt.user_id != visitor.pk:
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
