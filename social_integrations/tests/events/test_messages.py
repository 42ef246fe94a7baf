"""Reading messages out of ledger payloads."""

import json
from typing import Any

import pytest
from hypothesis import given

from social_integrations.events.envelope import split
from social_integrations.events.messages import other_account, read_message
from social_integrations.events.types import MessageEvent
from social_integrations.exceptions import PayloadError
from social_integrations.tests import payloads
from social_integrations.tests.events.test_cleaning import json_values


def read(name: str) -> MessageEvent:
    (item,) = split(payloads.load(name), b"")
    return read_message(item.wrapper, json.loads(item.payload_json), item.account_id)


def test_text() -> None:
    event = read("text")
    assert (event.mid, event.text, event.kind) == ("m-001", "Is it in stock?", "text")
    assert (event.contact_id, event.outbound) == (payloads.CUSTOMER_ID, False)


def test_attachments_keep_their_links_untouched() -> None:
    event = read("image")
    assert event.kind == "image"
    assert [part.url for part in event.attachments] == ["https://cdn.example/a?sig=1&b=2"]


def test_several_kinds_of_attachments_are_mixed() -> None:
    event = read("several_attachments")
    assert event.kind == "mixed"
    assert [part.type for part in event.attachments] == ["image", "audio"]


def test_an_attachment_type_nobody_has_seen_keeps_metas_word() -> None:
    event = read("attachment_unseen_type")
    assert (event.kind, event.attachments[0].url) == ("hologram", "")


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("quoted_reply", "reply_to_mid", "m-001"),
        ("story_reply", "story", {"id": "17900000000000011", "url": "https://cdn.example/s"}),
        ("quick_reply", "quick_reply_payload", "SIZE_M"),
        ("unsupported", "kind", "unsupported"),
        ("echo", "outbound", True),
        ("echo_other_app", "app_id", "999000111"),
        ("message_without_mid", "mid", None),
        ("standby_text", "text", "Seen in standby"),
        ("changes_messages", "text", "In changes"),
        ("field_on_entry", "text", "On the entry"),
    ],
)
def test_what_else_a_message_may_carry(name: str, field: str, value: Any) -> None:
    assert getattr(read(name), field) == value


def test_an_unmarked_message_from_the_business_is_outbound() -> None:
    item = {"sender": {"id": "1"}, "recipient": {"id": "2"}, "message": {"mid": "m", "text": "x"}}
    event = read_message("messaging", item, "1")
    assert (event.outbound, event.contact_id) == (True, "2")


@pytest.mark.parametrize(
    ("item", "path"),
    [
        ({"message": {"mid": "m"}}, "sender.id"),
        ({"sender": {"id": ""}, "message": {"mid": "m"}}, "sender.id"),
        ({"sender": {"id": "9" * 65}, "message": {"mid": "m"}}, "sender.id"),
        ({"message": {"mid": "m", "is_echo": True}}, "recipient.id"),
        ({"sender": {"id": "5"}, "message": {"mid": "m" * 513}}, "message.mid"),
        ({"sender": {"id": "5"}, "message": {"mid": ["m"]}}, "message.mid"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_path_without_content(item: Any, path: str) -> None:
    with pytest.raises(PayloadError) as refusal:
        read_message("messaging", item, "1")
    assert str(refusal.value) == f"{path} is missing or unusable"


def test_the_other_business_an_item_names() -> None:
    item = {"sender": {"id": "customer"}, "recipient": {"id": "second"}, "message": {}}
    assert other_account("messaging", item, "first") == "second"
    assert other_account("messaging", item, "second") == ""


@given(json_values)
def test_any_payload_is_read_or_refused(value: Any) -> None:
    for payload in (value, {"message": value, "sender": {"id": "5"}}, {"sender": value}):
        try:
            read_message("messaging", payload, "1")
        except PayloadError:
            continue
