"""Ask Meta to deliver a Page's events, which brings its Instagram messages along."""

import logging
from dataclasses import dataclass

from django.utils import timezone

from social_integrations.conf import app_settings
from social_integrations.exceptions import GraphError, GraphRefusedError
from social_integrations.graph.client import GraphClient
from social_integrations.graph.errors import explain
from social_integrations.models import ConnectedAccount

from .clients import client_for_account

logger = logging.getLogger(__name__)

# Meta: the Page call only has to install the app; Instagram's fields come from the app's own
# webhook settings. `feed` needs no messaging permission of the Page.
FALLBACK_FIELDS = ("feed",)
# 200: a field wants a permission that was not granted. 100: a field name Meta does not know.
FIELDS_REFUSED = frozenset({100, 200})


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionOutcome:
    """Whether Meta delivers the account's events: the Page fields asked for, or why not."""

    subscribed: bool
    fields: tuple[str, ...] = ()
    reason: str = ""


def subscribe_page(*, account: ConnectedAccount) -> SubscriptionOutcome:
    """Install the Meta app on the account's Page; never raises a Graph error. No database.

    Meta: `POST /{page}/subscribed_apps` with the Page's token; needs `pages_manage_metadata`.
    """
    client = client_for_account(account)
    try:
        try:
            return _subscribe(client, account.page_id, app_settings.SUBSCRIBED_FIELDS)
        except GraphRefusedError as error:
            if error.code not in FIELDS_REFUSED:
                raise
            logger.info("Page %s: Meta refused the fields (%s)", account.page_id, error.code)
            return _subscribe(client, account.page_id, FALLBACK_FIELDS)
    except GraphError as error:
        logger.warning("Page %s could not be subscribed: %s", account.page_id, error)
        return SubscriptionOutcome(subscribed=False, reason=_words(error))


def record_subscription(*, account: ConnectedAccount, outcome: SubscriptionOutcome) -> None:
    """Write the outcome on the account."""
    account.webhook_subscribed_at = timezone.now() if outcome.subscribed else None
    account.status_reason = outcome.reason
    account.save(update_fields=["webhook_subscribed_at", "status_reason"])


def _subscribe(client: GraphClient, page_id: str, fields: tuple[str, ...]) -> SubscriptionOutcome:
    answer = client.post(f"{page_id}/subscribed_apps", {"subscribed_fields": ",".join(fields)})
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
