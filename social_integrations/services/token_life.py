"""Renew tokens that expire: one refresher at a time, and never without a working token."""

import logging
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from social_integrations.exceptions import AccountOnHold, GraphRefusedError
from social_integrations.fields import bind
from social_integrations.graph import oauth
from social_integrations.graph.errors import explain
from social_integrations.graph.types import TokenGrant
from social_integrations.models import ConnectedAccount
from social_integrations.selectors import without_tokens

from .clients import client_for_refresh, flavour_of
from .guarding import guarded

logger = logging.getLogger(__name__)

# Meta: tokens of Instagram Login live 60 days, so this is from day 30 on, with a try every day.
REFRESH_BEFORE_END = timedelta(days=30)
# Meta: only a token that is at least 24 hours old is renewed; an hour more for clocks that differ.
MINIMUM_AGE = timedelta(hours=25)
# Where Meta does not say how long the new token lives.
USUAL_LIFE = timedelta(days=60)
# Longer than a call to Meta can take, shorter than a job's lease: when a killed worker's job comes
# back, this has ended.
LEASE = timedelta(seconds=60)


def can_refresh(now: datetime, *, early: bool = False) -> Q:
    """Match accounts whose token Meta would renew, and which are in need of it unless `early`."""
    old_enough = now - MINIMUM_AGE
    possible = Q(
        login=ConnectedAccount.Login.INSTAGRAM,
        status=ConnectedAccount.Status.CONNECTED,
        token_expires_at__gt=now,
        connected_at__lte=old_enough,
    ) & (Q(token_refreshed_at=None) | Q(token_refreshed_at__lte=old_enough))
    return possible if early else possible & Q(token_expires_at__lte=now + REFRESH_BEFORE_END)


def refresh_token(*, account_id: int, early: bool = False) -> bool:
    """Renew an account's token if it is time (or `early`); return whether it was renewed.

    Must run outside a transaction. Of any number of callers one asks Meta. Killed at any point, an
    account keeps a token that works: the old one until the new one stands in its place, by one
    statement. Raises `GraphError` where another try may help, and `AccountOnHold` where Meta says
    that the access has ended.
    """
    leased_until = _lease(account_id, early=early)
    if leased_until is None:
        return False
    account = without_tokens(ConnectedAccount.objects.all()).get(pk=account_id)
    try:
        with guarded(account):
            grant = oauth.refresh_instagram_token(
                client_for_refresh(account), flavour_of(account.login), token=account.access_token
            )
    except AccountOnHold:
        _release(account_id, leased_until)
        raise
    except GraphRefusedError as error:
        _release(account_id, leased_until)
        if explain(error.code, error.subcode).retryable:
            raise
        # Trying again today would not help; tomorrow is another try.
        logger.warning("Account %s: not refreshed: %s", account.instagram_account_id, error)
        return False
    except Exception:
        _release(account_id, leased_until)
        raise
    return _keep(account, grant, leased_until)


def _lease(account_id: int, *, early: bool) -> datetime | None:
    """Become the only refresher for the length of the lease; None if it is not our turn.

    The condition holds the schedule as well: whoever comes after a refresh finds nothing due.
    """
    now = timezone.now()
    free = Q(refresh_leased_until=None) | Q(refresh_leased_until__lte=now)
    due = ConnectedAccount.objects.filter(can_refresh(now, early=early), free, pk=account_id)
    return now + LEASE if due.update(refresh_leased_until=now + LEASE) else None


def _release(account_id: int, leased_until: datetime) -> None:
    ConnectedAccount.objects.filter(pk=account_id, refresh_leased_until=leased_until).update(
        refresh_leased_until=None
    )


def _keep(account: ConnectedAccount, grant: TokenGrant, leased_until: datetime) -> bool:
    """Put the new token in the old one's place, unless somebody did it or connected it anew."""
    now = timezone.now()
    life = timedelta(seconds=grant.expires_in) if grant.expires_in else USUAL_LIFE
    kept = ConnectedAccount.objects.filter(
        pk=account.pk,
        status=ConnectedAccount.Status.CONNECTED,
        connected_at=account.connected_at,
        refresh_leased_until=leased_until,
    ).update(
        access_token=bind(grant.access_token, account.instagram_account_id),
        token_expires_at=now + life,
        token_refreshed_at=now,
        token_checked_at=now,
        refresh_leased_until=None,
    )
    if kept:
        logger.info("Account %s: token refreshed", account.instagram_account_id)
    return bool(kept)
