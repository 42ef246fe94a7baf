"""The conversations' routes: lists, filters, search, changes, reading, notes, changes told."""

from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from social_integrations import signals
from social_integrations.models import CannedReply, Conversation, Job, Message, Note
from social_integrations.services import jobs
from social_integrations.services.conversations import set_status
from social_integrations.tests.api.calls import NOT_FOUND, call, error_of, make_agent, make_thread
from social_integrations.tests.factories import (
    make_account,
    make_contact,
    make_conversation,
    make_message,
    make_superuser,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> User:
    return make_agent()


def thread_at(minutes: int, **values: Any) -> Conversation:
    moment = timezone.now() - timedelta(minutes=minutes)
    return make_thread(**{"last_message_at": moment, "last_inbound_at": moment} | values)


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def test_a_row_has_all_a_list_shows(agent: User) -> None:
    thread = thread_at(5, assigned_to=agent)
    [row] = call(agent, "GET", "conversations/").json()["results"]
    assert row["id"] == thread.pk
    assert row["account"] == thread.contact.account_id
    assert row["contact"]["igsid"] == thread.contact.igsid
    assert (row["assigned_to"], row["status"], row["unread_count"]) == (agent.pk, "open", 1)
    assert row["last_message"]["text"] == "Good morning"
    assert row["last_message"]["status"] == "received"
    assert row["window"]["open"] is True
    assert row["window"]["closes_at"] > row["last_message_at"]
    assert call(agent, "GET", f"conversations/{thread.pk}/").json() == row


def test_pages_follow_each_other_whatever_arrives_meanwhile(agent: User) -> None:
    threads = [thread_at(minutes) for minutes in range(7)]
    first = call(agent, "GET", "conversations/?limit=3")
    thread_at(-1)
    seen, cursor = ids(first), first.json()["next_cursor"]
    while cursor:
        page = call(agent, "GET", f"conversations/?limit=3&cursor={cursor}")
        seen += ids(page)
        cursor = page.json()["next_cursor"]
    assert seen == [thread.pk for thread in threads]


def test_pages_hold_conversations_of_one_moment_apart(agent: User) -> None:
    moment = timezone.now()
    threads = {thread_at(0, last_message_at=moment).pk for _ in range(5)}
    first = call(agent, "GET", "conversations/?limit=2")
    second = call(agent, "GET", f"conversations/?limit=5&cursor={first.json()['next_cursor']}")
    assert len(ids(first)) == 2
    assert {*ids(first), *ids(second)} == threads
    assert second.json()["next_cursor"] is None


def test_filters_narrow_together(agent: User) -> None:
    account = make_account()
    mine = thread_at(1, assigned_to=agent, contact=make_contact(account=account))
    closed = thread_at(2, status="closed", assigned_to=make_user())
    read = thread_at(3, staff_read_at=timezone.now())

    def ask(query: str) -> list[int]:
        return ids(call(agent, "GET", f"conversations/?{query}"))

    assert ask(f"account={account.pk}") == [mine.pk]
    assert ask("status=closed") == [closed.pk]
    assert ask("status=open") == [mine.pk, read.pk]
    assert ask("assigned_to=me") == [mine.pk]
    assert ask(f"assigned_to={closed.assigned_to_id}") == [closed.pk]
    assert ask("assigned_to=none") == [read.pk]
    assert ask("unread=true") == [mine.pk, closed.pk]
    assert ask("unread=false") == [read.pk]
    assert ask("unread=true&status=closed") == [closed.pk]
    assert ask(f"account={account.pk}&status=closed") == []
    assert ask("account=&status=&assigned_to=&unread=&search=") == [mine.pk, closed.pk, read.pk]


@pytest.mark.parametrize(
    "query",
    [
        "account=x", "account=-1", "account=99999999999999999999999", "account=%00", "status=odd",
        "assigned_to=you", "assigned_to=%00", "assigned_to=9999999999999999999999999999",
        "unread=perhaps", "search=%00", "search=" + "x" * 101, "cursor=x", "cursor=%00",
        "cursor=" + "A" * 23, "cursor=_" + "_" * 20 + "A", "cursor=é", "limit=0", "limit=101",
        "limit=x", "odd=1", "page=2",
    ],
)  # fmt: skip
def test_odd_filters_are_refused_in_words(agent: User, query: str) -> None:
    answer = call(agent, "GET", f"conversations/?{query}")
    assert answer.status_code == 400, answer.content
    error = error_of(answer)
    assert error["code"] == "invalid"
    assert list(error["details"]) == [query.partition("=")[0]]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("nino", True),
        ("INO", True),
        ("ნინო", True),
        ("Beridze", True),
        ("no_b", True),
        ("7755", True),
        ("lead-12", True),
        ("boots size", True),
        ("BOO", True),
        ("წინდები", True),
        ("shop.ge/sale", True),
        ("don't", True),
        ("size shoes", False),
        ("%", False),
        ("nino%", False),
        ("'; DROP TABLE x; --", False),
        ("& | ! :*", False),
        ("\\", False),
    ],
)
def test_search_finds_people_and_words(agent: User, search: str, found: bool) -> None:
    contact = make_contact(
        username="nino_b", name="ნინო Beridze", igsid="9000775500", crm_reference="lead-12"
    )
    thread = thread_at(1, contact=contact)
    make_message(conversation=thread, text="Boots size 39? წინდები? don't see shop.ge/sale")
    thread_at(2)
    answer = call(agent, "GET", "conversations/", {"search": search}, content_type="")
    assert ids(answer) == ([thread.pk] if found else [])


