"""A worker killed at any step of a send: nothing is sent twice, nothing is lost, everything told.

Every write of the sending job, and Meta's side of the call, is a step; at each the worker ends just
before or just after it. `make chaos` (F11) does the same to real processes, five hundred times.
"""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from requests import PreparedRequest

from social_integrations.models import Conversation, Job, Message
from social_integrations.services import budget, sending
from social_integrations.services.applying import apply_pending
from social_integrations.services.delivering import deliver
from social_integrations.services.drafts import Draft
from social_integrations.services.looking import look_for
from social_integrations.services.send_recovery import recover
from social_integrations.tests.factories import make_account
from social_integrations.tests.graph.answers import FakeMeta
from social_integrations.tests.payloads import ACCOUNT_ID
from social_integrations.tests.sends import MESSAGES, age, deliver_item, fresh, open_conversation

WRITES = ("INSERT", "UPDATE", "DELETE")
PAGE = "700100200301"


class Killed(BaseException):
    """The worker is no more."""


class Doom:
    """Ends the worker before or after one of its steps; counts them all."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.at, self.after, self.steps = at, after, 0

    def __call__(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if not sql.startswith(WRITES):
            return execute(sql, *rest)
        return self.step(lambda: execute(sql, *rest))

    def step(self, act: Callable[[], Any]) -> Any:
        """Do something, unless this is where it ends."""
        self.steps += 1
        if self.steps == self.at and not self.after:
            raise Killed
        result = act()
        if self.steps == self.at:
            raise Killed
        return result


class Meta:
    """Keeps what it was sent, answers, and shows it in its conversations."""

    def __init__(self, fake: FakeMeta) -> None:
        self.doom: Doom | None = None
        self.sent: list[tuple[str, str, str]] = []
        """Person, id and text."""
        fake.ask("POST", MESSAGES, self._take)
        fake.ask("GET", f"{PAGE}/conversations", self._thread)

    def count(self) -> Counter[str]:
        return Counter(text for _person, _mid, text in self.sent)

    def show(self, fake: FakeMeta, igsid: str) -> None:
        fake.ask("GET", f"t-{igsid}", lambda _request: self._messages(igsid))

    def _take(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        body = json.loads(request.body or "")
        mid = f"m-{len(self.sent) + 1}"

        def keep() -> None:
            self.sent.append((body["recipient"]["id"], mid, body["message"]["text"]))

        self.doom.step(keep) if self.doom else keep()
        return 200, {}, json.dumps({"recipient_id": body["recipient"]["id"], "message_id": mid})

    def _thread(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        igsid = str(request.params["user_id"])  # type: ignore[attr-defined]
        return 200, {}, json.dumps({"data": [{"id": f"t-{igsid}"}]})

    def _messages(self, igsid: str) -> tuple[int, dict[str, str], str]:
        shown = [
            {
                "id": mid,
                "created_time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}+0000",
                "from": {"id": ACCOUNT_ID},
                "to": {"data": [{"id": igsid}]},
                "message": text,
            }
            for person, mid, text in reversed(self.sent)
            if person == igsid
        ]
        return 200, {}, json.dumps({"messages": {"data": shown}})


@pytest.fixture(autouse=True)
def no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(budget.INTERVALS, budget.CONVERSATIONS, 0.0)


def work(conversation: Conversation, doom: Doom, meta: Meta) -> bool:
    """Send what is queued under the doom; return whether the worker lived."""
    meta.doom = doom
    try:
        with connection.execute_wrapper(doom):
            deliver(conversation_id=conversation.pk)
    except Killed:
        return False
    finally:
        meta.doom = None
    return True


def recovered(conversation: Conversation, parts: list[Message]) -> None:
    """Let a minute pass, and other workers do what they do."""
    for part in parts:
        age(part, seconds=61)
    Job.objects.all().delete()
    recover()
    deliver(conversation_id=conversation.pk)
    for part in parts:
        look_for(message_id=part.pk, look=3)
    while apply_pending():
        pass
    deliver(conversation_id=conversation.pk)


def echoes(meta: Meta, igsid: str) -> None:
    for person, mid, text in meta.sent:
        if person == igsid:
            deliver_item(
                {
                    "sender": {"id": ACCOUNT_ID},
                    "recipient": {"id": igsid},
                    "timestamp": int(datetime.now(UTC).timestamp() * 1000),
                    "message": {"mid": mid, "text": text, "is_echo": True},
                }
            )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("echo", ["at once", "never"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_every_step(meta: FakeMeta, after: bool, echo: str) -> None:
    stand_in = Meta(meta)
    account = make_account(instagram_account_id=ACCOUNT_ID, page_id=PAGE)
    lived, at = False, 0
    while not lived:
        at += 1
        igsid = f"{1000 + at}"
        stand_in.show(meta, igsid)
        conversation = open_conversation(account, igsid=igsid)
        text = " ".join([f"{at:04}"] * 250)
        parts = sending.send(conversation=conversation, draft=Draft(text=text))
        assert len(parts) > 1
        lived = work(conversation, Doom(at, after=after), stand_in)
        if echo == "at once":
            echoes(stand_in, igsid)
        recovered(conversation, parts)
        _judge(stand_in, parts)
        for part in map(fresh, parts):
            if part.status == "unknown":
                sending.settle(message=part, arrived=False)
                deliver(conversation_id=conversation.pk)
        mids = [fresh(part).mid for part in parts]
        assert all(fresh(part).status == "sent" for part in parts)
        # In the order they were written, and no row beside them.
        assert mids == [mid for person, mid, _text in stand_in.sent if person == igsid]
        assert conversation.messages.filter(direction="outbound").count() == len(parts)
    assert at > 10
    assert set(stand_in.count().values()) == {1}


def _judge(meta: Meta, parts: list[Message]) -> None:
    """Sent once and said so, or not at all and said to be unknown."""
    assert set(meta.count().values()) <= {1}
    igsid = parts[0].conversation.contact.igsid
    at_meta = sum(person == igsid for person, _mid, _text in meta.sent)
    states = Counter(fresh(part).status for part in parts)
    assert states["sent"] == at_meta
    assert states["sent"] + states["unknown"] + states["queued"] == len(parts)
    if states["queued"]:
        assert states["unknown"] == 1  # it waits for a person, and says why
    for part in map(fresh, parts):
        if part.status == "unknown":
            assert part.error_text
            assert part.error_action
