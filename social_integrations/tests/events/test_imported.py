"""Messages of the Conversations API read like delivered ones, whatever Meta leaves out."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from social_integrations.events.imported import (
    imported_item,
    read_imported,
    read_imported_reactions,
)
from social_integrations.events.types import MessageEvent, ReactionEvent
from social_integrations.exceptions import PayloadError
from social_integrations.tests.events.test_cleaning import json_values
from social_integrations.tests.graph.answers import load
from social_integrations.tests.payloads import ACCOUNT_ID, CUSTOMER_ID


def read(name: str) -> MessageEvent:
    return read_imported(load(name), ACCOUNT_ID)


def message(**changes: Any) -> dict[str, Any]:
    return {**load("message_text"), **changes}


class TestMessage:
    def test_a_customers_text(self) -> None:
        event = read("message_text")
        assert (event.mid, event.text, event.kind) == ("m-900", "Is it in stock?", "text")
        assert (event.account_id, event.contact_id) == (ACCOUNT_ID, CUSTOMER_ID)
        assert (event.outbound, event.app_id) == (False, "")
        assert event.occurred_at == datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
        assert (event.attachments, event.story, event.reply_to_mid) == ((), None, "")

    def test_what_the_business_wrote(self) -> None:
        event = read("message_echo")
        assert (event.outbound, event.contact_id) == (True, CUSTOMER_ID)
        assert (event.text, event.reply_to_mid) == ("On its way", "m-900")

    @pytest.mark.parametrize(
        "known",
        [{"app_scoped_id": ACCOUNT_ID}, {"username": "Shop"}],
    )
    def test_the_business_is_known_by_its_other_id_and_its_username(
        self, known: dict[str, str]
    ) -> None:
        echo = load("message_echo")
        event = read_imported(echo, "99", **known)
        assert (event.outbound, event.contact_id, event.account_id) == (True, CUSTOMER_ID, "99")

    @pytest.mark.parametrize("person", [{"username": ""}, {"id": ""}, {}])
    def test_nobody_is_not_the_business(self, person: dict[str, str]) -> None:
        with pytest.raises(PayloadError):
            read_imported(message(**{"from": person}), ACCOUNT_ID)

    def test_attachments_of_every_kind(self) -> None:
        event = read("message_media")
        assert event.kind == "mixed"
        assert [(part.type, part.url, part.media_id) for part in event.attachments] == [
            ("image", "https://cdn.example/a?sig=1", "70001"),
            ("video", "https://cdn.example/v", "70002"),
            ("audio", "https://cdn.example/s", "70003"),
            ("audio", "https://cdn.example/m", "70004"),
            ("file", "https://cdn.example/f", "70005"),
            ("unsupported", "", "70006"),
        ]
        assert [part.title for part in event.attachments] == ["", "", "", "", "price-list.pdf", ""]

    @pytest.mark.parametrize(
        ("row", "kind", "url"),
        [
            ({"image_data": {"preview_url": "https://p/"}}, "image", "https://p/"),
            ({"image_data": {"width": 1}}, "image", ""),
            (
                {"video_data": {"url": "https://v/"}, "file_url": "https://f/"},
                "video",
                "https://v/",
            ),
            ({"file_url": "https://f/", "name": "a.PNG"}, "image", "https://f/"),
            ({"file_url": "https://f/", "mime_type": "video/mp4"}, "video", "https://f/"),
            ({"file_url": "https://f/", "name": "../x/.."}, "file", "https://f/"),
            ({"image_data": [], "video_data": None, "file_url": 7}, "file", "7"),
        ],
    )
    def test_odd_attachments(self, row: dict[str, Any], kind: str, url: str) -> None:
        event = read_imported(message(attachments={"data": [row]}), ACCOUNT_ID)
        assert [(part.type, part.url) for part in event.attachments] == [(kind, url)]

    def test_a_shared_post(self) -> None:
        (part,) = read("message_share").attachments
        assert (part.type, part.url) == ("share", "https://www.instagram.com/p/abc/")
        assert (part.title, part.media_id) == ("Boots", "80001")

    def test_a_mention_in_a_story(self) -> None:
        event = read("message_story_mention")
        assert event.kind == "story_mention"
        assert event.attachments[0].url == "https://cdn.example/story"
        assert event.story is None

    def test_a_reply_to_a_story(self) -> None:
        event = read("message_story_reply")
        assert event.story == {"id": "17900000000000011", "url": "https://cdn.example/s"}
        assert (event.kind, event.attachments) == ("text", ())

    def test_a_reply_to_a_story_as_webhooks_write_it(self) -> None:
        answered = {"story": {"id": "5", "url": "https://cdn.example/s"}}
        event = read_imported(message(reply_to=answered), ACCOUNT_ID)
        assert event.story == {"id": "5", "url": "https://cdn.example/s"}

    def test_what_instagram_does_not_show(self) -> None:
        assert read("message_unsupported").kind == "unsupported"

    @pytest.mark.parametrize(
        ("written", "understood"),
        [
            ("2026-11-22T09:00:00+0000", datetime(2026, 11, 22, 9, tzinfo=UTC)),
            ("2026-11-22T11:00:00+02:00", datetime(2026, 11, 22, 9, tzinfo=UTC)),
            ("2026-11-22T09:00:00Z", datetime(2026, 11, 22, 9, tzinfo=UTC)),
            (1795338000, datetime(2026, 11, 22, 9, tzinfo=UTC)),
            ("1795338000", datetime(2026, 11, 22, 9, tzinfo=UTC)),
            ("2026-11-22T09:00:00", None),
            ("0001-01-01T00:00:00+23:59", None),
            ("9999-12-31T23:59:59-23:59", None),
            ("soon", None),
            (None, None),
            ([], None),
        ],
    )
    def test_metas_clock(self, written: Any, understood: datetime | None) -> None:
        assert read_imported(message(created_time=written), ACCOUNT_ID).occurred_at == understood

    @pytest.mark.parametrize(
        ("changes", "path"),
        [
            ({"id": None}, "id"),
            ({"id": "m" * 513}, "id"),
            ({"from": None}, "sender.id"),
            ({"from": {"id": "9" * 65}}, "sender.id"),
            ({"from": {"id": ACCOUNT_ID}, "to": {"data": []}}, "recipient.id"),
            ({"from": {"id": ACCOUNT_ID}, "to": None}, "recipient.id"),
        ],
    )
    def test_what_names_nobody_is_refused_by_path(self, changes: dict[str, Any], path: str) -> None:
        with pytest.raises(PayloadError) as refusal:
            read_imported(message(**changes), ACCOUNT_ID)
        assert str(refusal.value) == f"{path} is missing or unusable"


def reactions_of(payload: Any) -> list[ReactionEvent]:
    return read_imported_reactions(payload, read_imported(payload, ACCOUNT_ID))


class TestReactions:
    def test_emoji_and_names_as_early_as_their_message(self) -> None:
        found = reactions_of(load("message_reactions"))
        assert [(one.mid, one.actor_id, one.emoji, one.reaction) for one in found] == [
            ("m-907", CUSTOMER_ID, "❤️", ""),
            ("m-907", ACCOUNT_ID, "", "love"),
        ]
        times = {one.occurred_at for one in found}
        assert times == {read("message_reactions").occurred_at}

    def test_users_in_either_form_of_a_list(self) -> None:
        reactions = {"data": [{"reaction": "😮", "users": {"data": [{"id": 5}]}}]}
        (found,) = reactions_of(message(reactions=reactions))
        assert (found.mid, found.actor_id, found.emoji) == ("m-900", "5", "😮")

    def test_a_message_without(self) -> None:
        assert reactions_of(load("message_text")) == []


class TestItem:
    def test_the_ledger_keeps_it_as_meta_gave_it(self) -> None:
        item = imported_item(load("message_media"), ACCOUNT_ID)
        assert json.loads(item.payload_json) == load("message_media")
        assert (item.wrapper, item.kind) == ("conversations", "message")
        assert (item.account_id, item.contact_id) == (ACCOUNT_ID, CUSTOMER_ID)
        assert item.occurred_at == datetime(2026, 11, 22, 9, tzinfo=UTC)

    def test_what_the_business_wrote_is_an_echo(self) -> None:
        assert imported_item(load("message_echo"), ACCOUNT_ID).kind == "message_echo"

    def test_it_is_the_same_item_whatever_its_links_are_now(self) -> None:
        first = imported_item(message(message="a"), ACCOUNT_ID)
        assert imported_item(message(message="b"), ACCOUNT_ID).key == first.key
        assert imported_item(message(id="m-2"), ACCOUNT_ID).key != first.key
        assert imported_item(message(), "99").key != first.key

    def test_what_no_database_keeps_is_replaced(self) -> None:
        item = imported_item(message(message="a\x00b\ud800"), ACCOUNT_ID)
        assert json.loads(item.payload_json)["message"] == "a\ufffdb\ufffd"

    @pytest.mark.parametrize("number", [float("nan"), float("inf")])
    def test_numbers_json_does_not_know_are_refused(self, number: float) -> None:
        with pytest.raises(PayloadError):
            imported_item(message(size=number), ACCOUNT_ID)

    def test_bottomless_nesting_is_refused(self) -> None:
        deep: list[Any] = []
        for _ in range(100_000):
            deep = [deep]
        with pytest.raises(PayloadError):
            imported_item(message(extra=deep), ACCOUNT_ID)


KEYS = ("id", "created_time", "from", "to", "message", "attachments", "shares", "story")
MORE_KEYS = ("reactions", "reply_to", "is_unsupported")
objects = st.dictionaries(st.sampled_from(KEYS + MORE_KEYS), json_values)


@given(json_values, objects)
def test_anything_is_read_or_refused(value: Any, changes: dict[str, Any]) -> None:
    for payload in (value, message(**changes), message(attachments={"data": [value]})):
        try:
            event = read_imported(payload, ACCOUNT_ID)
            read_imported_reactions(payload, event)
            item = imported_item(payload, ACCOUNT_ID)
        except PayloadError:
            continue
        assert event.mid
        assert event.contact_id
        item.payload_json.encode("ascii")
