"""The daily look at every account: token, permissions, link, deliveries, and what ends soon."""

import logging
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from social_integrations import signals
from social_integrations.exceptions import AccountOnHold, GraphRefusedError
from social_integrations.graph import oauth
from social_integrations.graph.errors import explain
from social_integrations.graph.types import TokenInspection
from social_integrations.models import ConnectedAccount
from social_integrations.selectors import without_tokens

from .account_checks import check_link, token_of
from .clients import client_for_app, flavour_of
from .guarding import guarded
from .jobs import LOOK_AFTER_ACCOUNT, NewJob, enqueue_all
from .notices import enqueue_notice
from .states import Event, move
from .token_life import refresh_token
from .watching import look

logger = logging.getLogger(__name__)

# Calls to Meta are spread over some hours of the day.
SPREAD = timedelta(hours=4)
WARN_DAYS = (2, 7, 14)
# What can end → the field that says when.
ENDS = {"token": "token_expires_at", "data_access": "data_access_expires_at"}


def plan_day() -> None:
    """Ask for a look at every connected account, at some moment of the next hours."""
    today = f"{timezone.now():%Y-%m-%d}"
    enqueue_all(
        NewJob(
            LOOK_AFTER_ACCOUNT,
            {"account": pk},
            f"{LOOK_AFTER_ACCOUNT}:{pk}:{today}",
            delay=SPREAD * random.random(),  # noqa: S311 - spreads load, guards nothing
        )
        for pk in _connected().values_list("pk", flat=True)
    )


def plan_now(account_ids: Iterable[int]) -> None:
    """Ask for a look at these accounts as soon as a worker is free."""
    enqueue_all(NewJob(LOOK_AFTER_ACCOUNT, {"account": pk}) for pk in account_ids)


def look_after(*, account_id: int) -> None:
    """Renew the account's token if it is time, check everything about it, mend, and warn.

    Must run outside a transaction. Raises `GraphError` where another try may help, and
    `AccountOnHold` where Meta says that the access has ended.
    """
    try:
        refresh_token(account_id=account_id)
        account = _connected().filter(pk=account_id).first()
        if account is not None and token_of(account):
            _check_token(account)
            check_link(account)
            look(account)
    finally:
        warn(account_id=account_id)


def warn(*, account_id: int) -> None:
    """Warn of what ends within 14, 7 or 2 days, once each: signal and e-mail."""
    account = _connected().filter(pk=account_id).first()
    if account is None:
        return
    now = timezone.now()
    for what, field in ENDS.items():
        end = getattr(account, field)
        days = warning_due(end, now)
        if days is not None:
            _warn_once(account, what, end, days)


def warning_due(end: datetime | None, now: datetime) -> int | None:
    """Return the smallest bound of 14, 7 and 2 days that the end has come within, if any."""
    if end is None or end <= now:
        return None
    return next((days for days in WARN_DAYS if end <= now + timedelta(days=days)), None)


def _warn_once(account: ConnectedAccount, what: str, end: datetime, days: int) -> None:
    """Warn unless the job with this key tells that it was done.

    Finished jobs are kept for a week: longer than an end stays between two bounds.
    """
    key = f"warn:{what}:{account.pk}:{end:%Y-%m-%d}:{days}"
    with transaction.atomic():
        if enqueue_notice(account_id=account.pk, notice="expiring", dedupe_key=key):
            send = partial(signals.token_expiring.send_robust, sender=ConnectedAccount)
            transaction.on_commit(
                partial(send, account=account, what=what, expires_at=end, days=days)
            )


def _check_token(account: ConnectedAccount) -> None:
    """Ask Meta what the token is worth; only Facebook Login has such a door."""
    flavour = flavour_of(account.login)
    if not flavour.inspect_path:
        return
    try:
        inspection = oauth.inspect_token(client_for_app(), flavour, token=token_of(account))
    except GraphRefusedError as error:
        if explain(error.code, error.subcode).retryable:
            raise
        # What was refused is the app's own token: no fault of the account.
        logger.error("Tokens cannot be checked: %s", error)
        return
    with guarded(account):
        _judge(account, inspection, flavour.essential_scopes)


def _judge(
    account: ConnectedAccount, inspection: TokenInspection, essential: Iterable[str]
) -> None:
    if not inspection.is_valid:
        raise GraphRefusedError(inspection.error_code, inspection.error_subcode, "not valid")
    values: dict[str, Any] = {
        "token_checked_at": timezone.now(),
        "token_expires_at": inspection.expires_at,
    }
    if inspection.data_access_expires_at:
        values["data_access_expires_at"] = inspection.data_access_expires_at
    if inspection.scopes:
        values["granted_scopes"] = sorted(inspection.scopes)
    _connected().filter(pk=account.pk, connected_at=account.connected_at).update(**values)
    if inspection.scopes and not set(essential) <= set(inspection.scopes):
        move(account=account, event=Event.PERMISSION_LOST)
        raise AccountOnHold(account.pk)


def _connected() -> QuerySet[ConnectedAccount]:
    connected = ConnectedAccount.Status.CONNECTED
    return without_tokens(ConnectedAccount.objects.filter(status=connected))
