"""Read queries: an account's problems from its row, threads, the state of the ledger."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from social_integrations.conf import DEFAULT_SCOPES
from social_integrations.models import ConnectedAccount
from social_integrations.selectors import (
    account_problems,
    ledger_counts,
    oldest_waiting,
    thread,
    without_tokens,
)
from social_integrations.tests.factories import (
    NOON,
    make_account,
    make_attachment,
    make_conversation,
    make_event,
    make_message,
)


def row(**values: Any) -> ConnectedAccount:
    return ConnectedAccount(**{"webhook_subscribed_at": NOON, "connected_at": NOON} | values)


DAY = timedelta(days=1)
FACEBOOK_SCOPES = set(DEFAULT_SCOPES)


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ({}, []),
        ({"webhook_subscribed_at": None}, ["webhook_not_subscribed"]),
        ({"token_expires_at": NOON + 15 * DAY}, []),
        ({"token_expires_at": NOON + 14 * DAY}, ["token_expiring"]),
        ({"token_expires_at": NOON + timedelta(seconds=1)}, ["token_expiring"]),
        ({"token_expires_at": NOON}, ["token_expired"]),
        ({"data_access_expires_at": NOON + DAY}, ["data_access_expiring"]),
        ({"data_access_expires_at": NOON - DAY, "token_expires_at": NOON + DAY},
         ["token_expiring", "data_access_expired"]),
        ({"token_expires_at": NOON, "webhook_subscribed_at": None},
         ["token_expired", "webhook_not_subscribed"]),
        ({"access_withdrawn_at": NOON}, ["access_withdrawn"]),
        ({"granted_scopes": []}, []),
        ({"granted_scopes": FACEBOOK_SCOPES}, []),
        # Only connecting suffers from these two.
        ({"granted_scopes": FACEBOOK_SCOPES - {"business_management", "pages_show_list"}}, []),
        ({"granted_scopes": FACEBOOK_SCOPES - {"pages_manage_metadata"}}, ["permissions_missing"]),
        ({"login": "instagram", "granted_scopes": FACEBOOK_SCOPES}, ["permissions_missing"]),
        ({"login": "instagram", "granted_scopes": ["instagram_business_basic",
          "instagram_business_manage_messages"]}, []),
        ({"status": "reauth_required", "webhook_subscribed_at": None, "token_expires_at": NOON},
         ["reauth_required"]),
        ({"status": "disconnected", "webhook_subscribed_at": None}, ["disconnected"]),
    ],
)  # fmt: skip
def test_problems(values: dict[str, Any], codes: list[str]) -> None:
    problems = account_problems(row(**values), NOON)
    assert [problem.code for problem in problems] == codes
    assert all(problem.message and problem.action for problem in problems)


def test_missing_permissions_say_what_does_not_work() -> None:
    granted = FACEBOOK_SCOPES - {"pages_manage_metadata", "instagram_manage_messages"}
    (problem,) = account_problems(row(granted_scopes=granted), NOON)
    assert problem.message == (
        "Messages can be neither received nor answered. "
        "Meta cannot be told to deliver the Page's new messages. "
        "Not granted: instagram_manage_messages, pages_manage_metadata."
    )
    assert problem.action.startswith("Connect the account again")


@pytest.mark.parametrize(
    ("left", "words"),
    [(timedelta(hours=3), "within a day"), (DAY, "in 1 day."), (3 * DAY, "in 3 days")],
)
def test_expiry_says_how_long_is_left(left: timedelta, words: str) -> None:
    assert words in account_problems(row(token_expires_at=NOON + left), NOON)[0].message


@pytest.mark.django_db
def test_without_tokens_reads_everything_else() -> None:
    make_account(access_token="secret")
    with CaptureQueriesContext(connection) as queries:
        account = without_tokens(ConnectedAccount.objects.all()).get()
        account_problems(account)
    assert len(queries) == 1
    assert "access_token" not in queries[0]["sql"]
    assert account.access_token == "secret"


@pytest.mark.django_db
def test_thread_is_the_newest_part_oldest_first_in_few_queries() -> None:
    conversation = make_conversation()
    sent = [
        make_message(conversation=conversation, sent_at=NOON + timedelta(minutes=n))
        for n in range(5)
    ]
    same_second = make_message(conversation=conversation, sent_at=sent[-1].sent_at)
    make_attachment(sent[4])
    make_message()
    with CaptureQueriesContext(connection) as queries:
        messages, has_older = thread(conversation, limit=3)
        assert [len(message.attachments.all()) for message in messages] == [0, 1, 0]
        assert not any(message.reactions.all() for message in messages)
    assert messages == [sent[3], sent[4], same_second]
    assert has_older
    assert len(queries) == 4
    assert thread(conversation, limit=6)[1] is False


@pytest.mark.django_db
def test_ledger_standing() -> None:
    assert ledger_counts() == {}
    assert oldest_waiting() is None
    make_event(status="applied", received_at=NOON - DAY)
    make_event(received_at=NOON)
    make_event(received_at=NOON + DAY)
    make_event(status="failed")
    assert ledger_counts() == {"received": 2, "failed": 1}
    assert oldest_waiting() == NOON
