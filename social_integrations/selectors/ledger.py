"""How the ledger stands."""

from datetime import datetime

from django.db.models import Count

from social_integrations.models import WebhookEvent


def ledger_counts() -> dict[str, int]:
    """Return how many ledger items stand in each state except applied, which is nearly all."""
    rows = (
        WebhookEvent.objects.exclude(status=WebhookEvent.Status.APPLIED)
        .order_by()
        .values_list("status")
        .annotate(Count("id"))
    )
    return dict(rows)


def oldest_waiting() -> datetime | None:
    """Return when the ledger item that waits longest was received."""
    waiting = WebhookEvent.objects.filter(status=WebhookEvent.Status.RECEIVED)
    return waiting.order_by("id").values_list("received_at", flat=True).first()
