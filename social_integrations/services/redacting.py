"""Take the content of unsent messages out of the ledger."""

from collections.abc import Collection, Iterable
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from social_integrations.events import kinds
from social_integrations.events.redaction import redact
from social_integrations.models import WebhookEvent

from .locks import skip_locked


def redact_items(event_keys: Iterable[str]) -> None:
    """Reduce ledger items to ids and times; in the caller's transaction."""
    keys = list(event_keys)
    if keys:
        _redact(WebhookEvent.objects.filter(event_key__in=keys))


def redact_waiting(awaited: Collection[tuple[int, str]]) -> None:
    """Redact what waits for a message whose unsend waits as well.

    `awaited` are account and `mid:…`; only those an unsend waits for are touched. So an edit
    keeps no text of a message that was taken back before it ever came.
    """
    accounts = {account for account, _ in awaited}
    names = {name for _, name in awaited}
    if not names:
        return
    waiting = WebhookEvent.objects.filter(
        status=WebhookEvent.Status.PARKED, account__in=accounts, awaits__in=names
    )
    unsent = set(waiting.filter(kind=kinds.MESSAGE_DELETED).values_list("account_id", "awaits"))
    if unsent:
        named = [Q(account=account, awaits=name) for account, name in unsent]
        _redact(waiting.exclude(kind=kinds.MESSAGE_DELETED).filter(reduce(or_, named)))


def _redact(items: QuerySet[WebhookEvent]) -> None:
    """Redact what no other worker holds; one that applies an item then finds it unsent itself."""
    rows = list(skip_locked(items))
    for row in rows:
        row.payload = redact(row.wrapper, row.payload)
    WebhookEvent.objects.bulk_update(rows, ["payload"], batch_size=200)
