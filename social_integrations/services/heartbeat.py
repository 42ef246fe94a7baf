"""A sign of life of the worker, seen by every process that shares the database."""

from datetime import datetime

from django.utils import timezone

from social_integrations.models import Heartbeat

SWEEP = "sweep"


def beat() -> None:
    """Note that a worker has just done its sweep; one statement, whoever else does the same."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=SWEEP, beat_at=timezone.now())],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["beat_at"],
    )


def last_beat() -> datetime | None:
    """Return when a worker was last alive; None if there never was one."""
    return Heartbeat.objects.filter(name=SWEEP).values_list("beat_at", flat=True).first()