def test_what_was_unsent_or_changed_is_not_found_any_more(agent: User) -> None:
    message = make_message(conversation=thread_at(1), text="secret password")
    assert ids(call(agent, "GET", "conversations/?search=secret")) == [message.conversation_id]
    Message.objects.filter(pk=message.pk).update(text="", unsent_at=timezone.now())
    assert ids(call(agent, "GET", "conversations/?search=secret")) == []


def test_unread_stops_counting_at_100(agent: User) -> None:
    thread = thread_at(0)
    for number in range(120):
        make_message(conversation=thread, sent_at=timezone.now() - timedelta(minutes=number))
    assert call(agent, "GET", f"conversations/{thread.pk}/").json()["unread_count"] == 100


def test_changing_and_who_is_told(
    agent: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    thread, colleague, told = thread_at(1), make_agent(), Mock()
    signals.conversation_assigned.connect(told)
    path = f"conversations/{thread.pk}/"
    with django_capture_on_commit_callbacks(execute=True):
        answer = call(agent, "PATCH", path, {"status": "closed", "assigned_to": colleague.pk})
        call(agent, "PATCH", path, {"assigned_to": colleague.pk})
    assert (answer.json()["status"], answer.json()["assigned_to"]) == ("closed", colleague.pk)
    assert answer.json()["closed_at"] is not None
    told.assert_called_once()
    assert told.call_args.kwargs["by"] == agent
    assert told.call_args.kwargs["assigned_to"] == colleague
    signals.conversation_assigned.disconnect(told)
    again = call(agent, "PATCH", path, {"status": "open", "assigned_to": None}).json()
    assert (again["status"], again["assigned_to"], again["closed_at"]) == ("open", None, None)


def test_read_and_unread(agent: User) -> None:
    thread = thread_at(1)
    path = f"conversations/{thread.pk}/"
    assert call(agent, "PATCH", path, {"read": True}).json()["unread_count"] == 0
    assert call(agent, "PATCH", path, {"read": False}).json()["unread_count"] == 1
    assert ids(call(agent, "GET", "conversations/?unread=true")) == [thread.pk]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "non_field_errors"),
        ([], "non_field_errors"),
        ('"text"', "non_field_errors"),
        ({"status": "gone"}, "status"),
        ({"status": None}, "status"),
        ({"read": "perhaps"}, "read"),
        ({"assigned_to": "x"}, "assigned_to"),
        ({"assigned_to": True}, "assigned_to"),
        ({"assigned_to": [1]}, "assigned_to"),
        ({"assigned_to": "1\x00"}, "assigned_to"),
        ({"assigned_to": 10**30}, "assigned_to"),
        ({"contact": 1, "status": "open"}, "contact"),
        ({"last_inbound_at": "2030-01-01T00:00:00Z"}, "last_inbound_at"),
        ({"id": 1}, "id"),
    ],
)
def test_odd_changes_are_refused_in_words(agent: User, body: Any, field: str) -> None:
    thread = thread_at(1)
    answer = call(agent, "PATCH", f"conversations/{thread.pk}/", body)
    assert answer.status_code == 400, answer.content
    assert list(error_of(answer)["details"]) == [field]


def test_nobody_is_assigned_who_may_not_read(agent: User) -> None:
    thread = thread_at(1)
    path = f"conversations/{thread.pk}/"
    refused = [
        call(agent, "PATCH", path, {"assigned_to": key, "status": "closed"})
        for key in (
            make_user().pk,
            make_agent(all_accounts=False).pk,
            make_agent(without=("view_message",)).pk,
            987654,
        )
    ]
    for answer in refused:
        assert answer.status_code == 422
        assert error_of(answer)["code"] == "assignee"
    thread.refresh_from_db()
    assert (thread.status, thread.assigned_to_id) == ("open", None)


