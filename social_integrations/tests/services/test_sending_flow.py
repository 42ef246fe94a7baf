"""Sending from end to end: jobs of the worker, the emulator over HTTP, echoes it delivers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db.models import F
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
from social_integrations.models import CallBudget, Conversation, Job, Message
from social_integrations.services import budget, sending
from social_integrations.services.applying import apply_pending
from social_integrations.services.drafts import Draft, QuickReply
from social_integrations.services.intake import store_delivery
from social_integrations.tasks import run_next_job
from social_integrations.tests.factories import make_account
from social_integrations.tests.sends import fresh

__all__ = ["crm"]  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class World:
    """Meta, as the emulator plays it, and a conversation with one of its people."""

    meta: Client
    crm: Crm
    taken: int = 0

    def work(self) -> None:
        """Take in what was delivered, and run every job that is due."""
        while self.taken < len(self.crm.received):
            store_delivery(self.crm.received[self.taken][1])
            self.taken += 1
        while apply_pending() or run_next_job():
            pass

    def wait(self) -> None:
        """Let what waits become due: pauses, tries, looks."""
        hour = timedelta(hours=1)
        Job.objects.filter(state="ready").update(due_at=timezone.now())
        CallBudget.objects.update(free_at=timezone.now())
        Message.objects.filter(status="queued").update(send_started_at=F("send_started_at") - hour)

    def heard(self) -> None:
        """Wait for one more delivery, and take it in."""
        before = self.taken
        wait_until(lambda: len(self.crm.received) > before)
        self.work()

    def at_meta(self) -> list[str]:
        """Return the texts the business sent, as Meta has them."""
        shown = self.meta.state()["threads"][0]["messages"]
        return [one["text"] for one in shown if one["from"] == "business"]

    @property
    def conversation(self) -> Conversation:
        return Conversation.objects.select_related("contact__account").get()

    def ours(self) -> list[Message]:
        return list(Message.objects.filter(direction="outbound").order_by("id"))


@pytest.fixture
def world(crm: Crm, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setitem(budget.INTERVALS, budget.CONVERSATIONS, 0.0)
    config = EmulatorConfig(
        app_id="100000000000001",
        app_secret="app-secret",
        verify_token="verify-me",
        redirect_uri=REDIRECT,
        webhook_url=crm.url,
        retry_delays=(0.05, 0.1),
        handshake_patience=0,
        webhook_timeout=0.5,
    )
    with running_emulator(config) as running:
        settings.INSTAGRAM_APP_ID = config.app_id
        settings.INSTAGRAM_APP_SECRET = [config.app_secret]
        settings.INSTAGRAM_FACEBOOK_GRAPH_URL = running.url
        meta = Client(running)
        page = meta.subscribe()
        known = next(one for one in meta.state()["pages"] if one["id"] == page["id"])
        make_account(
            instagram_account_id=known["instagram"]["id"],
            page_id=page["id"],
            access_token=page["access_token"],
        )
        found = World(meta, crm)
        meta.control("messages", text="Hello?")
        found.heard()
        yield found


def test_parts_quoted_reply_quick_replies_and_a_reaction(world: World) -> None:
    theirs = Message.objects.get()
    draft = Draft(
        text=" ".join(["word"] * 300),
        reply_to_mid=theirs.mid or "",
        quick_replies=(QuickReply(title="Thanks", payload="THANKS"),),
    )
    parts = sending.send(conversation=world.conversation, draft=draft)
    reaction = sending.react(message=theirs, emoji="❤️")
    sending.show_typing(conversation=world.conversation, on=True)
    world.work()
    wait_until(lambda: len(items(world.crm)) >= 3)
    world.work()
    assert [fresh(part).status for part in parts] == ["sent", "sent"]
    assert world.at_meta() == [part.text for part in parts]
    assert len(world.ours()) == len(parts)
    reaction.refresh_from_db()
    assert (reaction.delivery, reaction.error_text) == ("sent", "")
    what = {row["what"]: row["request"] for row in world.meta.get("/_control/sent").json()["sent"]}
    assert {"message", "action"} <= what.keys()


@pytest.mark.parametrize(
    ("answer", "status", "count"),
    [
        ("lost", "sent", 1),  # its echo tells
        ("half", "sent", 1),
        ("1/1357046", "sent", 1),
        ("2", "sent", 1),  # looked for, not there, sent again
        ("613", "sent", 1),
        ("dropped", "unknown", 0),
        ("html", "unknown", 0),
        ("10/2534022", "failed", 0),
        ("100/2534015", "failed", 0),
    ],
)
def test_whatever_meta_answers(world: World, answer: str, status: str, count: int) -> None:
    world.meta.control("next-send", answer=answer)
    (message,) = sending.send(conversation=world.conversation, draft=Draft(text="On its way"))
    world.work()
    for _ in range(3):
        world.wait()
        world.work()
    if count:
        wait_until(lambda: len(items(world.crm)) >= 2)
        world.work()
    assert fresh(message).status == status
    assert world.at_meta() == ["On its way"] * count
    assert world.meta.get("/_control/sent").json()["doubles"] == []
    assert world.ours() == [message]
    assert bool(fresh(message).error_text) is (status != "sent")


def test_sent_although_refused_for_now_is_found_and_not_sent_again(world: World) -> None:
    world.meta.control("next-send", answer="2", sent=True)
    (message,) = sending.send(conversation=world.conversation, draft=Draft(text="On its way"))
    while run_next_job():
        pass
    assert fresh(message).status == "unknown"
    world.wait()
    while run_next_job() or apply_pending():
        pass
    assert fresh(message).status == "sent"
    assert world.at_meta() == ["On its way"]
