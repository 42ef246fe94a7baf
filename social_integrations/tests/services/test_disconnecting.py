"""Disconnecting: the token goes, what was received stays, and the host project hears of it."""

from typing import Any

import pytest

from social_integrations.models import ConnectedAccount, Job, Message
from social_integrations.services.disconnecting import disconnect
from social_integrations.signals import account_disconnected
from social_integrations.tests.factories import (
    make_account,
    make_attachment,
    make_job,
    make_message,
)

pytestmark = pytest.mark.django_db
REASON = "Somebody asked for it."


def test_token_and_jobs_go_and_messages_stay() -> None:
    message = make_message()
    account = message.account
    attachment = make_attachment(message)
    for payload in (
        {"account": account.pk},
        {"contact": message.conversation.contact_id},
        {"conversation": message.conversation_id},
        {"message": message.pk},
        {"attachment": str(attachment.pk)},
    ):
        make_job(payload=payload)
        make_job(payload=payload, state=Job.State.RUNNING)
    done = make_job(payload={"account": account.pk}, state=Job.State.DONE)
    stays = make_job(payload={"message": make_message().pk})
    unrelated = make_job(name="housekeeping", payload={})
    assert disconnect(account=account, reason=REASON)
    account.refresh_from_db()
    assert (account.status, account.status_reason) == ("disconnected", REASON)
    assert (account.access_token, account.webhook_subscribed_at) == ("", None)
    assert set(Job.objects.all()) == {done, stays, unrelated}
    assert Message.objects.filter(account=account).exists()


def test_what_waited_to_be_sent_says_that_it_was_not() -> None:
    queued = make_message(direction="outbound", source="crm", status="queued")
    received = make_message(conversation=queued.conversation)
    disconnect(account=queued.account, reason=REASON)
    queued.refresh_from_db()
    received.refresh_from_db()
    assert (queued.status, queued.error_code) == ("failed", "disconnected")
    assert "not sent" in queued.error_text
    assert received.status == "received"


def test_the_signal_fires_once_after_the_commit(django_capture_on_commit_callbacks: Any) -> None:
    heard: list[tuple[ConnectedAccount, str]] = []

    def listen(account: ConnectedAccount, reason: str, **_: Any) -> None:
        heard.append((account, reason))

    account = make_account()
    account_disconnected.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            assert disconnect(account=account, reason=REASON)
            assert heard == []
        with django_capture_on_commit_callbacks(execute=True):
            assert not disconnect(account=account, reason="again")
    finally:
        account_disconnected.disconnect(listen)
    assert heard == [(account, REASON)]
    account.refresh_from_db()
    assert account.status_reason == REASON


def test_an_account_that_is_gone_is_nothing_to_disconnect() -> None:
    account = make_account()
    ConnectedAccount.objects.all().delete()
    assert not disconnect(account=account, reason=REASON)
