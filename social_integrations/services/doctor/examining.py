"""The whole examination: every topic, in the order a person meets them."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from django.utils import timezone

from social_integrations.exceptions import AccountOnHold
from social_integrations.models import ConnectedAccount
from social_integrations.services.guarding import guarded
from social_integrations.services.subscribing import record_subscription, subscribe_account

from . import (
    account_rows,
    app_rows,
    arrival_rows,
    public_rows,
    running_rows,
    sending_rows,
    settings_rows,
)
from .rows import Check, Report, Row, amber, judge, plain, section, skipped

Facts = TypeVar("Facts")

NO_ACCOUNT: Check[None] = Check(
    "accounts",
    "Accounts",
    lambda _facts: amber(
        "No account is connected yet.", "Open /api/social/instagram/oauth/start/ and connect one."
    ),
)
TOO_LATE: Check[None] = Check(
    "account_state",
    "Connected",
    lambda _facts: skipped(
        "Not looked at: the other accounts took too long. Use instagram_doctor --account."
    ),
)
# For all accounts together; the one that is being asked about may finish.
ACCOUNTS_SECONDS = 45.0


def examine(*, accounts: Iterable[ConnectedAccount], installation: bool = True) -> Report:
    """Look at the accounts, and at the installation around them unless told otherwise.

    Must run outside a transaction: it calls Meta, and our own public address. That takes some
    seconds, at worst two minutes. Never raises: what cannot be looked at is a row as well.
    """
    chosen = list(accounts)
    rows: list[Row] = []
    skew = None
    if installation:
        rows, skew = _before_accounts()
    ends = time.monotonic() + ACCOUNTS_SECONDS
    for account in chosen:
        if time.monotonic() < ends:
            rows += _about(account, account_rows.gather, account_rows.CHECKS)
        else:
            rows += _about(account, lambda _account: None, [TOO_LATE])
    ledger: list[Row] = []
    if installation:
        rows += [] if chosen else judge([NO_ACCOUNT], None)
        alive, ledger = _at_work(skew)
        rows += alive
        ledger += section(sending_rows.gather, sending_rows.CHECKS).rows
    for account in chosen:
        rows += _about(account, arrival_rows.gather, arrival_rows.CHECKS)
    return Report(checked_at=timezone.now(), rows=(*rows, *ledger))


def subscribe_again(*, account: ConnectedAccount) -> str:
    """Ask Meta once more to deliver the account's events; return why not, empty on success.

    Must run outside a transaction.
    """
    try:
        with guarded(account):
            outcome = subscribe_account(account=account)
    except AccountOnHold:
        return "The account has to be connected again first."
    record_subscription(account=account, outcome=outcome)
    return "" if outcome.subscribed else outcome.reason


def _before_accounts() -> tuple[list[Row], float | None]:
    """Return the rows of everything an account needs, and how far our clock is ahead of Meta's."""
    app = section(app_rows.gather, app_rows.CHECKS)
    rows = [
        *section(settings_rows.gather, settings_rows.CHECKS).rows,
        *section(running_rows.gather_database, running_rows.DATABASE).rows,
        *section(public_rows.gather, public_rows.CHECKS).rows,
        *app.rows,
    ]
    return rows, app.facts.skew_seconds if app.facts else None


def _at_work(skew: float | None) -> tuple[list[Row], list[Row]]:
    """Return the rows that come before and after those of what arrives."""
    checks = (*running_rows.ALIVE, *running_rows.LEDGER)
    rows = section(partial(running_rows.gather, skew), checks).rows
    cut = len(running_rows.ALIVE)
    return rows[:cut], rows[cut:]


def _about(
    account: ConnectedAccount,
    gather: Callable[[ConnectedAccount], Facts],
    checks: Sequence[Check[Facts]],
) -> list[Row]:
    rows = section(partial(gather, account), checks).rows
    return [replace(row, account=plain(str(account)), account_id=account.pk) for row in rows]
