"""Automation from end to end: the worker's jobs, the emulator over HTTP, and what it delivers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any

import pytest
import requests
from django.utils import timezone
from pytest_django import Settings

from social_integrations.emulator.config import EmulatorConfig
from social_integrations.emulator.server import running_emulator
from social_integrations.emulator.tests.conftest import (
    REDIRECT,
    Client,
    Crm,
    crm,
    items,
    wait_until,
)
from social_integrations.models import (
    AwayMessage,
    CallBudget,
    ConnectedAccount,
    IceBreaker,
    MenuEntry,
    Message,
    OpeningHours,
)
from social_integrations.services.applying import apply_pending
from social_integrations.services.intake import store_delivery
from social_integrations.services.messenger_profiles import (
    standing_of,
    want_compare,
    want_push,
)
from social_integrations.tasks import run_next_job
from social_integrations.tests.factories import make_account, make_messenger_profile

__all__ = ["crm"]  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "We are away. This is an automatic answer."


@dataclass
class World:
    """Meta, as the emulator plays it, and this CRM with one of its accounts connected."""

    meta: Client
    crm: Crm
    account: ConnectedAccount
    token: str
    taken: int = 0

    def work(self) -> None:
        """Take in what was delivered, and run every job that is due."""
        while self.taken < len(self.crm.received):
            store_delivery(self.crm.received[self.taken][1])
            self.taken += 1
        while apply_pending() or run_next_job():
            pass

    def profile(self) -> dict[str, Any]:
        """Return ice breakers and menu as Meta has them."""
        page = next(one for one in self.meta.state()["pages"] if one["id"] == self.account.page_id)
        return dict(page.get("profile") or {})

    def customer(self, **body: Any) -> None:
        """Let a customer do something, and wait for its delivery."""
        before = len(items(self.crm))
        self.meta.control("messages", **body)
        wait_until(lambda: len(items(self.crm)) > before)

    def answers(self) -> list[Message]:
        """Return what automation sent."""
        return list(Message.objects.filter(author="automation").order_by("id"))


@pytest.fixture
def world(crm: Crm, settings: Settings) -> Iterator[World]:
    config = EmulatorConfig(
        app_id="100000000000001",
        app_secret="app-secret",
        verify_token="verify-me",
        redirect_uri=REDIRECT,
        webhook_url=crm.url,
        handshake_patience=0,
    )
    with running_emulator(config) as running:
        settings.INSTAGRAM_APP_ID = config.app_id
        settings.INSTAGRAM_APP_SECRET = [config.app_secret]
        settings.INSTAGRAM_FACEBOOK_GRAPH_URL = running.url
        meta = Client(running)
        page = meta.subscribe()
        known = next(one for one in meta.state()["pages"] if one["id"] == page["id"])
        account = make_account(
            instagram_account_id=known["instagram"]["id"],
            page_id=page["id"],
            access_token=page["access_token"],
        )
        yield World(meta, crm, account, page["access_token"])


def test_what_is_written_here_stands_at_instagram(world: World) -> None:
    profile = make_messenger_profile(account=world.account)
    want_push(profile)
    world.work()
    profile.refresh_from_db()
    assert world.profile() == profile.content
    assert standing_of(profile).label == "At Instagram"

    # Another app changes it there.
    requests.delete(
        f"{world.meta.running.url}/v26.0/me/messenger_profile",
        params={"access_token": world.token},
        json={"platform": "instagram", "fields": ["persistent_menu"]},
        timeout=5,
    )
    CallBudget.objects.all().delete()
    want_compare(profile)
    world.work()
    profile.refresh_from_db()
    assert standing_of(profile).label == "Differs at Instagram"

    IceBreaker.objects.all().delete()
    MenuEntry.objects.all().delete()
    CallBudget.objects.all().delete()
    want_push(profile)
    world.work()
    profile.refresh_from_db()
    assert world.profile() == {}
    assert standing_of(profile).label == "At Instagram"


def test_who_writes_outside_the_hours_gets_one_answer(world: World) -> None:
    away = AwayMessage.objects.create(account=world.account, enabled=True, text=TEXT)
    world.customer(text="Are you there?")
    world.work()
    wait_until(lambda: any(item.get("message", {}).get("is_echo") for item in items(world.crm)))
    world.work()
    (answer,) = world.answers()
    assert (answer.status, answer.text, answer.tag) == ("sent", TEXT, "")
    assert answer.mid
    world.customer(text="Hello??")
    world.work()
    assert len(world.answers()) == 1
    assert Message.objects.filter(direction="outbound").count() == 1

    # Somebody is there now: the rest is silence.
    AwayMessage.objects.filter(pk=away.pk).update(cooldown_hours=1)
    Message.objects.filter(pk=answer.pk).update(sent_at=timezone.now() - timedelta(hours=2))
    for weekday in range(7):
        OpeningHours.objects.create(
            away_message=away, weekday=weekday, opens=time(0), closes=time(0)
        )
    world.customer(text="Good morning")
    world.work()
    assert len(world.answers()) == 1


def test_a_tapped_question_is_answered_too(world: World) -> None:
    AwayMessage.objects.create(account=world.account, enabled=True, text=TEXT)
    profile = make_messenger_profile(account=world.account)
    want_push(profile)
    world.work()
    before = len(items(world.crm))
    world.meta.event("postback", payload="HOURS", title="When are you open?")
    wait_until(lambda: len(items(world.crm)) > before)
    world.work()
    assert Message.objects.get(direction="inbound").postback == {
        "title": "When are you open?",
        "payload": "HOURS",
    }
    assert [answer.status for answer in world.answers()] == ["sent"]
