"""A delivery is stored whole or not at all, whatever the database does meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DataError, Error, InterfaceError, OperationalError, connection, transaction

from social_integrations.models import WebhookEvent
from social_integrations.services.intake import (
    ITEMS_PER_STATEMENT,
    store_delivery,
    store_imported,
)
from social_integrations.tests.factories import make_account
from social_integrations.tests.graph import answers
from social_integrations.tests.payloads import (
    ACCOUNT_ID,
    CUSTOMER_ID,
    batch_payload,
    encode,
    load,
    names,
    text_payload,
)

pytestmark = pytest.mark.django_db

BODY = encode(text_payload("m-1"))
# An address where no database answers, for either of them.
NOWHERE = {"NAME": "/nowhere/at/all.sqlite3", "HOST": "127.0.0.1", "PORT": "1"}


@contextmanager
def no_database() -> Iterator[None]:
    """Lose the database: the connection is gone and a new one fails."""
    address = connection.settings_dict
    before = dict(address)
    connection.close()
    address.update(NOWHERE)
    try:
        yield
    finally:
        connection.close()
        address.update(before)


@contextmanager
def failing(*failures: Error | None) -> Iterator[list[str]]:
    """Let the next inserts into the ledger fail (None: succeed); gives the statements tried."""
    waiting, tried = list(failures), list[str]()

    def wrapper(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if "webhookevent" in sql and sql.startswith("INSERT"):
            tried.append(sql)
            if waiting and (failure := waiting.pop(0)):
                raise failure
        return execute(sql, *rest)

    with connection.execute_wrapper(wrapper):
        yield tried


class TestStored:
    @pytest.mark.parametrize("name", names())
    def test_it_says_how_many_items_it_held(self, name: str) -> None:
        count = store_delivery(encode(load(name)))
        assert count == WebhookEvent.objects.count() > 0

    def test_items_of_one_delivery_belong_together_in_order(self) -> None:
        store_delivery(encode(batch_payload(3)))
        store_delivery(BODY)
        rows = list(WebhookEvent.objects.order_by("received_at", "position"))
        assert [row.position for row in rows] == [0, 1, 2, 0]
        assert len({row.delivery_id for row in rows[:3]}) == 1
        assert rows[3].delivery_id != rows[0].delivery_id
        assert {(row.status, row.error, row.attempts) for row in rows} == {("received", "", 0)}

    def test_a_repetition_leaves_the_first_as_it_is(self) -> None:
        store_delivery(BODY)
        WebhookEvent.objects.update(status="applied", error="kept")
        store_delivery(BODY)
        assert list(WebhookEvent.objects.values_list("status", "error")) == [("applied", "kept")]

    def test_the_payload_is_what_meta_sent(self) -> None:
        payload = load("text_georgian_emoji")
        store_delivery(encode(payload))
        assert WebhookEvent.objects.get().payload == payload["entry"][0]["messaging"][0]

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": NaN}'])
    def test_what_is_not_json_is_refused_and_not_kept(self, body: bytes) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - the base of all of them is the contract
            store_delivery(body)
        assert not WebhookEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestLostDatabase:
    def test_an_unreachable_database_is_told(self) -> None:
        with no_database(), pytest.raises((OperationalError, InterfaceError)):
            store_delivery(BODY)
        assert not WebhookEvent.objects.exists()

    def test_once_it_is_back_the_repetition_is_stored(self) -> None:
        with no_database(), pytest.raises((OperationalError, InterfaceError)):
            store_delivery(BODY)
        store_delivery(BODY)
        assert WebhookEvent.objects.count() == 1

    @pytest.mark.parametrize("failure", [OperationalError, InterfaceError])
    def test_a_database_that_is_there_but_locked_or_full_is_not_asked_twice(
        self, failure: type[Error]
    ) -> None:
        with failing(failure("database is locked"), None) as tried, pytest.raises(failure):
            store_delivery(BODY)
        assert len(tried) == 1
        assert not WebhookEvent.objects.exists()

    def test_a_connection_the_server_ended_is_replaced(self) -> None:
        if connection.vendor != "postgresql":
            pytest.skip("SQLite has no server that could end a connection")
        store_delivery(encode(text_payload("m-0")))
        end_connection()
        assert store_delivery(BODY) == 1
        assert WebhookEvent.objects.count() == 2

    def test_a_delivery_of_several_statements_is_stored_whole_or_not_at_all(self) -> None:
        body = encode({"entry": [{"id": str(n)} for n in range(ITEMS_PER_STATEMENT + 1)]})
        gone = OperationalError("gone")
        with failing(None, gone) as tried, pytest.raises(OperationalError):
            store_delivery(body)
        assert len(tried) == 2
        assert not WebhookEvent.objects.exists()
        store_delivery(body)
        assert WebhookEvent.objects.count() == ITEMS_PER_STATEMENT + 1

    def test_what_is_stored_is_committed(self) -> None:
        store_delivery(BODY)
        connection.close()
        assert WebhookEvent.objects.count() == 1


def end_connection() -> None:
    """Let PostgreSQL end the connection of this thread, unnoticed."""
    other = connection.copy()
    try:
        with connection.cursor() as mine, other.cursor() as theirs:
            mine.execute("SELECT pg_backend_pid()")
            theirs.execute("SELECT pg_terminate_backend(%s, 2000)", mine.fetchone())
    finally:
        other.close()


class TestRefusedValue:
    def test_the_delivery_is_kept_as_text(self) -> None:
        with failing(DataError("invalid byte sequence")):
            store_delivery(BODY)
        event = WebhookEvent.objects.get()
        assert (event.kind, event.wrapper) == ("unknown", "body")
        assert event.payload == {"raw": BODY.decode()}

    def test_its_repetition_is_known_again(self) -> None:
        for _ in range(2):
            with failing(DataError("invalid byte sequence")):
                store_delivery(BODY)
        assert WebhookEvent.objects.count() == 1

    def test_a_second_refusal_is_told(self) -> None:
        with failing(DataError("x"), DataError("x")), pytest.raises(DataError):
            store_delivery(BODY)
        assert not WebhookEvent.objects.exists()


class TestImported:
    def test_graphs_messages_stand_in_the_ledger_like_deliveries(self) -> None:
        account = make_account(instagram_account_id=ACCOUNT_ID)
        messages = [answers.load("message_text"), answers.load("message_echo")]
        assert store_imported(account, messages) == 2
        rows = WebhookEvent.objects.order_by("kind")
        assert [(row.kind, row.payload) for row in rows] == [
            ("message", messages[0]),
            ("message_echo", messages[1]),
        ]
        for row in rows:
            assert (row.wrapper, row.status, row.account) == ("conversations", "received", None)
            assert (row.instagram_account_id, row.contact_igsid) == (ACCOUNT_ID, CUSTOMER_ID)
            assert str(row.occurred_at) == "2026-11-22 09:00:00+00:00"

    def test_importing_again_adds_nothing_whatever_the_links_are_now(self) -> None:
        account = make_account()
        first, second = answers.load("message_text"), answers.load("message_media")
        assert store_imported(account, [first]) == 1
        assert store_imported(account, [first | {"message": "Other"}, second, second]) == 1
        assert WebhookEvent.objects.count() == 2
        assert store_imported(account, []) == 0

    def test_two_accounts_may_hold_the_same_message(self) -> None:
        message = answers.load("message_text")
        assert [store_imported(make_account(), [message]) for _ in range(2)] == [1, 1]

    def test_one_nobody_can_read_is_left_out_and_told_without_its_text(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        odd = {"id": "m-1", "message": "private words"}
        assert store_imported(make_account(), [odd, answers.load("message_text")]) == 1
        assert "was not imported: sender.id is missing" in caplog.text
        assert "private" not in caplog.text

    def test_the_business_is_known_by_either_id(self) -> None:
        account = make_account(instagram_account_id="17841400000000077", app_scoped_id=ACCOUNT_ID)
        store_imported(account, [answers.load("message_echo")])
        row = WebhookEvent.objects.get()
        assert (row.kind, row.instagram_account_id) == ("message_echo", "17841400000000077")

    def test_they_go_with_the_callers_transaction(self) -> None:
        account = make_account()
        with transaction.atomic():
            assert store_imported(account, [answers.load("message_text")]) == 1
            transaction.set_rollback(True)
        assert not WebhookEvent.objects.exists()
