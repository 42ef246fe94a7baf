"""Connect Instagram accounts with the code Facebook Login brought back."""

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from social_integrations.access import access_policy
from social_integrations.conf import app_settings
from social_integrations.exceptions import ConnectError
from social_integrations.graph.types import InstagramAccount, Page
from social_integrations.models import ConnectedAccount
from social_integrations.signals import account_connected

from .adoption import adopt_orphans
from .clients import facebook_login
from .grants import Grant, redeem_code
from .subscribing import record_subscription, subscribe_page

logger = logging.getLogger(__name__)

# Meta: one of these tasks on the Page is needed to handle its messages.
MESSAGING_TASKS = frozenset({"MESSAGING", "MODERATE"})


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
class UnusablePage:
    """A Page that was left alone; `code` is a key of `PAGE_PROBLEMS`."""

    page_name: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectResult:
    """What came of it; `problem` names why nothing at all could be connected."""

    accounts: tuple[ConnectedOutcome, ...] = ()
    unusable: tuple[UnusablePage, ...] = ()
    missing_scopes: tuple[str, ...] = ()
    problem: str = ""


def connect_accounts(*, user: User, code: str) -> ConnectResult:
    """Turn the code into connected accounts, one per usable Page, and subscribe each.

    Must run outside a transaction: it calls Meta several times. Raises `ConnectError` where Meta
    refuses or cannot be reached, an essential permission is missing, or there is no Page.
    """
    grant = redeem_code(code=code)
    _refuse_without_essentials(grant)
    problems = {page.id: _page_problem(page) for page in grant.pages}
    outcomes: list[ConnectedOutcome] = []
    for page in grant.pages:
        if page.instagram is None or problems[page.id]:
            continue
        stored = _store(user=user, page=page, instagram=page.instagram, grant=grant)
        if stored is None:
            problems[page.id] = "account_taken"
        else:
            account, created = stored
            outcomes.append(_activate(account=account, created=created, user=user))
    return ConnectResult(
        accounts=tuple(outcomes),
        unusable=tuple(
            UnusablePage(page_name=page.name or page.id, code=problems[page.id])
            for page in grant.pages
            if problems[page.id]
        ),
        missing_scopes=tuple(s for s in app_settings.SCOPES if s not in grant.granted),
        problem="" if outcomes else _common_problem(set(problems.values())),
    )


def _refuse_without_essentials(grant: Grant) -> None:
    missing = [s for s in facebook_login().essential_scopes if s not in grant.granted]
    if missing:
        raise ConnectError("permissions_missing", ", ".join(missing))
    if not grant.pages:
        hidden = "business_management" not in grant.granted
        raise ConnectError("no_pages_business" if hidden else "no_pages")


def _page_problem(page: Page) -> str:
    """Return why a Page cannot be used, a key of `PAGE_PROBLEMS`; empty if it can."""
    if page.instagram is None:
        return "no_instagram"
    if not page.access_token:
        return "no_token"
    if page.tasks is not None and MESSAGING_TASKS.isdisjoint(page.tasks):
        return "no_task"
    return ""


def _common_problem(problems: set[str]) -> str:
    """Return the problem that covers a whole result without accounts."""
    only = next(iter(problems)) if len(problems) == 1 else ""
    return only if only in ("no_instagram", "account_taken") else "no_usable_page"


def _store(
    *, user: User, page: Page, instagram: InstagramAccount, grant: Grant
) -> tuple[ConnectedAccount, bool] | None:
    """Write the account, new or known; None where the policy refuses to replace it.

    The unique id and the row lock make two connections at the same moment end in one row.
    """
    values = _values(user=user, page=page, instagram=instagram, grant=grant)
    with transaction.atomic():
        # The old token is not read: connecting again is the way out when no key fits it any more.
        accounts = ConnectedAccount.objects.defer("access_token").select_for_update()
        account, created = accounts.get_or_create(
            instagram_account_id=instagram.id, defaults=values
        )
        if not created:
            if not access_policy().may_replace(user, account):
                logger.warning("Account %s stays with its owner", instagram.id)
                return None
            for name, value in values.items():
                setattr(account, name, value)
            account.save(update_fields=list(values))
    return account, created


def _values(*, user: User, page: Page, instagram: InstagramAccount, grant: Grant) -> dict[str, Any]:
    return {
        "login": ConnectedAccount.Login.FACEBOOK,
        "username": instagram.username[:255],
        "name": instagram.name[:255],
        "profile_picture_url": instagram.profile_picture_url,
        "page_id": page.id,
        "page_name": page.name[:255],
        "meta_user_id": grant.identity.user_id,
        "access_token": page.access_token,
        # Meta: a Page token read with a long-lived user token has no end date.
        "token_expires_at": None,
        "data_access_expires_at": grant.inspection.data_access_expires_at,
        "granted_scopes": sorted(grant.granted),
        "status": ConnectedAccount.Status.CONNECTED,
        "status_reason": "",
        "status_action": "",
        "connected_by": user,
        "connected_at": timezone.now(),
    }


def _activate(*, account: ConnectedAccount, created: bool, user: User) -> ConnectedOutcome:
    """Subscribe the account, tell the host project, and take in what arrived too early."""
    outcome = subscribe_page(account=account)
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
