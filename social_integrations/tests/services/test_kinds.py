"""Every kind of Meta's catalogue, from the fixture to what a conversation shows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from social_integrations.events import kinds
from social_integrations.models import (
    Attachment,
    ConnectedAccount,
    Conversation,
    Job,
    Message,
    MessageEdit,
    Reaction,
    WebhookEvent,
)
from social_integrations.representations import message_json
from social_integrations.services.applying import apply_pending
from social_integrations.services.catalogue import CATALOGUE
from social_integrations.services.intake import store_delivery
from social_integrations.tests.factories import make_account
from social_integrations.tests.payloads import (
    ACCOUNT_ID,
    CUSTOMER_ID,
    SENT_AT,
    encode,
    load,
    text_payload,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def account() -> ConnectedAccount:
    return make_account(instagram_account_id=ACCOUNT_ID)


def receive(*deliveries: Any) -> None:
    for delivery in deliveries:
        store_delivery(encode(load(delivery) if isinstance(delivery, str) else delivery))
    while apply_pending():
        pass


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def test_every_known_kind_is_either_merged_or_named_as_not_shown() -> None:
    merged = set(CATALOGUE)
    assert merged.isdisjoint(kinds.NOT_SHOWN)
    assert set(kinds.ALL) == merged | kinds.NOT_SHOWN | {kinds.UNKNOWN, kinds.MESSENGER}


class TestMessages:
    @pytest.mark.parametrize(
        ("name", "kind", "attachment"),
        [
            ("video", "video", ("video", "https://cdn.example/v", "", "")),
            ("audio", "audio", ("audio", "https://cdn.example/a", "", "")),
            ("file", "file", ("file", "https://cdn.example/f.pdf", "", "")),
            ("share_legacy", "share", ("share", "https://cdn.example/p", "Boots", "")),
            (
                "ig_post",
                "ig_post",
                ("ig_post", "https://cdn.example/p", "Boots", "17900000000000021"),
            ),
            (
                "share_twins",
                "ig_post",
                ("ig_post", "https://cdn.example/p?sig=2", "Boots", "17900000000000021"),
            ),
            (
                "ig_reel",
                "ig_reel",
                ("ig_reel", "https://www.instagram.com/reel/x/", "Spring", "17900000000000031"),
            ),
            (
                "ig_story",
                "ig_story",
                ("ig_story", "https://cdn.example/story", "", "17900000000000041"),
            ),
            (
                "story_mention",
                "story_mention",
                ("story_mention", "https://cdn.example/mention", "", ""),
            ),
            ("template_echo", "template", ("template", "", "Boots · Laces", "")),
            ("ephemeral", "ephemeral", ("ephemeral", "", "", "")),
            ("unsupported_type", "unsupported_type", ("unsupported_type", "", "", "")),
            ("like_heart", "like_heart", ("like_heart", "", "", "")),
            (
                "sticker_as_image",
                "image",
                ("image", "https://cdn.example/sticker", "", "369239263222822"),
            ),
            (
                "attachment_object_instead_of_list",
                "image",
                ("image", "https://cdn.example/o", "", ""),
            ),
        ],
    )
    def test_an_attachment_of_each_type(
        self, name: str, kind: str, attachment: tuple[str, ...]
    ) -> None:
        receive(name)
        assert Message.objects.get().kind == kind
        assert Attachment.objects.values_list("type", "url", "title", "media_id").get() == (
            attachment
        )

    def test_several_pictures_in_order_with_their_text(self) -> None:
        receive("several_images")
        message = Message.objects.get()
        assert (message.kind, message.text) == ("image", "Three")
        assert [found.url[-1] for found in message.attachments.all()] == ["0", "1", "2"]

    def test_a_story_reply_keeps_its_story(self) -> None:
        receive("story_reply_link_sticker")
        story = Message.objects.get().story
        assert story == {
            "id": "17900000000000011",
            "url": "https://cdn.example/s",
            "link_sticker_url": "https://shop.example/x",
        }

    @pytest.mark.parametrize("name", ["ad_referral", "product_referral"])
    def test_a_referral_inside_a_message(self, name: str) -> None:
        receive(name)
        assert Message.objects.get().referral

    @pytest.mark.parametrize("name", ["echo_without_text", "echo_without_mid", "echo_picture"])
    def test_echoes_of_every_shape_are_one_outbound_message(self, name: str) -> None:
        receive(name, name)
        message = Message.objects.get()
        assert (message.direction, message.status) == ("outbound", "sent")

    def test_a_message_to_oneself_is_kept(self) -> None:
        receive("self_message")
        assert Message.objects.get().text == "Testing"

    @pytest.mark.parametrize("name", ["timestamp_in_seconds", "timestamp_as_text"])
    def test_every_clock_of_meta_is_read(self, name: str) -> None:
        receive(name)
        assert abs(Message.objects.get().sent_at - moment(SENT_AT)) < timedelta(seconds=1)

    def test_several_accounts_in_one_post(self) -> None:
        make_account(instagram_account_id="17841455501230008")
        receive("several_accounts")
        assert set(Message.objects.values_list("account__instagram_account_id", "text")) == {
            (ACCOUNT_ID, "To the first"),
            ("17841455501230008", "To the second"),
        }


class TestTaps:
    @pytest.mark.parametrize(
        ("name", "text", "payload"),
        [
            ("postback", "Opening hours", "HOURS"),
            ("postback_without_mid", "Agent", "AGENT"),
            ("postback_in_standby", "Menu", ""),
        ],
    )
    def test_a_tapped_button_is_a_message_of_the_customer(
        self, name: str, text: str, payload: str
    ) -> None:
        receive(name, name)
        message = Message.objects.get()
        assert (message.kind, message.direction, message.text) == ("postback", "inbound", text)
        assert message.postback == {"title": text, "payload": payload}
        assert message.conversation.last_inbound_at == message.sent_at

    def test_a_tapped_button_may_carry_a_referral(self) -> None:
        receive("postback_with_referral")
        assert (Message.objects.get().referral or {})["ref"] == "poster-7"

    def test_a_link_into_the_thread_is_shown_but_is_no_word_of_the_customer(self) -> None:
        receive("referral")
        message = Message.objects.get()
        assert (message.kind, (message.referral or {})["ref"]) == ("referral", "poster-7")
        assert message.conversation.last_message_at == message.sent_at
        assert message.conversation.last_inbound_at is None


class TestEdits:
    def test_the_highest_edit_is_shown_and_every_text_is_kept(self) -> None:
        receive("edit_number_as_text", "text", "edit", "edit")
        message = Message.objects.get()
        assert (message.text, message.edits) == ("Is it in stock now?", 2)
        assert message.edited_at == moment(SENT_AT + 50000)
        assert [one["text"] for one in message_json(message)["versions"]] == [
            "Is it in stock?",
            "Is it in stock today?",
            "Is it in stock now?",
        ]

    @pytest.mark.parametrize("name", ["edit_zero_with_sender"])
    def test_number_zero_changes_nothing_about_a_known_message(self, name: str) -> None:
        receive("text", name)
        assert Message.objects.get().edits == 0
        assert not Job.objects.filter(name="fetch_message").exists()

    def test_number_zero_about_an_unknown_message_asks_meta_for_it_later(
        self, account: ConnectedAccount
    ) -> None:
        receive("edit_zero_without_sender", "edit_zero_without_sender")
        job = Job.objects.get()
        assert (job.name, job.payload) == ("fetch_message", {"account": account.pk, "mid": "m-030"})
        assert job.due_at > job.created_at + timedelta(seconds=50)

    def test_an_edit_that_comes_first_is_applied_when_its_message_arrives(self) -> None:
        receive("edit")
        assert WebhookEvent.objects.get().status == "parked"
        receive("text")
        assert Message.objects.get().text == "Is it in stock today?"
        assert not WebhookEvent.objects.exclude(status="applied").exists()


class TestUnsends:
    @pytest.mark.parametrize("order", [["text", "edit", "unsend"], ["unsend", "edit", "text"]])
    def test_text_history_and_the_ledgers_copies_are_gone(self, order: list[str]) -> None:
        receive(*order)
        message = Message.objects.get()
        assert message.unsent_at == moment(SENT_AT)
        assert (message.text, message.original_text, message.edits) == ("", "", 0)
        assert not MessageEdit.objects.exists()
        payloads = str(list(WebhookEvent.objects.values_list("payload", flat=True)))
        assert "stock" not in payloads
        assert "m-001" in payloads

    @pytest.mark.parametrize("order", [[0, 1], [1, 0]])
    def test_attachments_go_as_well(self, order: list[int]) -> None:
        unsend = load("unsend")
        unsend["entry"][0]["messaging"][0]["message"]["mid"] = "m-i3"
        deliveries = [load("several_images"), unsend]
        receive(*(deliveries[place] for place in order))
        assert Message.objects.get().unsent_at
        assert not Attachment.objects.exists()
        assert "cdn.example" not in str(list(WebhookEvent.objects.values_list("payload")))

    def test_the_business_unsends_too(self) -> None:
        receive("echo", "unsend_by_business")
        message = Message.objects.get()
        assert (message.direction, message.text) == ("outbound", "")

    def test_what_was_unsent_before_it_came_keeps_no_edit_either(self) -> None:
        receive("edit", "unsend")
        assert set(WebhookEvent.objects.values_list("status", flat=True)) == {"parked"}
        assert "stock" not in str(list(WebhookEvent.objects.values_list("payload")))


class TestReactions:
    @pytest.mark.parametrize(
        "order",
        [
            ["echo", "reaction", "reaction_changed"],
            ["reaction_changed", "echo", "reaction"],
            ["reaction_changed", "reaction", "reaction", "echo"],
        ],
    )
    def test_the_latest_reaction_of_a_person_is_shown(self, order: list[str]) -> None:
        receive(*order)
        shown = message_json(Message.objects.get())["reactions"]
        assert shown == [{"by": "customer", "emoji": "😮", "reaction": "wow"}]

    @pytest.mark.parametrize("order", [["reaction", "unreact"], ["unreact", "reaction"]])
    def test_a_reaction_taken_back_stays_back(self, order: list[str]) -> None:
        receive("echo", *order)
        assert message_json(Message.objects.get())["reactions"] == []
        assert Reaction.objects.get().removed_at is not None


class TestSeen:
    @pytest.mark.parametrize("order", [["echo", "seen"], ["seen", "echo"]])
    def test_what_the_customer_read_is_seen_and_everything_before_it(
        self, order: list[str]
    ) -> None:
        earlier = load("echo")
        item = earlier["entry"][0]["messaging"][0]
        item["message"] |= {"mid": "m-earlier"}
        item["timestamp"] = SENT_AT - 5000
        later = load("echo")
        item = later["entry"][0]["messaging"][0]
        item["message"] |= {"mid": "m-later"}
        item["timestamp"] = SENT_AT + 500000
        receive(earlier, later, *order)
        found = {message.mid: message.delivery_status for message in Message.objects.all()}
        assert found == {"m-005": "seen", "m-earlier": "seen", "m-later": "sent"}


class TestRouting:
    @pytest.mark.parametrize(
        "order",
        [["text", "handover_pass", "handover_take"], ["handover_take", "handover_pass", "text"]],
    )
    def test_the_latest_owner_of_the_thread_is_known(self, order: list[str]) -> None:
        receive(*order)
        assert Conversation.objects.get().thread_owner == "111"

    def test_standby_is_recorded_and_ends_with_a_message_of_our_own_turn(self) -> None:
        receive("standby_text")
        assert Conversation.objects.get().in_standby
        receive(text_payload("m-later", timestamp=SENT_AT + 600_000))
        assert not Conversation.objects.get().in_standby
        assert Conversation.objects.get().contact.igsid == CUSTOMER_ID
