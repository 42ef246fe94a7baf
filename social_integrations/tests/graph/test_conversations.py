"""Threads and their newest messages, in both forms Meta may take the question."""

from datetime import UTC, datetime
from typing import Any

import pytest

from social_integrations.exceptions import GraphRefusedError, GraphUnavailableError
from social_integrations.graph.client import GraphClient
from social_integrations.graph.conversations import (
    Thread,
    has_content,
    list_threads,
    read_message,
    read_newest,
)
from social_integrations.tests.graph.answers import FakeMeta, load, sent

PAGE = "700100200301"


def page(*ids: str, after: str = "", more: bool = False) -> dict[str, Any]:
    rows = [{"id": one, "updated_time": "2026-11-22T09:00:00+0000"} for one in ids]
    paging = {"cursors": {"after": after}} | ({"next": "https://evil.example/"} if more else {})
    return {"data": rows, "paging": paging}


def thread(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"id": "t1", "messages": {"data": list(messages)}}


@pytest.mark.parametrize("root", [PAGE, "me"])
def test_threads_of_either_login(meta: FakeMeta, client: GraphClient, root: str) -> None:
    meta.answer("GET", f"{root}/conversations", page("t1", "t2", after="A", more=True))
    found = list_threads(client, root)
    assert found.threads == (
        Thread("t1", datetime(2026, 11, 22, 9, tzinfo=UTC)),
        Thread("t2", datetime(2026, 11, 22, 9, tzinfo=UTC)),
    )
    assert found.after == "A"
    query = sent(meta.calls()[0])
    assert (query["platform"], query["fields"]) == ("instagram", "id,updated_time")
    assert "after" not in query


def test_the_cursor_leads_on_and_ends(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "me/conversations", page("t3", after="B"))
    assert list_threads(client, "me", after="A").after == ""
    assert sent(meta.calls()[0])["after"] == "A"


def test_a_cursor_that_does_not_move_ends_the_list(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "me/conversations", page("t3", after="A", more=True))
    assert list_threads(client, "me", after="A").after == ""


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": [None, {}, {"id": 7}]}])
def test_odd_lists_hold_nothing(meta: FakeMeta, client: GraphClient, body: Any) -> None:
    meta.answer("GET", "me/conversations", body)
    assert list_threads(client, "me").threads == ()


def test_the_newest_come_with_their_content_in_one_call(
    meta: FakeMeta, client: GraphClient
) -> None:
    meta.answer("GET", "t1", thread(load("message_text"), load("message_echo")))
    newest = read_newest(client, "t1")
    assert [one["id"] for one in newest.messages] == ["m-900", "m-901"]
    assert newest.takes_expansion
    assert all(map(has_content, newest.messages))
    (call,) = meta.calls()
    assert sent(call)["fields"].startswith("messages.limit(20){id,created_time,from,to,message,")


@pytest.mark.parametrize(
    ("refusal", "takes_expansion"),
    [("error_expansion", False), ("error_message_gone", True), ("error_temporary", True)],
)
def test_a_refused_expansion_falls_back_to_ids(
    meta: FakeMeta, client: GraphClient, refusal: str, takes_expansion: bool
) -> None:
    meta.answer("GET", "t1", refusal)
    meta.answer("GET", "t1", thread({"id": "m-1"}, {"id": "m-2"}))
    newest = read_newest(client, "t1")
    assert [one["id"] for one in newest.messages] == ["m-1", "m-2"]
    assert not any(map(has_content, newest.messages))
    assert newest.takes_expansion is takes_expansion
    assert sent(meta.calls()[1])["fields"] == "messages"


def test_known_to_be_refused_it_is_not_asked_for(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "t1", thread({"id": "m-1"}))
    assert read_newest(client, "t1", expand=False).takes_expansion is False
    assert len(meta.calls()) == 1


@pytest.mark.parametrize("refusal", ["error_token_expired", "error_access_off", "error_throttled"])
def test_what_no_other_form_would_change_is_raised_at_once(
    meta: FakeMeta, client: GraphClient, refusal: str
) -> None:
    meta.answer("GET", "t1", refusal)
    with pytest.raises(GraphRefusedError):
        read_newest(client, "t1")
    assert len(meta.calls()) == 1


def test_ids_no_database_could_look_up_are_none(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "t1", thread({"id": "a\x00"}, {"id": None}, {"id": 7}, {"id": "ok"}, {}))
    assert [one["id"] for one in read_newest(client, "t1").messages] == ["ok"]


def test_one_message(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "m-900", "message_text")
    assert read_message(client, "m-900") == load("message_text")
    assert "reactions" in sent(meta.calls()[0])["fields"]


def test_a_field_meta_does_not_know_costs_the_field_not_the_message(
    meta: FakeMeta, client: GraphClient
) -> None:
    meta.answer("GET", "m-900", "error_expansion")
    meta.answer("GET", "m-900", "message_text")
    assert read_message(client, "m-900") == load("message_text")
    assert sent(meta.calls()[1])["fields"] == "id,created_time,from,to,message,attachments"


def test_a_message_that_is_gone(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "m-900", "error_message_gone")
    with pytest.raises(GraphRefusedError) as caught:
        read_message(client, "m-900")
    assert caught.value.code == 9000001
    assert len(meta.calls()) == 1


def test_a_fault_is_not_repeated_past_the_budget(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "me/conversations", b"busy", 503)
    with pytest.raises(GraphUnavailableError):
        list_threads(client, "me")
    assert len(meta.calls()) == 1
