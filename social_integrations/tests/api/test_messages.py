"""The messages' routes: reading a conversation, answering, and what becomes of answers."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from social_integrations.models import Job, Message, PrivateReply, Upload
from social_integrations.services import jobs
from social_integrations.tests.api.calls import NOT_FOUND, call, error_of, make_agent, make_thread
from social_integrations.tests.factories import (
    make_account,
    make_attachment,
    make_contact,
    make_message,
    make_superuser,
)

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00"


@pytest.fixture
def agent() -> User:
    return make_agent()


def open_thread(minutes: float = 1, **values: Any) -> Any:
    moment = timezone.now() - timedelta(minutes=minutes)
    return make_thread(last_message_at=moment, last_inbound_at=moment, **values)


def send(user: User, thread: Any, body: Any) -> Any:
    return call(user, "POST", f"conversations/{thread.pk}/messages/", body)


def upload(user: User, account: Any, content: bytes = PNG, name: str = "a.png") -> Any:
    file = SimpleUploadedFile(name, content, content_type="text/html")
    return call(user, "POST", f"accounts/{account.pk}/uploads/", data={"file": file})


def test_an_answer_is_queued_and_says_so(agent: User) -> None:
    thread = open_thread()
    answer = send(agent, thread, {"text": "Hello", "client_reference": "ref-1"})
    assert answer.status_code == 202
    [message] = answer.json()["messages"]
    assert (message["status"], message["text"]) == ("queued", "Hello")
    assert (message["direction"], message["source"]) == ("outbound", "crm")
    assert (message["sent_by"], message["author"]) == (agent.pk, "human")
    assert (message["client_reference"], message["error"]) == ("ref-1", None)
    assert message["policy"]["verdict"] == "allowed"
    assert call(agent, "GET", f"messages/{message['id']}/").json() == message
    row = call(agent, "GET", f"conversations/{thread.pk}/").json()
    assert row["last_message"]["id"] == message["id"]
    assert Job.objects.filter(name=jobs.SEND_MESSAGES).exists()


def test_the_same_reference_is_the_same_answer(agent: User) -> None:
    thread = open_thread()
    body = {"text": "word " * 300, "client_reference": str(uuid4())}
    first, second = (send(agent, thread, body) for _ in range(2))
    assert first.json() == second.json()
    assert len(first.json()["messages"]) == 2
    other = open_thread(contact=make_contact(account=thread.contact.account))
    taken = send(agent, other, body)
    assert taken.status_code == 409
    assert error_of(taken)["code"] == "client_reference"
    changed = send(agent, thread, body | {"text": "Another answer"})
    assert changed.status_code == 409
    assert error_of(changed)["code"] == "client_reference"
    Message.objects.filter(direction="outbound").update(text="", unsent_at=timezone.now())
    assert send(agent, thread, body).status_code == 202
    assert Message.objects.filter(direction="outbound").count() == 2


def test_many_parts_are_read_like_one(agent: User) -> None:
    thread = open_thread()

    def reads(text: str) -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queries:
            sent = send(agent, thread, {"text": text}).json()["messages"]
        return len(sent), sum(one["sql"].startswith("SELECT") for one in queries)

    reads("Hello")  # what is read once and kept
    (one, for_one), (many, for_many) = reads("Hello"), reads("word " * 1500)
    assert (one, many) == (1, 8)
    assert for_one == for_many


def test_a_long_text_becomes_parts_and_the_preview_says_so(agent: User) -> None:
    thread, body = open_thread(), {"text": "გამარჯობა " * 60}
    shown = call(agent, "POST", f"conversations/{thread.pk}/messages/preview/", body).json()
    sent = send(agent, thread, body).json()["messages"]
    assert [part["text"] for part in shown["parts"]] == [message["text"] for message in sent]
    assert all(part["bytes"] <= 1000 for part in shown["parts"])
    assert [message["part"] for message in sent] == [1, 2]
    assert sent[1]["first_part"] == sent[0]["id"]
    assert shown["window"]["open"] is True
    assert Message.objects.filter(direction="outbound").count() == 2


def test_a_closed_window_is_told_with_its_times(agent: User) -> None:
    thread = open_thread(minutes=60 * 25)
    answer = send(agent, thread, {"text": "late"})
    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (409, "window_closed")
    assert error["details"]["closes_at"] < timezone.now().isoformat()
    assert error["details"]["action"]
    assert not Message.objects.filter(direction="outbound").exists()


def test_files_quotes_quick_replies_and_templates(agent: User, settings: Any) -> None:
    settings.INSTAGRAM_PUBLIC_URL = "https://crm.example"
    thread = open_thread()
    quoted = thread.messages.get()
    kept = upload(agent, thread.contact.account)
    assert kept.status_code == 201, kept.content
    assert (kept.json()["type"], kept.json()["content_type"]) == ("image", "image/png")
    answer = send(
        agent,
        thread,
        {
            "text": "These?",
            "files": [{"upload": kept.json()["id"]}],
            "reply_to": quoted.pk,
            "quick_replies": [{"title": "Yes", "payload": "YES"}],
        },
    )
    assert answer.status_code == 202, answer.content
    picture, text = answer.json()["messages"]
    assert (picture["kind"], picture["reply_to_mid"]) == ("image", quoted.mid)
    assert picture["attachments"][0]["upload"] == kept.json()["id"]
    assert text["quick_replies"] == [{"title": "Yes", "payload": "YES"}]
    by_mid = send(agent, thread, {"text": "x", "reply_to": quoted.mid})
    assert by_mid.json()["messages"][0]["reply_to_mid"] == quoted.mid
    template = {
        "template_type": "button",
        "text": "Which?",
        "buttons": [{"type": "postback", "title": "A", "payload": "A"}],
    }
    answer = send(agent, thread, {"template": template})
    assert answer.status_code == 202, answer.content
    assert answer.json()["messages"][0]["template"] == template


@pytest.mark.parametrize(
    "body",
    [
        [], "1", {"text": None}, {"text": ["x"]}, {"text": "x" * 20001}, {"text": "a\x00b"},
        {"text": "\ud800"}, {"txt": "x"}, {"text": "x", "status": "sent"},
        {"text": "x", "mid": "m"}, {"text": "x", "sent_by": 1}, {"text": "x", "tag": "HUMAN_AGENT"},
        {"text": "x", "author": "automation"}, {"files": {}}, {"files": ["x"]}, {"files": [{}]},
        {"files": [{"upload": "x"}]}, {"files": [{"upload": 10**30}]},
        {"files": [{"url": "http://a.example/x.png", "type": "image"}]},
        {"files": [{"url": "https://u:p@a.example/x.png", "type": "image"}]},
        {"files": [{"url": "https://[", "type": "image"}]},
        {"files": [{"url": "javascript:alert(1)", "type": "image"}]},
        {"files": [{"url": "https://a.example/x"}]},
        {"files": [{"url": "https://a.example/x", "type": "exe"}]},
        {"files": [{"upload": 1, "url": "https://a.example/x", "type": "image"}]},
        {"files": [{"upload": 1}] * 31}, {"text": "x", "reply_to": True},
        {"text": "x", "reply_to": 10**30}, {"text": "x", "reply_to": {}},
        {"text": "x", "quick_replies": [{"title": "x"}]},
        {"text": "x", "quick_replies": [{"title": "x", "payload": "x", "content_type": "email"}]},
        {"text": "x", "quick_replies": [{"title": "x", "payload": "x"}] * 14},
        {"template": []}, {"template": {"text": "a\x00"}}, {"template": {"a\ud800": 1}},
        {"text": "x", "client_reference": ""}, {"text": "x", "client_reference": "a b"},
        {"text": "x", "client_reference": "x" * 65},
        {"text": "x", "client_reference": "\u10e5"},
    ],
)  # fmt: skip
def test_odd_answers_are_refused_in_words(agent: User, body: Any) -> None:
    answer = send(agent, open_thread(), body)
    assert answer.status_code == 400, answer.content
    assert error_of(answer)["code"] in ("invalid", "parse_error")
    assert not Message.objects.filter(direction="outbound").exists()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "empty"),
        ({"text": "   "}, "empty"),
        ({"files": [{"upload": 987654}]}, None),
        ({"text": "x", "reply_to": 987654}, "reply_to"),
        ({"text": "x", "reply_to": "mid-of-nobody"}, "reply_to"),
        ({"template": {}}, None),
        ({"template": {"template_type": "generic", "elements": [[]]}}, None),
    ],
)
def test_what_meta_would_not_take_says_why(agent: User, body: Any, code: str | None) -> None:
    answer = send(agent, open_thread(), body)
    assert answer.status_code == 422, answer.content
    assert error_of(answer)["message"]
    if code:
        assert error_of(answer)["code"] == code


def test_a_quote_from_another_conversation_is_refused(agent: User) -> None:
    elsewhere = make_message()
    for quote in (elsewhere.pk, elsewhere.mid):
        assert send(agent, open_thread(), {"text": "x", "reply_to": quote}).status_code == 422


def test_messages_come_newest_first_and_page_by_page(agent: User) -> None:
    thread = open_thread(minutes=30)
    for minute in range(29, 24, -1):
        sent_at = timezone.now() - timedelta(minutes=minute)
        make_attachment(make_message(conversation=thread, sent_at=sent_at))
    seen, cursor = [], ""
    for _ in range(3):
        path = f"conversations/{thread.pk}/messages/?limit=2{cursor and '&cursor=' + cursor}"
        page = call(agent, "GET", path).json()
        seen += page["results"]
        cursor = page["next_cursor"]
    assert cursor is None
    assert len({message["id"] for message in seen}) == 6
    moments = [message["sent_at"] for message in seen]
    assert moments == sorted(moments, reverse=True)
    assert seen[0]["attachments"][0]["type"] == "image"


def test_a_page_takes_as_many_statements_for_one_as_for_many(
    django_assert_num_queries: Any,
) -> None:
    user = make_superuser()
    thread = open_thread(minutes=200)
    for _ in range(2):
        for _ in range(20):
            make_attachment(make_message(conversation=thread, text="x"))
        # The caller, the conversation, its messages, and what hangs on them.
        with django_assert_num_queries(6):
            call(user, "GET", f"conversations/{thread.pk}/messages/")


def failed(thread: Any, **values: Any) -> Message:
    return make_message(
        conversation=thread, direction="outbound", source="crm", mid=None, author="human",
        **{"status": "failed", "error_code": "100", "error_text": "No.", "error_action": "Do."}
        | values,
    )  # fmt: skip


def test_retrying_and_settling(agent: User) -> None:
    thread = open_thread()
    message = failed(thread)
    shown = call(agent, "GET", f"messages/{message.pk}/").json()
    assert shown["error"] == {"code": "100", "message": "No.", "action": "Do."}
    again = call(agent, "POST", f"messages/{message.pk}/retry/")
    assert (again.status_code, again.json()["status"]) == (202, "queued")
    twice = call(agent, "POST", f"messages/{message.pk}/retry/")
    assert (twice.status_code, error_of(twice)["code"]) == (409, "not_failed")
    unknown = failed(thread, status="unknown")
    path = f"messages/{unknown.pk}/settle/"
    assert call(agent, "POST", path, {}).status_code == 400
    assert call(agent, "POST", path, {"arrived": True}).json()["status"] == "sent"
    assert error_of(call(agent, "POST", path, {"arrived": False}))["code"] == "not_unknown"


def test_reacting_and_taking_it_back(agent: User) -> None:
    thread = open_thread()
    message = thread.messages.get()
    path = f"messages/{message.pk}/reaction/"
    loved = call(agent, "PUT", path, {"emoji": "❤️"})
    assert loved.status_code == 202
    assert loved.json()["reactions"] == [{"by": "business", "emoji": "❤️", "reaction": "love"}]
    assert call(agent, "PUT", path, {"emoji": "😮"}).status_code == 422
    assert call(agent, "PUT", path, {"emoji": "x" * 65}).status_code == 400
    for _ in range(2):
        assert call(agent, "DELETE", path).json()["reactions"] == []


def test_a_foreign_message_is_not_there() -> None:
    message = failed(open_thread())
    stranger = make_agent(all_accounts=False)
    make_account(connected_by=stranger)
    for pk in (message.pk, 987654):
        for method, path, body in (
            ("GET", "", None), ("POST", "retry/", None), ("POST", "settle/", {"arrived": True}),
            ("PUT", "reaction/", {"emoji": "❤️"}), ("DELETE", "reaction/", None),
        ):  # fmt: skip
            answer = call(stranger, method, f"messages/{pk}/{path}", body)
            assert (answer.status_code, answer.json()) == (404, NOT_FOUND), (method, path)


def test_files_meta_does_not_take_are_refused(agent: User) -> None:
    account = open_thread().contact.account
    answer = upload(agent, account, b"<script>alert(1)</script>", "a.png")
    assert answer.status_code == 422
    assert error_of(answer)["details"]["action"]
    empty = upload(agent, account, b"")
    assert empty.status_code == 400
    path = f"accounts/{account.pk}/uploads/"
    assert call(agent, "POST", path, data={"other": "x"}).status_code == 400
    assert call(agent, "POST", path, {"file": "x"}).status_code == 415
    assert call(agent, "POST", path, CONTENT_LENGTH=str(30 * 1024 * 1024)).status_code in (413, 415)
    assert not Upload.objects.exists()


def test_a_file_is_for_its_account_and_its_sender(agent: User, settings: Any) -> None:
    settings.INSTAGRAM_PUBLIC_URL = "https://crm.example"
    thread = open_thread()
    kept = upload(agent, thread.contact.account).json()["id"]
    elsewhere = open_thread()
    body = {"files": [{"upload": kept}]}
    assert send(agent, elsewhere, body).status_code == 422
    assert send(make_agent(), thread, body).status_code == 422
    assert upload(make_agent(all_accounts=False), thread.contact.account).status_code == 404
    assert upload(make_agent(without=("add_message",)), thread.contact.account).status_code == 403


def test_a_private_reply_is_queued_once_for_each_comment(agent: User) -> None:
    account = make_account()
    path = f"accounts/{account.pk}/private-replies/"
    body = {"comment_id": "1790", "text": "Write to us"}
    answer = call(agent, "POST", path, body)
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    twice = call(agent, "POST", path, body)
    assert (twice.status_code, error_of(twice)["code"]) == (409, "comment_answered")
    assert call(agent, "POST", path, {"comment_id": "1791", "text": "ა" * 999}).status_code == 422
    [listed] = call(agent, "GET", path).json()["results"]
    assert listed == answer.json()
    assert PrivateReply.objects.count() == 1
    stranger = make_agent(all_accounts=False)
    assert call(stranger, "POST", path, body).json() == NOT_FOUND
    assert call(make_agent(without=("add_message",)), "POST", path, body).status_code == 403
