"""The feed of changes: nothing is lost, however transactions overlap; nothing changed is cheap."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisCase

from social_integrations.models import Conversation
from social_integrations.selectors import changes, feed_start
from social_integrations.selectors.feed import MOST, OVERLAP
from social_integrations.services.conversations import set_status
from social_integrations.services.outbox import lock_conversation, touch
from social_integrations.tests.factories import (
    make_account,
    make_contact,
    make_conversation,
    make_superuser,
)

LAG = int(OVERLAP.total_seconds()) - 1
STEPS = st.lists(
    st.one_of(st.none(), st.tuples(st.integers(0, 3), st.integers(0, LAG))), max_size=20
)


def told(user: Any, cursor: str) -> tuple[list[int], str]:
    page = changes(user, cursor)
    assert not page.is_reset
    return sorted(row.conversation.pk for row in page.rows), page.cursor


class TestLaw(HypothesisCase):
    def setUp(self) -> None:
        self.user = make_superuser()
        account = make_account()
        self.rows = [make_conversation(contact=make_contact(account=account)) for _ in range(4)]

    @given(steps=STEPS)
    def test_every_change_is_told_however_late_it_commits(
        self, steps: list[tuple[int, int] | None]
    ) -> None:
        Conversation.objects.update(changed_at=None)
        cursor, clock = feed_start(), timezone.now()
        written: dict[int, datetime] = {}
        untold: set[int] = set()
        for step in [*steps, None]:
            clock += timedelta(milliseconds=400)
            if step is None:
                found, cursor = told(self.user, cursor)
                assert untold <= set(found)
                untold.clear()
                again, _same = told(self.user, cursor)
                assert again == []
                continue
            row, lag = self.rows[step[0]], step[1]
            # The row's lock keeps its own moments in order; among rows they are not.
            earliest = written.get(row.pk, clock - OVERLAP) + timedelta(microseconds=1)
            written[row.pk] = max(earliest, clock - timedelta(seconds=lag))
            Conversation.objects.filter(pk=row.pk).update(changed_at=written[row.pk])
            untold.add(row.pk)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite writes one after the other")
def test_a_change_that_commits_after_a_later_one_is_told() -> None:
    user = make_superuser()
    slow, quick = make_conversation(), make_conversation()
    cursor = feed_start()
    written, may_commit = threading.Event(), threading.Event()

    def change_slowly() -> None:
        with transaction.atomic():
            touch(lock_conversation(slow.pk), status="closed")
            written.set()
            may_commit.wait(10)
        connection.close()

    thread = threading.Thread(target=change_slowly)
    thread.start()
    assert written.wait(10)
    set_status(conversation_id=quick.pk, status="closed")
    found, cursor = told(user, cursor)
    assert found == [quick.pk]
    may_commit.set()
    thread.join()
    slow.refresh_from_db()
    quick.refresh_from_db()
    assert slow.changed_at
    assert quick.changed_at
    assert slow.changed_at < quick.changed_at
    found, cursor = told(user, cursor)
    assert found == [slow.pk]
    assert told(user, cursor)[0] == []


@pytest.mark.django_db
def test_more_changes_than_are_told_at_once_call_for_a_fresh_look() -> None:
    user, account = make_superuser(), make_account()
    cursor = feed_start()
    rows = [make_conversation(contact=make_contact(account=account)) for _ in range(MOST + 1)]
    Conversation.objects.update(changed_at=timezone.now())
    page = changes(user, cursor)
    assert (page.is_reset, page.rows) == (True, [])
    Conversation.objects.exclude(pk=rows[0].pk).update(changed_at=timezone.now() - 2 * OVERLAP)
    assert told(user, page.cursor)[0] == [rows[0].pk]


@pytest.mark.django_db
def test_cursors_stay_short_enough_for_an_address() -> None:
    user, account = make_superuser(), make_account()
    cursor = feed_start()
    for _ in range(MOST):
        make_conversation(contact=make_contact(account=account), changed_at=timezone.now())
    found, cursor = told(user, cursor)
    assert len(found) == MOST
    assert len(cursor) < 2500
    assert told(user, cursor)[0] == []