def test_reading_up_to_a_message_and_telling_the_customer(agent: User) -> None:
    thread = thread_at(10)
    newer = make_message(conversation=thread, sent_at=timezone.now() - timedelta(minutes=1))
    Conversation.objects.filter(pk=thread.pk).update(
        last_message_at=newer.sent_at, last_inbound_at=newer.sent_at
    )
    first = thread.messages.order_by("sent_at").first()
    assert first is not None
    path = f"conversations/{thread.pk}/read/"
    quiet = call(agent, "POST", path, {"message": first.pk, "show_customer": False})
    assert quiet.json()["unread_count"] == 1
    assert not Job.objects.filter(name=jobs.SENDER_ACTION).exists()
    assert call(agent, "POST", path, {}).json()["unread_count"] == 0
    assert Job.objects.filter(name=jobs.SENDER_ACTION).count() == 1
    elsewhere = make_message()
    assert call(agent, "POST", path, {"message": elsewhere.pk}).status_code == 404


def test_typing_is_passed_on_while_the_window_is_open(agent: User) -> None:
    thread, old = thread_at(1), thread_at(60 * 25)
    for one in (thread, old):
        assert call(agent, "POST", f"conversations/{one.pk}/typing/", {"on": True}).content == b""
    [job] = Job.objects.filter(name=jobs.SENDER_ACTION)
    assert job.payload["conversation"] == thread.pk


def test_taking_over_needs_the_facebook_login(agent: User) -> None:
    one = thread_at(1)
    other = thread_at(1, contact=make_contact(account=make_account(login="instagram")))
    assert call(agent, "POST", f"conversations/{one.pk}/take-over/").status_code == 202
    assert Job.objects.filter(name=jobs.TAKE_OVER).count() == 1
    answer = call(agent, "POST", f"conversations/{other.pk}/take-over/")
    assert answer.status_code == 422
    assert error_of(answer)["details"]["action"]


def test_notes_stay_inside_and_in_order(agent: User) -> None:
    thread = thread_at(1)
    path = f"conversations/{thread.pk}/notes/"
    first = call(agent, "POST", path, {"text": " VIP <b>customer</b> "})
    assert first.status_code == 201
    assert first.json()["text"] == "VIP <b>customer</b>"
    assert first.json()["author"] == agent.pk
    call(agent, "POST", path, {"text": "called"})
    listed = call(agent, "GET", path).json()["results"]
    assert [note["text"] for note in listed] == ["VIP <b>customer</b>", "called"]
    assert call(agent, "POST", path, {"text": "  "}).status_code == 400
    assert call(agent, "POST", path, {"text": "x" * 5001}).status_code == 400
    assert Note.objects.count() == 2


def test_canned_replies_of_all_and_of_what_is_seen() -> None:
    user = make_agent(all_accounts=False)
    own, foreign = make_account(connected_by=user), make_account()
    for account, shortcut in ((None, "hello"), (own, "hours"), (foreign, "secret")):
        CannedReply.objects.create(account=account, shortcut=shortcut, title="T", text="{{ name }}")

    def shown(path: str) -> list[str]:
        return [reply["shortcut"] for reply in call(user, "GET", path).json()["results"]]

    assert shown("canned-replies/") == ["hello", "hours"]
    assert shown(f"canned-replies/?account={own.pk}") == ["hello", "hours"]
    assert shown(f"canned-replies/?account={foreign.pk}") == ["hello"]


def test_updates_tell_what_changed_and_nothing_when_nothing_did(agent: User) -> None:
    thread, other = thread_at(1), thread_at(2)
    start = call(agent, "GET", "updates/").json()
    assert start["conversations"] == []
    path = f"updates/?after={start['cursor']}"
    quiet = call(agent, "GET", path)
    assert (quiet.status_code, quiet.content) == (204, b"")
    set_status(conversation_id=thread.pk, status="closed")
    news = call(agent, "GET", path).json()
    assert [row["id"] for row in news["conversations"]] == [thread.pk]
    assert news["conversations"][0]["status"] == "closed"
    assert call(agent, "GET", f"updates/?after={news['cursor']}").status_code == 204
    set_status(conversation_id=other.pk, status="closed")
    later = call(agent, "GET", f"updates/?after={news['cursor']}").json()
    assert [row["id"] for row in later["conversations"]] == [other.pk]


