"""Delete what the delivery ledger has kept long enough; conversations are no part of this."""

import time
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from social_integrations.conf import app_settings
from social_integrations.exceptions import NotYet
from social_integrations.models import WebhookEvent

from .locks import skip_locked

Status = WebhookEvent.Status

# Applied, or in vain after so long: what they wait for will not come any more. Rows that failed or
# were not understood stay: each may be a message a person has not seen yet.
ENDED = (Status.APPLIED, Status.TEST, Status.PARKED, Status.ORPHANED)
ROWS_PER_BATCH = 1_000
# A job stays well below its lease; the rest has a turn of its own.
BUDGET_SECONDS = 20.0
PAUSE_SECONDS = 5.0


def prune_ledger(*, seconds: float = BUDGET_SECONDS) -> int:
    """Delete ended ledger rows older than `INSTAGRAM_LEDGER_DAYS`; return how many.

    A delivery that is repeated afterwards changes nothing: messages are known by Meta's ids. Raises
    `NotYet` after so many seconds if there is more.
    """
    days = app_settings.LEDGER_DAYS
    if days < 1:
        return 0
    before, ends = timezone.now() - timedelta(days=days), time.monotonic() + seconds
    total = 0
    old = WebhookEvent.objects.filter(status__in=ENDED, received_at__lt=before).order_by("id")
    while True:
        with transaction.atomic():
            keys = list(skip_locked(old).values_list("pk", flat=True)[:ROWS_PER_BATCH])
            WebhookEvent.objects.filter(pk__in=keys).delete()
        total += len(keys)
        if len(keys) < ROWS_PER_BATCH:
            return total
        if time.monotonic() > ends:
            raise NotYet(PAUSE_SECONDS)
