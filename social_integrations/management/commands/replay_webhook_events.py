"""Hand ledger items to the worker once more."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from social_integrations.events import kinds
from social_integrations.models import WebhookEvent
from social_integrations.services.applying import requeue


class Command(BaseCommand):
    """Chooses by id, range, kind, status or date; applying an item twice changes nothing."""

    help = (
        "Put webhook events back to be applied again: one, a range, a kind, a status, or all that "
        "failed since a date. Conditions are combined; at least one is needed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Offer every way to choose."""
        parser.add_argument("ids", nargs="*", type=int, help="ids of webhook events")
        parser.add_argument("--from-id", type=int, help="this id and everything after it")
        parser.add_argument("--to-id", type=int, help="this id and everything before it")
        parser.add_argument("--kind", choices=kinds.ALL, help="items of one kind")
        parser.add_argument(
            "--status", choices=WebhookEvent.Status.values, help="items in one status"
        )
        parser.add_argument(
            "--failed-since", type=_moment, help="failed items received since: 2026-11-22[T09:00]"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="only say how many items these are"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Put the chosen items back."""
        chosen = _chosen(options)
        if chosen is None:
            raise CommandError("Say which: ids, --from-id, --to-id, --kind, --status, …")
        if options["dry_run"]:
            self.stdout.write(f"{chosen.count()} items would be put back.")
            return
        count = requeue(chosen)
        self.stdout.write(f"{count} items put back; the worker applies them soon.")


def _chosen(options: dict[str, Any]) -> QuerySet[WebhookEvent] | None:
    conditions = {
        "pk__in": options["ids"],
        "pk__gte": options["from_id"],
        "pk__lte": options["to_id"],
        "kind": options["kind"],
        "status": options["status"],
        "received_at__gte": options["failed_since"],
    }
    if options["failed_since"]:
        conditions["status"] = WebhookEvent.Status.FAILED
    wanted = {name: value for name, value in conditions.items() if value}
    return WebhookEvent.objects.filter(**wanted) if wanted else None


def _moment(text: str) -> datetime:
    day = parse_date(text)
    moment = datetime(day.year, day.month, day.day) if day else parse_datetime(text)  # noqa: DTZ001
    if moment is None:
        raise ValueError(text)
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
