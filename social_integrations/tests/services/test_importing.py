"""A message Meta only hinted at is fetched, unless it has come by itself."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from social_integrations.exceptions import (
    AccountOnHold,
    GraphPausedError,
    GraphRefusedError,
    GraphUnavailableError,
)
from social_integrations.models import ConnectedAccount, WebhookEvent
from social_integrations.selectors import missed_by_meta, without_tokens
from social_integrations.services.importing import fetch_message, known_mids
from social_integrations.services.intake import store_delivery, store_imported
from social_integrations.services.jobs import FETCH_MESSAGE
from social_integrations.tasks import run_next_job
from social_integrations.tests.factories import (
    NOON,
    make_account,
    make_event,
    make_job,
    make_message,
)
from social_integrations.tests.graph.answers import FakeMeta, load
from social_integrations.tests.payloads import ACCOUNT_ID, encode, text_payload
from social_integrations.tests.payloads import load as load_delivery

pytestmark = pytest.mark.django_db

MID = "m-900"


@pytest.fixture
def account() -> ConnectedAccount:
    return make_account(instagram_account_id=ACCOUNT_ID)


def fetch(account: ConnectedAccount) -> None:
    fetch_message(account_id=account.pk, mid=MID)


def assert_nothing_came(account: ConnectedAccount) -> None:
    assert not WebhookEvent.objects.exists()
    stored = without_tokens(ConnectedAccount.objects.all()).get(pk=account.pk)
    assert stored.status == "connected"


class TestFetch:
    def test_the_message_stands_in_the_ledger(
        self, meta: FakeMeta, account: ConnectedAccount
    ) -> None:
        meta.answer("GET", MID, "message_text")
        fetch(account)
        row = WebhookEvent.objects.get()
        assert (row.wrapper, row.payload["id"], row.status) == ("conversations", MID, "received")

    @pytest.mark.parametrize("code", [(9000001, None), (100, 33), (999, None)])
    def test_what_meta_does_not_show_ends_quietly(
        self, meta: FakeMeta, account: ConnectedAccount, code: tuple[int, int | None]
    ) -> None:
        error = {"code": code[0], "error_subcode": code[1], "message": "No."}
        meta.answer("GET", MID, {"error": error}, 400)
        fetch(account)
        assert_nothing_came(account)

    def test_a_dead_token_asks_to_connect_again(
        self, meta: FakeMeta, account: ConnectedAccount
    ) -> None:
        meta.answer("GET", MID, "error_token_expired")
        with pytest.raises(AccountOnHold):
            fetch(account)
        account.refresh_from_db()
        assert account.status == "reauth_required"

    def test_a_token_no_key_can_read_asks_to_connect_again(
        self, meta: FakeMeta, account: ConnectedAccount, settings: Settings
    ) -> None:
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        with pytest.raises(AccountOnHold):
            fetch(account)
        stored = without_tokens(ConnectedAccount.objects.all()).get()
        assert stored.status == "reauth_required"
        assert meta.calls() == []

    @pytest.mark.parametrize(
        ("body", "status", "error"),
        [
            ("error_temporary", 400, GraphRefusedError),
            ("error_throttled", 400, GraphPausedError),
            (b"<html>", 500, GraphUnavailableError),
        ],
    )
    def test_a_passing_fault_is_raised_so_that_it_is_tried_again(
        self,
        meta: FakeMeta,
        account: ConnectedAccount,
        body: Any,
        status: int,
        error: type[Exception],
    ) -> None:
        meta.answer("GET", MID, body, status)
        with pytest.raises(error):
            fetch(account)
        assert_nothing_came(account)

    @pytest.mark.parametrize("values", [{"access_token": ""}, {"status": "disconnected"}])
    def test_without_access_meta_is_not_asked(
        self, meta: FakeMeta, account: ConnectedAccount, values: dict[str, str]
    ) -> None:
        ConnectedAccount.objects.update(**values)
        fetch(account)
        assert meta.calls() == []

    def test_an_erased_account_ends_it_quietly(self, meta: FakeMeta) -> None:
        fetch_message(account_id=4711, mid=MID)
        assert meta.calls() == []

    def test_what_has_come_is_not_fetched(self, meta: FakeMeta, account: ConnectedAccount) -> None:
        make_message(account=account, mid=MID)
        fetch(account)
        assert meta.calls() == []

    def test_a_job_does_it(self, meta: FakeMeta, account: ConnectedAccount) -> None:
        long_mid = "m" * 512
        job = make_job(name=FETCH_MESSAGE, payload={"account": account.pk, "mid": long_mid})
        meta.answer("GET", long_mid, load("message_text") | {"id": long_mid})
        assert run_next_job()
        job.refresh_from_db()
        assert job.state == "done"
        assert WebhookEvent.objects.get().payload["id"] == long_mid


class TestKnown:
    @pytest.mark.parametrize("name", ["text", "standby_text", "changes_messages", "field_on_entry"])
    def test_a_waiting_delivery_in_any_wrapper(self, name: str) -> None:
        store_delivery(encode(load_delivery(name)))
        row = WebhookEvent.objects.get()
        account = make_account(instagram_account_id=row.instagram_account_id)
        payload = row.payload.get("value", row.payload)
        mid = payload["message"]["mid"]
        assert known_mids(account, [mid, "other"]) == {mid}

    def test_a_waiting_import(self, account: ConnectedAccount) -> None:
        store_imported(account, [load("message_text")])
        assert known_mids(account, [MID]) == {MID}

    @pytest.mark.parametrize(
        ("status", "known"),
        [("received", True), ("orphaned", True), ("failed", False), ("unknown", False)],
    )
    def test_only_what_will_be_applied_by_itself(
        self, account: ConnectedAccount, status: str, known: bool
    ) -> None:
        store_delivery(encode(text_payload(MID)))
        WebhookEvent.objects.update(status=status)
        assert (MID in known_mids(account, [MID])) is known

    @pytest.mark.parametrize("payload", [7, "text", [], [{"id": MID}], {"id": [MID]}, {}])
    def test_odd_payloads_hold_nothing(self, account: ConnectedAccount, payload: Any) -> None:
        make_event(instagram_account_id=ACCOUNT_ID, payload=payload)
        assert known_mids(account, [MID]) == set()

    def test_nothing_is_asked_for(self, account: ConnectedAccount) -> None:
        assert known_mids(account, []) == set()


def test_missed_by_meta_counts_imported_copies_since_the_subscription() -> None:
    account = make_account(webhook_subscribed_at=NOON)
    conversation = make_message(account=account, origin="1" + "a" * 32).conversation
    rows = [("9", 1), ("9", 0), ("9", -1), ("1", 1), ("", 1)]
    for number, (rank, hours) in enumerate(rows):
        make_message(
            account=account,
            conversation=conversation,
            mid=f"m-{number}",
            origin=rank and rank + "a" * 32,
            sent_at=NOON + timedelta(hours=hours),
        )
    assert missed_by_meta(account) == 1
    account.webhook_subscribed_at = None
    assert missed_by_meta(account) == 0
