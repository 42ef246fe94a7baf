"""The ledger's end: what is deleted after its days, what stays, and that nothing comes back."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from social_integrations.exceptions import NotYet
from social_integrations.models import Job, WebhookEvent
from social_integrations.services import jobs, retention
from social_integrations.services.intake import store_delivery
from social_integrations.tasks import run_next_job
from social_integrations.tests.conversations import apply_all, canonical
from social_integrations.tests.factories import make_account
from social_integrations.tests.payloads import (
    ACCOUNT_ID,
    batch_payload,
    encode,
    load,
    names,
    text_payload,
)

pytestmark = pytest.mark.django_db

DAYS = 30


def aged(status: str, age: timedelta, number: int = 0) -> WebhookEvent:
    """Store one item, and have it be so old and in a status."""
    store_delivery(encode(text_payload(f"m-{status}-{age.total_seconds()}-{number}")))
    row = WebhookEvent.objects.latest("id")
    WebhookEvent.objects.filter(pk=row.pk).update(status=status, received_at=timezone.now() - age)
    return row


@pytest.mark.parametrize("status", ["applied", "test", "parked", "orphaned"])
def test_ended_rows_go_after_their_days_and_not_a_minute_earlier(status: str) -> None:
    aged(status, timedelta(days=DAYS, minutes=1))
    newer = aged(status, timedelta(days=DAYS) - timedelta(minutes=1))
    assert retention.prune_ledger() == 1
    assert WebhookEvent.objects.get() == newer


@pytest.mark.parametrize("status", ["received", "failed", "unknown"])
def test_what_may_be_a_message_nobody_has_seen_stays(status: str) -> None:
    row = aged(status, timedelta(days=800))
    assert retention.prune_ledger() == 0
    assert WebhookEvent.objects.get() == row


@pytest.mark.parametrize(("days", "left"), [(0, 1), (-3, 1), (7, 0)])
def test_the_operator_says_how_long(settings: Settings, days: int, left: int) -> None:
    settings.INSTAGRAM_LEDGER_DAYS = days
    aged("applied", timedelta(days=8))
    retention.prune_ledger()
    assert WebhookEvent.objects.count() == left


def test_a_delivery_of_any_kind_that_is_repeated_afterwards_changes_nothing() -> None:
    make_account(instagram_account_id=ACCOUNT_ID)
    bodies = [encode(load(name)) for name in names()]
    for body in bodies:
        store_delivery(body)
        apply_all()
    before = canonical()
    WebhookEvent.objects.update(received_at=timezone.now() - timedelta(days=DAYS, minutes=1))
    assert retention.prune_ledger() > len(bodies) / 2
    for body in bodies:
        store_delivery(body)
        apply_all()
    assert canonical() == before


def test_a_large_ledger_is_deleted_in_turns() -> None:
    store_delivery(encode(batch_payload(retention.ROWS_PER_BATCH * 2 + 1)))
    WebhookEvent.objects.update(status="applied", received_at=timezone.now() - timedelta(days=99))
    with pytest.raises(NotYet):
        retention.prune_ledger(seconds=0)
    assert WebhookEvent.objects.count() == retention.ROWS_PER_BATCH + 1
    jobs.enqueue_all([jobs.NewJob(jobs.PRUNE_LEDGER, {})])
    assert run_next_job()
    assert not WebhookEvent.objects.exists()
    assert Job.objects.get().state == "done"