@pytest.mark.parametrize("cursor", ["x", "%00", "A" * 12, "_" * 11, "é", "A" * 4001, "!!"])
def test_an_odd_cursor_is_refused(agent: User, cursor: str) -> None:
    assert call(agent, "GET", f"updates/?after={cursor}").status_code == 400


def test_what_is_not_seen_is_not_there(agent: User) -> None:
    thread = thread_at(1)
    stranger = make_agent(all_accounts=False)
    make_account(connected_by=stranger)
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"status": "closed"}),
        ("POST", "read/", {}),
        ("POST", "typing/", {}),
        ("POST", "take-over/", None),
        ("GET", "notes/", None),
        ("POST", "notes/", {"text": "x"}),
        ("GET", "messages/", None),
        ("POST", "messages/", {"text": "x"}),
        ("POST", "messages/preview/", {"text": "x"}),
    ):
        for pk in (thread.pk, 987654, "99999999999999999999999999"):
            answer = call(stranger, method, f"conversations/{pk}/{path}", body)
            assert (answer.status_code, answer.json()) == (404, NOT_FOUND), (method, path)
    thread.refresh_from_db()
    assert thread.status == "open"
    assert ids(call(stranger, "GET", "conversations/")) == []
    assert ids(call(stranger, "GET", "conversations/?search=Good")) == []


@pytest.mark.parametrize(
    ("without", "allowed"),
    [
        (("view_message",), set()),
        (("view_conversation",), set()),
        (("add_message", "change_conversation"), {"read"}),
        (("add_message",), {"read", "change"}),
        (("change_conversation",), {"read", "send"}),
    ],
)
def test_each_right_opens_its_doors(without: tuple[str, ...], allowed: set[str]) -> None:
    thread = thread_at(1)
    user = make_agent(without=without)
    base = f"conversations/{thread.pk}/"
    doors: dict[str, list[tuple[str, str, Any]]] = {
        "read": [
            ("GET", base, None), ("GET", "conversations/", None), ("GET", f"{base}messages/", None),
            ("GET", f"{base}notes/", None), ("GET", "updates/", None), ("POST", f"{base}read/", {}),
            ("GET", "canned-replies/", None),
        ],
        "change": [("PATCH", base, {"status": "closed"}), ("POST", f"{base}notes/", {"text": "x"})],
        "send": [
            ("POST", f"{base}messages/", {"text": "x"}), ("POST", f"{base}typing/", {}),
            ("POST", f"{base}messages/preview/", {"text": "x"}),
            ("POST", f"{base}take-over/", None),
        ],
    }  # fmt: skip
    for right, calls in doors.items():
        for method, path, body in calls:
            answer = call(user, method, path, body)
            assert (answer.status_code < 300) == (right in allowed), (method, path, answer.content)
            if right not in allowed:
                assert answer.status_code == 403
                assert error_of(answer)["code"] == "permission_denied"


def test_the_list_takes_as_many_statements_for_one_as_for_many(
    django_assert_num_queries: Any,
) -> None:
    user = make_superuser()
    for many in (1, 20):
        for number in range(many):
            thread_at(number, assigned_to=make_agent())
        # The caller, the conversations, their newest messages.
        with django_assert_num_queries(3):
            call(user, "GET", "conversations/")


def test_a_quiet_look_for_changes_is_one_statement(django_assert_num_queries: Any) -> None:
    user = make_superuser()
    cursor = call(user, "GET", "updates/").json()["cursor"]
    with django_assert_num_queries(1):  # the caller, their rights, what changed
        assert call(user, "GET", f"updates/?after={cursor}").status_code == 204


def test_too_many_calls_are_told_when_to_come_back(agent: User, settings: Any) -> None:
    rates = {"instagram_read": "2/min", "instagram_send": "1/min"}
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": rates}
    thread = thread_at(1)
    answers = [call(agent, "GET", "conversations/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2]["Retry-After"]) > 0
    assert error_of(answers[2])["details"]["retry_after"] > 0
    sent = [
        call(agent, "POST", f"conversations/{thread.pk}/messages/", {"text": "x"}) for _ in "12"
    ]
    assert [answer.status_code for answer in sent] == [202, 429]


def test_nothing_is_kept_in_caches(agent: User) -> None:
    thread = thread_at(1)
    for user, path in (
        (agent, "conversations/"),
        (agent, f"conversations/{thread.pk}/"),
        (agent, "conversations/987654/"),
        (agent, "updates/"),
        (None, "conversations/"),
    ):
        assert call(user, "GET", path)["Cache-Control"] == "private, no-store"


def test_a_conversation_without_messages_is_not_listed(agent: User) -> None:
    make_conversation(last_message_at=None)
    assert ids(call(agent, "GET", "conversations/")) == []
