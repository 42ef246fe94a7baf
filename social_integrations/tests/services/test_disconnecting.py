"""Disconnecting: the token is gone at once, the messages stay, and Meta need not be there."""

from typing import Any

import pytest
import requests
from cryptography.fernet import Fernet
from django.db import connection
from pytest_django import Settings

from social_integrations import signals
from social_integrations.models import ConnectedAccount, Job, Message
from social_integrations.selectors import without_tokens
from social_integrations.services.disconnecting import disconnect, disconnect_at_meta
from social_integrations.tasks import run_next_job
from social_integrations.tests.factories import (
    make_account,
    make_contact,
    make_conversation,
    make_job,
    make_message,
    make_user,
)
from social_integrations.tests.graph.answers import FakeMeta

PAGE = "700100200301"
EDGE = f"{PAGE}/subscribed_apps"
TOKEN = "EAABmarker-token-of-the-page"


@pytest.fixture
def account() -> ConnectedAccount:
    account = make_account(page_id=PAGE, access_token=TOKEN)
    make_message(conversation=make_conversation(contact=make_contact(account=account)))
    return account


def stored() -> ConnectedAccount:
    return ConnectedAccount.objects.get()


@pytest.mark.django_db
class TestHere:
    def test_token_subscription_and_jobs_go_and_messages_stay(
        self, account: ConnectedAccount
    ) -> None:
        contact = account.contacts.get()
        make_job(payload={"contact": contact.pk})
        make_job(payload={"account": account.pk}, name="look_after_account")
        make_job(state="held", held_for=account, payload={"contact": str(contact.pk)})
        other = make_job(payload={"contact": make_contact().pk})
        finished = make_job(state="done", payload={"contact": contact.pk})
        assert disconnect(account=account, reason="disconnected") is True
        now = ConnectedAccount.objects.get(pk=account.pk)
        assert (now.status, now.access_token) == ("disconnected", "")
        assert now.webhook_subscribed_at is None
        assert set(Job.objects.exclude(name="mail_notice")) == {other, finished}
        assert Message.objects.count() == 1

    def test_unsent_messages_are_not_sent_later(self, account: ConnectedAccount) -> None:
        Message.objects.update(status="queued")
        disconnect(account=account, reason="disconnected")
        Job.objects.exclude(name="send_messages").delete()
        assert run_next_job()
        message = Message.objects.get()
        assert (message.status, message.error_code) == ("failed", "account_gone")

    def test_twice_changes_nothing_and_tells_once(self, account: ConnectedAccount) -> None:
        assert disconnect(account=account, reason="deauthorized") is True
        assert disconnect(account=account, reason="disconnected") is False
        assert "removed at Meta" in stored().status_reason
        assert Job.objects.filter(name="mail_notice").count() <= 1

    def test_words_of_the_callers_own_are_kept(self, account: ConnectedAccount) -> None:
        disconnect(account=account, reason="The shop was sold.")
        assert stored().status_reason == "The shop was sold."


@pytest.mark.django_db(transaction=True)
class TestAtMeta:
    def test_meta_is_told_after_the_commit_with_the_token_that_was(
        self, meta: FakeMeta, account: ConnectedAccount
    ) -> None:
        seen: list[Any] = []

        def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
            seen.append((connection.in_atomic_block, stored().status, stored().access_token))
            assert request.headers["Authorization"] == f"Bearer {TOKEN}"
            return 200, {}, '{"success": true}'

        meta.ask("DELETE", EDGE, answer)
        by, heard = make_user(), []
        receiver = lambda **facts: heard.append(facts)  # noqa: E731
        signals.account_disconnected.connect(receiver)
        disconnect_at_meta(account=account, reason="disconnected", by=by)
        signals.account_disconnected.disconnect(receiver)
        assert seen == [(False, "disconnected", "")]
        assert stored().status_action == "Connect the account again if you want its messages here."
        assert [(one["account"], one["by"]) for one in heard] == [(account, by)]

    @pytest.mark.parametrize(
        "body",
        [requests.ConnectionError("offline"), b"<html>", "error_token_expired", "subscribed_false"],
    )
    def test_without_meta_it_is_disconnected_all_the_same_and_says_so(
        self, meta: FakeMeta, account: ConnectedAccount, body: Any
    ) -> None:
        meta.answer("DELETE", EDGE, body)
        disconnect_at_meta(account=account, reason="disconnected")
        assert (stored().status, stored().access_token) == ("disconnected", "")
        assert "Meta could not be told" in stored().status_action

    def test_a_token_nobody_can_read_is_no_obstacle(
        self, meta: FakeMeta, account: ConnectedAccount, settings: Settings
    ) -> None:
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        account = without_tokens(ConnectedAccount.objects.all()).get()
        disconnect_at_meta(account=account, reason="disconnected")
        assert (stored().status, stored().access_token) == ("disconnected", "")
        assert meta.calls() == []

    def test_an_account_that_waits_for_its_person_can_be_disconnected(
        self, meta: FakeMeta, account: ConnectedAccount
    ) -> None:
        ConnectedAccount.objects.update(status="reauth_required")
        account.refresh_from_db()
        meta.answer("DELETE", EDGE, "subscribed")
        disconnect_at_meta(account=account, reason="disconnected")
        assert stored().status == "disconnected"
        assert len(meta.calls(EDGE)) == 1
        disconnect_at_meta(account=stored(), reason="disconnected")
        assert len(meta.calls(EDGE)) == 1
