"""Single questions to Meta about an account; each notes what it finds, and mends what it can."""

import logging
from dataclasses import dataclass
from datetime import datetime

from social_integrations.exceptions import AccountOnHold, GraphRefusedError
from social_integrations.graph.conversations import list_threads
from social_integrations.graph.errors import explain
from social_integrations.graph.oauth import read_page
from social_integrations.models import ConnectedAccount

from .clients import client_for_account
from .guarding import guarded
from .importing import paced_client
from .states import Event, move
from .subscribing import is_subscribed, record_subscription, subscribe_account
from .troubles import RESUBSCRIBED, note_trouble

logger = logging.getLogger(__name__)


def token_of(account: ConnectedAccount) -> str:
    """Return the account's token; raise `AccountOnHold` where it cannot be read any more."""
    with guarded(account):
        return account.access_token


def check_link(account: ConnectedAccount) -> None:
    """Read again which Instagram account the Page is linked to; no other may use its token.

    Raises `AccountOnHold` where the link is gone or leads elsewhere.
    """
    if not account.page_id or "instagram_basic" not in account.granted_scopes:
        return  # Meta: without that permission the link is missing from the answer, not an error.
    with guarded(account):
        linked = read_page(client_for_account(account), account.page_id).instagram
    if linked is None or linked.id != account.instagram_account_id:
        move(account=account, event=Event.PAGE_UNLINKED)
        raise AccountOnHold(account.pk)


@dataclass(frozen=True, slots=True)
class Readable:
    """Messages can be read; `changed_at` says when the newest conversation last changed."""

    changed_at: datetime | None


def check_messages(account: ConnectedAccount) -> Readable | None:
    """Ask for the newest conversation, which needs everything that reading needs.

    Returns None where Meta refuses for a reason that is not about our access, such as the owner's
    switch. Raises `GraphError` where another try may help, and `AccountOnHold` where access has
    ended.
    """
    by_page = account.login == ConnectedAccount.Login.FACEBOOK
    if by_page and not account.page_id:
        return None
    try:
        with guarded(account):
            page = list_threads(
                paced_client(account), account.page_id if by_page else "me", limit=1
            )
    except GraphRefusedError as error:
        row = explain(error.code, error.subcode)
        if row.retryable:
            raise
        logger.warning("Account %s: messages unread: %s", account.instagram_account_id, error)
        return None
    return Readable(page.threads[0].updated_at if page.threads else None)


def check_subscription(account: ConnectedAccount) -> None:
    """Subscribe again where Meta has stopped delivering; it does not tell when it does."""
    try:
        # Without the permission to subscribe an account can still be read and written to.
        with guarded(account, permissions=False):
            if is_subscribed(account=account):
                return
    except GraphRefusedError as error:
        if explain(error.code, error.subcode).retryable:
            raise
        logger.warning("Account %s: subscription unknown: %s", account.instagram_account_id, error)
        return
    logger.warning("Account %s: Meta had stopped delivering", account.instagram_account_id)
    outcome = subscribe_account(account=account)
    if outcome.subscribed and account.webhook_subscribed_at:
        # The date stays: what Meta did not deliver since is missed, not history.
        note_trouble(account=account, code=RESUBSCRIBED)
    else:
        record_subscription(account=account, outcome=outcome)
