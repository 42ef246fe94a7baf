"""Splitting deliveries: every wrapper form, nothing dropped, the same key for the same item."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from social_integrations.events.cleaning import parse_json
from social_integrations.events.envelope import MAX_ITEMS, Item, split
from social_integrations.tests import payloads
from social_integrations.tests.events.test_cleaning import json_values

KINDS = {
    "text": "message",
    "standby_text": "message",
    "changes_messages": "message",
    "field_on_entry": "message",
    "list_around": "message",
    "ids_as_numbers": "message",
    "echo": "message_echo",
    "unsend": "message_deleted",
    "edit": "message_edit",
    "edit_zero_without_sender": "message_edit",
    "reaction": "reaction",
    "seen": "read",
    "postback": "postback",
    "referral": "referral",
    "comments": "comments",
    "test_button": "message",
    "handover_metadata": "handover",
    "unknown_kind": "unknown",
    "feed_change": "unknown",
    "seen_up_to_a_moment": "unknown",
    "messenger_page": "messenger",
}


def items_of(payload: Any) -> list[Item]:
    body = payloads.encode(payload)
    return split(parse_json(body), body)


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_each_form_is_one_item_of_its_kind(name: str, kind: str) -> None:
    (item,) = items_of(payloads.load(name))
    assert item.kind == kind


def test_the_item_names_account_customer_and_time() -> None:
    (item,) = items_of(payloads.load("text"))
    assert (item.account_id, item.contact_id) == (payloads.ACCOUNT_ID, payloads.CUSTOMER_ID)
    assert item.occurred_at is not None
    assert item.occurred_at.isoformat() == "2026-11-22T09:33:20.111000+00:00"
    assert json.loads(item.payload_json)["message"]["mid"] == "m-001"


def test_an_echo_is_about_the_customer_not_the_business() -> None:
    (item,) = items_of(payloads.load("echo"))
    assert item.contact_id == payloads.CUSTOMER_ID


def test_ids_written_as_numbers_beyond_doubles_stay_exact() -> None:
    (item,) = items_of(payloads.load("ids_as_numbers"))
    assert (item.account_id, item.contact_id) == (payloads.ACCOUNT_ID, "9007199254740993123")


def test_all_entries_and_lists_are_read() -> None:
    assert [item.wrapper for item in items_of(payloads.load("several_entries"))] == [
        "messaging",
        "messaging",
        "standby",
    ]


def test_the_key_ignores_how_the_delivery_was_wrapped_up() -> None:
    first = payloads.load("text")
    again = payloads.load("text")
    again["entry"][0]["time"] = 1
    again["entry"].append(payloads.load("echo")["entry"][0])
    assert items_of(again)[0].key == items_of(first)[0].key


def test_the_key_tells_accounts_and_contents_apart() -> None:
    keys = {
        items_of(payloads.text_payload(mid, text, account=account))[0].key
        for mid in ("m-1", "m-2")
        for text in ("a", "b")
        for account in ("178414", "178415")
    }
    assert len(keys) == 8


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        7,
        "text",
        {"entry": []},
        {"entry": {}},
        {"entry": [None, 5, "x", {}]},
        {"entry": [{"id": {}, "messaging": "no list"}]},
        {"entry": [{"id": "1", "messaging": [None, 3, [], {"message": 5}]}]},
        {"entry": [{"id": "9" * 300, "changes": [{"field": ["list"], "value": 3}]}]},
        [[[]], {}],
    ],
)
def test_odd_shapes_are_kept_as_items(payload: Any) -> None:
    found = items_of(payload)
    assert found
    for item in found:
        json.loads(item.payload_json)


def test_too_deep_a_body_is_kept_as_text() -> None:
    body = b"[" * 200 + b"]" * 200
    (item,) = split(parse_json(body), body)
    assert item.kind == "unknown"
    assert json.loads(item.payload_json)["raw"].count("[") >= 199


def test_one_item_nested_too_deep_leaves_its_neighbours_alone() -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = {"a": deep}
    payload = payloads.batch_payload(3)
    payload["entry"][0]["messaging"][1]["message"]["extra"] = deep
    first, poison, last = items_of(payload)
    assert (first.kind, poison.kind, last.kind) == ("message", "unknown", "message")
    assert (poison.account_id, poison.contact_id) == (payloads.ACCOUNT_ID, payloads.CUSTOMER_ID)
    assert "extra" in json.loads(poison.payload_json)["raw"]


def test_more_items_than_meta_ever_sends_are_kept_as_one_text() -> None:
    (item,) = items_of({"entry": [0] * (MAX_ITEMS + 1)})
    assert json.loads(item.payload_json)["raw"].startswith('{"entry":[0,0')
    assert len(items_of({"entry": [{"id": str(n)} for n in range(MAX_ITEMS)]})) == MAX_ITEMS


def test_a_comment_is_about_its_author() -> None:
    assert items_of(payloads.load("comments"))[0].contact_id == "1"


@given(json_values)
def test_no_json_at_all_makes_splitting_fail(value: Any) -> None:
    split(value, b"")


@given(st.lists(st.integers(0, 30), min_size=1), st.data())
def test_items_do_not_depend_on_how_a_delivery_is_cut(numbers: list[int], data: Any) -> None:
    events = [payloads.text_payload(f"m-{number}")["entry"][0] for number in numbers]
    cut = data.draw(st.integers(0, len(events)))
    parts = [{"object": "instagram", "entry": part} for part in (events[:cut], events[cut:])]
    whole = {item.key for item in items_of({"object": "instagram", "entry": events})}
    apart = {item.key for part in parts if part["entry"] for item in items_of(part)}
    assert whole == apart
