"""Ask Meta to deliver an account's events."""

import logging
from dataclasses import dataclass

from django.utils import timezone

from social_integrations.conf import app_settings
from social_integrations.exceptions import GraphError, GraphRefusedError
from social_integrations.graph.client import GraphClient
from social_integrations.graph.errors import explain
from social_integrations.graph.reading import read_id
from social_integrations.models import ConnectedAccount

from .clients import client_for_account, flavour_of

logger = logging.getLogger(__name__)

# 200: a field wants a permission that was not granted. 100: a field name Meta does not know.
FIELDS_REFUSED = frozenset({100, 200})


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionOutcome:
    """Whether Meta delivers the account's events: the fields asked for, or why not."""

    subscribed: bool
    fields: tuple[str, ...] = ()
    reason: str = ""


def subscribe_account(*, account: ConnectedAccount) -> SubscriptionOutcome:
    """Install the app on the account's Page or account; never raises a Graph error. No database.

    Meta: `POST /{page}/subscribed_apps` with the Page's token, which needs
    `pages_manage_metadata`; with Instagram Login `POST /me/subscribed_apps`.
    """
    client, flavour = client_for_account(account), flavour_of(account.login)
    try:
        try:
            return _subscribe(client, node_of(account), _wished_fields(account))
        except GraphRefusedError as error:
            if error.code not in FIELDS_REFUSED:
                raise
            logger.info("Account %s: Meta refused the fields (%s)", account.pk, error.code)
            return _subscribe(client, node_of(account), flavour.fallback_fields)
    except GraphError as error:
        logger.warning("Account %s could not be subscribed: %s", account.pk, error)
        return SubscriptionOutcome(subscribed=False, reason=_words(error))


def is_subscribed(*, account: ConnectedAccount) -> bool:
    """Return whether Meta still delivers the account's events; raises `GraphError`. No database.

    Meta: after an hour of failed deliveries it may take the app off the account, without a word.
    A Page's list may name other apps as well. Instagram Login's token sees its own app alone, and
    by which of the two app ids is not documented.
    """
    flavour = flavour_of(account.login)
    rows = client_for_account(account).paged(f"{node_of(account)}/subscribed_apps")
    return any(flavour.subscribed_node or read_id(row, "id") == app_settings.APP_ID for row in rows)


def unsubscribe(client: GraphClient, *, account: ConnectedAccount) -> bool:
    """Take the Meta app off the account; return whether Meta confirmed it. Never raises.

    Meta: `DELETE /{page}/subscribed_apps`, or `/me/subscribed_apps` with Instagram Login.
    """
    try:
        answer = client.delete(f"{node_of(account)}/subscribed_apps")
    except GraphError as error:
        logger.warning("Account %s: not unsubscribed: %s", account.instagram_account_id, error)
        return False
    return answer.get("success") in (True, "true")


def record_subscription(*, account: ConnectedAccount, outcome: SubscriptionOutcome) -> None:
    """Write the outcome on the account, unless it was disconnected meanwhile."""
    account.webhook_subscribed_at = timezone.now() if outcome.subscribed else None
    account.status_reason, account.status_action = outcome.reason, ""
    ConnectedAccount.objects.filter(pk=account.pk, status=ConnectedAccount.Status.CONNECTED).update(
        webhook_subscribed_at=account.webhook_subscribed_at,
        status_reason=outcome.reason,
        status_action="",
    )


def _wished_fields(account: ConnectedAccount) -> tuple[str, ...]:
    if account.login == ConnectedAccount.Login.INSTAGRAM:
        return app_settings.LOGIN_SUBSCRIBED_FIELDS
    return app_settings.SUBSCRIBED_FIELDS


def node_of(account: ConnectedAccount) -> str:
    """Return what stands for the account in Graph's addresses: its Page's id, or `me`."""
    return flavour_of(account.login).subscribed_node or account.page_id


def _subscribe(client: GraphClient, node: str, fields: tuple[str, ...]) -> SubscriptionOutcome:
    answer = client.post(f"{node}/subscribed_apps", {"subscribed_fields": ",".join(fields)})
    if answer.get("success") in (True, "true"):
        return SubscriptionOutcome(subscribed=True, fields=fields)
    return SubscriptionOutcome(
        subscribed=False, reason="Meta did not confirm that it will deliver new messages."
    )


def _words(error: GraphError) -> str:
    if isinstance(error, GraphRefusedError):
        row = explain(error.code, error.subcode)
        return f"Meta does not deliver new messages yet. {row.sentence} {row.next_step}"
    return f"Meta does not deliver new messages yet: {error}. Connect the account again later."
