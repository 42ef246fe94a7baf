"""Connect Instagram accounts with what one of Meta's logins granted."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from social_integrations.access import access_policy
from social_integrations.graph.types import InstagramAccount
from social_integrations.models import ConnectedAccount
from social_integrations.signals import account_connected

from .adoption import adopt_orphans
from .grants import Grant, Offer
from .jobs import resume_held
from .permissions import missing_permissions
from .reconciling import Reason, start
from .reviewing import UnusablePage, review_grant
from .subscribing import record_subscription, subscribe_account
from .withdrawing import WithdrawnAccount, mark_withdrawn

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedOutcome:
    """One account that is connected now; `reason` says why messages do not arrive yet."""

    account_id: int
    instagram_account_id: str
    username: str
    page_name: str
    created: bool
    subscribed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectResult:
    """What came of it; `problem` names why nothing at all could be connected."""

    accounts: tuple[ConnectedOutcome, ...] = ()
    unusable: tuple[UnusablePage, ...] = ()
    withdrawn: tuple[WithdrawnAccount, ...] = ()
    missing_scopes: tuple[str, ...] = ()
    problem: str = ""


def connect_accounts(
    *, user: User, grant: Grant, chosen: Collection[str] | None = None
) -> ConnectResult:
    """Turn a grant into connected accounts, one per usable offer, and subscribe each.

    `chosen` holds the ids of the Instagram accounts that were picked; None takes all. Accounts
    the same consent covered before and no longer does are marked. Must run outside a
    transaction: it calls Meta several times.
    """
    review = review_grant(user=user, grant=grant)
    unusable = list(review.unusable)
    outcomes: list[ConnectedOutcome] = []
    for choice in review.choices:
        if chosen is not None and choice.account_id not in chosen:
            continue
        stored = _store(user=user, offer=choice.offer, grant=grant)
        if stored is None:
            unusable.append(UnusablePage(page_name=f"@{choice.username}", code="account_taken"))
        else:
            account, created = stored
            outcomes.append(_activate(account=account, created=created, user=user))
    withdrawn = tuple(mark_withdrawn(account=account) for account in review.withdrawn)
    missing = missing_permissions(login=grant.login, granted=grant.granted)
    return ConnectResult(
        accounts=tuple(outcomes),
        unusable=tuple(unusable),
        withdrawn=withdrawn,
        missing_scopes=tuple(permission.scope for permission in missing),
        problem="" if outcomes or withdrawn else _common_problem({page.code for page in unusable}),
    )


def _common_problem(problems: set[str]) -> str:
    """Return the problem that covers a whole result without accounts."""
    only = next(iter(problems)) if len(problems) == 1 else ""
    return (
        only if only in ("no_instagram", "personal_account", "account_taken") else "no_usable_page"
    )


def _store(*, user: User, offer: Offer, grant: Grant) -> tuple[ConnectedAccount, bool] | None:
    """Write the account, new or known; None where the policy refuses to replace it.

    The unique id and the row lock make two connections at the same moment end in one row.
    """
    assert offer.instagram is not None  # noqa: S101 - for the type checker; a choice has one
    values = _values(user=user, offer=offer, instagram=offer.instagram, grant=grant)
    with transaction.atomic():
        # The old token is not read: connecting again is the way out when no key fits it any more.
        accounts = ConnectedAccount.objects.defer("access_token").select_for_update()
        account, created = accounts.get_or_create(
            instagram_account_id=offer.instagram.id, defaults=values
        )
        if not created:
            if not access_policy().may_replace(user, account):
                logger.warning("Account %s stays with its owner", offer.instagram.id)
                return None
            for name, value in values.items():
                setattr(account, name, value)
            account.save(update_fields=list(values))
    return account, created


def _values(
    *, user: User, offer: Offer, instagram: InstagramAccount, grant: Grant
) -> dict[str, Any]:
    # Facebook Login does not name the app-scoped id; one that is known stays right.
    app_scoped = {"app_scoped_id": instagram.app_scoped_id} if instagram.app_scoped_id else {}
    return {
        "login": grant.login,
        **app_scoped,
        "username": instagram.username[:255],
        "name": instagram.name[:255],
        "profile_picture_url": instagram.profile_picture_url,
        "page_id": offer.page_id,
        "page_name": offer.page_name[:255],
        "meta_user_id": grant.meta_user_id,
        "access_token": offer.access_token,
        "token_expires_at": offer.token_expires_at,
        "data_access_expires_at": grant.data_access_expires_at,
        "granted_scopes": sorted(grant.granted),
        "status": ConnectedAccount.Status.CONNECTED,
        "status_reason": "",
        "access_withdrawn_at": None,
        "status_action": "",
        "trouble": "",
        "trouble_at": None,
        "connected_by": user,
        "connected_at": timezone.now(),
    }


def _activate(*, account: ConnectedAccount, created: bool, user: User) -> ConnectedOutcome:
    """Subscribe the account, tell the host project, and take in what arrived too early."""
    outcome = subscribe_account(account=account)
    with transaction.atomic():
        record_subscription(account=account, outcome=outcome)
        transaction.on_commit(
            partial(
                account_connected.send_robust,
                sender=ConnectedAccount,
                account=account,
                user=user,
                created=created,
            )
        )
    adopted = adopt_orphans(account)
    resume_held()
    start(account, Reason.CONNECTED)
    logger.info("Account %s connected, %d waiting events", account.instagram_account_id, adopted)
    return ConnectedOutcome(
        account_id=account.pk,
        instagram_account_id=account.instagram_account_id,
        username=account.username,
        page_name=account.page_name,
        created=created,
        subscribed=outcome.subscribed,
        reason=outcome.reason,
    )
