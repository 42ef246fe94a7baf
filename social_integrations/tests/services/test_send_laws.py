"""Whatever the order of Meta's answers, echoes, copies and repetitions: one row for each send."""

from datetime import datetime, timedelta
from typing import Any, TypeAlias

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from social_integrations.models import ConnectedAccount, Conversation, Message, WebhookEvent
from social_integrations.services.applying import apply_pending
from social_integrations.services.intake import store_delivery, store_imported
from social_integrations.services.outbound import confirm_sent
from social_integrations.services.outbox import lock_conversation
from social_integrations.services.unknown import mark_unknown
from social_integrations.tests.factories import make_account, make_contact
from social_integrations.tests.payloads import ACCOUNT_ID, CUSTOMER_ID, encode

Step: TypeAlias = tuple[str, int]
"""What happens, to the how-manieth of our messages."""

WITNESSES = ("answer", "echo", "standby", "copy")
LATER = ("unknown", "reaction", "seen")


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[str], list[Step]]:
    """Draw the texts of one to three sends and what happens, each named by at least one witness."""
    texts = draw(st.lists(st.sampled_from(["On its way", "ok"]), min_size=1, max_size=3))
    steps: list[Step] = []
    for number in range(len(texts)):
        told_by = draw(st.lists(st.sampled_from(WITNESSES), min_size=1, max_size=4))
        more = draw(st.lists(st.sampled_from(LATER), max_size=2))
        steps += [(step, number) for step in [*told_by, *more]]
    return texts, draw(st.permutations(steps))


class Sends:
    """Some messages whose calls have begun, and Meta, which knows each under an id."""

    def __init__(self, texts: list[str]) -> None:
        self.account = make_account(instagram_account_id=ACCOUNT_ID)
        contact = make_contact(account=self.account, igsid=CUSTOMER_ID)
        self.conversation = Conversation.objects.create(contact=contact)
        self.now = timezone.now()
        self.messages = [self._begin(number, text) for number, text in enumerate(texts)]

    def _begin(self, number: int, text: str) -> Message:
        began = self.now + timedelta(seconds=number)
        return Message.objects.create(
            account=self.account,
            conversation=self.conversation,
            direction="outbound",
            source="crm",
            kind="text",
            text=text,
            status="sending",
            sent_at=began,
            received_at=began,
            send_started_at=began,
            send_attempts=1,
        )

    def at(self, number: int) -> datetime:
        return self.now + timedelta(seconds=number)

    def item(self, number: int, *, echo: bool, **content: Any) -> dict[str, Any]:
        parties = (ACCOUNT_ID, CUSTOMER_ID) if echo else (CUSTOMER_ID, ACCOUNT_ID)
        return {
            "sender": {"id": parties[0]},
            "recipient": {"id": parties[1]},
            "timestamp": int(self.at(number).timestamp() * 1000),
            **content,
        }

    def take(self, step: str, number: int) -> None:
        """Let something happen."""
        message, mid = self.messages[number], f"m-{number}"
        if step == "answer":
            confirm_sent(message_id=message.pk, mid=mid)
        elif step == "unknown":
            self._lose_answer(message)
        elif step == "copy":
            store_imported(self.account, [self._copy(number, message.text)])
        elif step in ("echo", "standby"):
            content = {"mid": mid, "text": message.text, "is_echo": True}
            wrapper = "standby" if step == "standby" else "messaging"
            self._deliver(self.item(number, echo=True, message=content), wrapper)
        elif step == "reaction":
            reaction = {"mid": mid, "action": "react", "emoji": "❤", "reaction": "love"}
            self._deliver(self.item(number, echo=False, reaction=reaction))
        else:
            self._deliver(self.item(number, echo=False, read={"mid": mid}))
        while apply_pending():
            pass

    def _lose_answer(self, message: Message) -> None:
        lock_conversation(self.conversation.pk)
        found = Message.objects.get(pk=message.pk)
        if found.status == "sending":
            mark_unknown(found)

    def _copy(self, number: int, text: str) -> dict[str, Any]:
        return {
            "id": f"m-{number}",
            "created_time": f"{self.at(number):%Y-%m-%dT%H:%M:%S}+0000",
            "from": {"id": ACCOUNT_ID},
            "to": {"data": [{"id": CUSTOMER_ID}]},
            "message": text,
        }

    def _deliver(self, item: dict[str, Any], wrapper: str = "messaging") -> None:
        entry = {"id": ACCOUNT_ID, "time": 1, wrapper: [item]}
        store_delivery(encode({"object": "instagram", "entry": [entry]}))


@pytest.mark.django_db
@given(history=histories())
def test_one_row_for_each_send(history: tuple[list[str], list[Step]]) -> None:
    texts, steps = history
    sends = Sends(texts)
    try:
        for step, number in steps:
            sends.take(step, number)
        rows = list(Message.objects.order_by("id"))
        # No row more and none less: none doubled, none swallowed.
        assert [row.pk for row in rows] == [message.pk for message in sends.messages]
        assert [row.text for row in rows] == texts
        assert {row.status for row in rows} == {"sent"}
        assert sorted(str(row.mid) for row in rows) == [f"m-{n}" for n in range(len(texts))]
        # Where Meta has answered, the answer is what counts.
        for step, number in steps:
            if step == "answer":
                assert rows[number].mid == f"m-{number}"
    finally:
        WebhookEvent.objects.all().delete()
        ConnectedAccount.objects.all().delete()
