"""The worker's sign of life: one row, whoever writes it."""

from datetime import UTC, datetime

import pytest
import time_machine

from social_integrations.models import Heartbeat
from social_integrations.services.heartbeat import beat, last_beat
from social_integrations.tasks import sweep

pytestmark = pytest.mark.django_db


def test_there_is_one_row_with_the_latest_moment() -> None:
    assert last_beat() is None
    for minute in (0, 1):
        moment = datetime(2026, 11, 22, 12, minute, tzinfo=UTC)
        with time_machine.travel(moment, tick=False):
            beat()
        assert last_beat() == moment
    assert Heartbeat.objects.count() == 1


def test_a_sweep_is_a_sign_of_life() -> None:
    sweep()
    assert last_beat() is not None
