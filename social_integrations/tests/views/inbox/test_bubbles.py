"""Every kind of message as a bubble."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from social_integrations.models import Message, Upload
from social_integrations.showing import segments, visible
from social_integrations.tests.factories import (
    NOON,
    make_account,
    make_attachment,
    make_contact,
    make_conversation,
    make_message,
    make_user,
)

from .test_pages import bubble, page_of

pytestmark = pytest.mark.django_db


def ours(**values: Any) -> Message:
    return make_message(**{"direction": "outbound", "source": "crm", "status": "sent"} | values)


def shown(client: Client, message: Message) -> str:
    return bubble(page_of(client, f"/inbox/{message.conversation_id}/"), message)


class TestAttachments:
    @pytest.mark.parametrize(
        ("word", "markup"),
        [
            ("image", '<img src="/inbox/attachments/{pk}/" alt="Picture" loading="lazy"'),
            ("sticker", '<img src="/inbox/attachments/{pk}/" alt="Sticker"'),
            ("video", '<video controls preload="none" playsinline src="/inbox/attachments/{pk}/"'),
            ("audio", '<audio controls preload="none" src="/inbox/attachments/{pk}/"'),
            ("file", '<a class="si-file-link" href="/inbox/attachments/{pk}/" download>'),
            ("story_mention", '<img src="/inbox/attachments/{pk}/" alt="Mention in a story"'),
            ("ig_story", '<img src="/inbox/attachments/{pk}/" alt="Shared story"'),
            ("ig_post", '<a href="/api/social/instagram/media/{pk}/"'),
            ("ig_reel", "Shared reel"),
            ("share", "Shared post"),
            ("like_heart", "❤️"),
            ("template", "Card with buttons"),
            ("hologram", '<a class="si-file-link" href="/inbox/attachments/{pk}/"'),
        ],
    )
    def test_each_type_has_its_shape(self, reader: Client, word: str, markup: str) -> None:
        message = make_message(text="", kind=word)
        found = make_attachment(message, type=word, url="https://lookaside.fbsbx.com/x?a=1")
        page = shown(reader, message)
        assert markup.format(pk=found.pk) in page
        assert "fbsbx.com/x" not in page

    @pytest.mark.parametrize("word", ["ephemeral", "unsupported_type", "hologram"])
    def test_what_meta_keeps_to_itself_leads_to_instagram(self, reader: Client, word: str) -> None:
        message = make_message(text="", kind=word)
        make_attachment(message, type=word, url="")
        page = shown(reader, message)
        assert 'href="https://www.instagram.com/direct/inbox/"' in page
        assert 'rel="noopener noreferrer nofollow"' in page

    @pytest.mark.parametrize("kind", ["unsupported", "text"])
    def test_a_message_of_nothing_leads_to_instagram(self, reader: Client, kind: str) -> None:
        assert "Open Instagram" in shown(reader, make_message(text="", kind=kind))

    def test_what_has_expired_is_not_even_tried(self, reader: Client) -> None:
        message = make_message(text="")
        make_attachment(message, expired_at=NOON)
        page = shown(reader, message)
        assert "<img" not in page
        assert "No longer available at Instagram" in page
        assert "Try again" in page

    def test_a_link_that_is_none_is_not_tried_either(self, reader: Client) -> None:
        message = make_message(text="")
        make_attachment(message, url="javascript:alert(1)")
        assert "<img" not in shown(reader, message)

    def test_a_file_of_ours_needs_no_meta(self, reader: Client) -> None:
        message = ours(text="", kind="image")
        kept = Upload.objects.create(
            account=message.account, file="instagram/sent/x.png", name="x.png", type="image", size=1
        )
        found = make_attachment(message, url="", upload=kept)
        assert f'src="/inbox/attachments/{found.pk}/"' in shown(reader, message)
        response = reader.get(f"/inbox/attachments/{found.pk}/")
        assert response["Location"] == f"/api/social/instagram/uploads/{kept.pk}/"


class TestStories:
    def test_the_story_stands_beside_the_answer(self, reader: Client) -> None:
        story = {
            "id": "1",
            "url": "https://lookaside.fbsbx.com/s",
            "link_sticker_url": "https://shop.example/x",
        }
        message = make_message(text="How much?", story=story)
        page = shown(reader, message)
        assert f'<img src="/inbox/stories/{message.pk}/" alt="Your story"' in page
        assert "This story is no longer available." in page  # shown by the script where it fails
        assert "hidden data-si-lost" in page
        assert "How much?" in page

    def test_a_story_without_a_link_is_told(self, reader: Client) -> None:
        page = shown(reader, make_message(text="How much?", story={"id": "1"}))
        assert "<img" not in page
        assert "This story is no longer available." in page
        assert "hidden data-si-lost" not in page


class TestWhatHappened:
    def test_taps(self, reader: Client) -> None:
        quick = make_message(text="Size M", quick_reply_payload="SIZE_M")
        assert 'si-tap-button">Size M</bdi>' in shown(reader, quick)
        button = make_message(
            text="Opening hours", kind="postback", postback={"title": "Opening hours"}
        )
        assert 'si-tap-button">Opening hours</bdi>' in shown(reader, button)

    @pytest.mark.parametrize(
        ("referral", "kind", "words"),
        [
            (
                {"ad_id": "1", "ads_context_data": {"ad_title": "Boots"}},
                "text",
                "Came through the ad “Boots”",
            ),
            ({"ad_id": "1", "ads_context_data": []}, "text", "Came through an ad"),
            ({"ref": "spring"}, "text", "Came through the link “spring”"),
            ({"ref": "spring"}, "referral", "Came back through the link “spring”"),
            ({"source": "x"}, "referral", "Came back through a link"),
            ({"product": {"id": "55"}}, "text", "Asks about product 55"),
        ],
    )
    def test_where_somebody_came_from(
        self, reader: Client, referral: dict[str, Any], kind: str, words: str
    ) -> None:
        text = "" if kind == "referral" else "Hi"
        assert words in shown(reader, make_message(text=text, kind=kind, referral=referral))

    def test_an_edit_keeps_its_history(self, reader: Client) -> None:
        message = make_message(text="third", original_text="first", edits=2, edited_at=NOON)
        message.versions.create(number=1, text="second", edited_at=NOON)
        message.versions.create(number=2, text="third", edited_at=NOON)
        page = shown(reader, message)
        history = page.split("<details")[1]
        assert history.index("<q>first</q>") < history.index("<q>second</q>")
        assert "<q>third</q>" not in page

    def test_unsent_is_gone(self, reader: Client) -> None:
        message = make_message(
            text="secret", unsent_at=NOON, story={"url": "https://lookaside.fbsbx.com/s"}
        )
        make_attachment(message)
        page = page_of(reader, f"/inbox/{message.conversation_id}/")
        assert "This message was unsent." in bubble(page, message)
        assert "secret" not in page
        assert "<img" not in bubble(page, message)
        assert "Message unsent" in page  # the list

    def test_reactions_of_both_sides(self, reader: Client) -> None:
        message = make_message()
        conversation = message.conversation
        message.reactions.create(actor_id=conversation.contact.igsid, emoji="🔥")
        message.reactions.create(actor_id="17841", reaction="love", removed_at=None)
        message.reactions.create(actor_id="gone", emoji="😡", removed_at=NOON)
        page = shown(reader, message)
        assert "🔥" in page
        assert "❤️" in page
        assert ">😡<" not in page.split("si-reactions")[1].split("</ul>")[0]

    def test_a_quote_leads_to_its_message(self, reader: Client) -> None:
        first = make_message(text="In blue?")
        answer = ours(
            conversation=first.conversation,
            reply_to_mid=first.mid,
            sent_at=NOON + timedelta(minutes=1),
        )
        page = shown(reader, answer)
        assert f'href="#si-m-{first.pk}"' in page
        assert "In blue?" in page
        stray = ours(conversation=first.conversation, reply_to_mid="nowhere")
        assert "A message that is not here" in shown(reader, stray)

    def test_a_quote_never_shows_another_conversation(self, reader: Client) -> None:
        account = make_account()
        secret = make_message(
            conversation=make_conversation(contact=make_contact(account=account)), text="secret"
        )
        other = make_conversation(contact=make_contact(account=account))
        message = make_message(conversation=other, reply_to_mid=secret.mid)
        assert "secret" not in shown(reader, message)

    def test_what_we_offered(self, reader: Client) -> None:
        offered = ours(quick_replies=[{"title": "S", "payload": "s"}, {"title": "<M>"}, 7])
        page = shown(reader, offered)
        assert "<li><bdi>S</bdi></li><li><bdi>&lt;M&gt;</bdi></li>" in page
        card = ours(
            text="",
            kind="template",
            template={
                "template_type": "generic",
                "elements": [
                    {
                        "title": "Boots",
                        "subtitle": "Leather",
                        "image_url": "https://shop.example/b.jpg",
                        "buttons": [{"title": "Buy"}],
                    },
                    "odd",
                ],
            },
        )
        page = shown(reader, card)
        assert "Boots" in page
        assert "Leather" in page
        assert "Buy" in page
        assert "shop.example" not in page
        plain = ours(text="", kind="template", template={"text": "What next?", "buttons": 1})
        assert "What next?" in shown(reader, plain)


class TestDelivery:
    @pytest.mark.parametrize(
        ("status", "words"),
        [
            ("queued", "Queued"),
            ("sending", "Sending…"),
            ("sent", "Sent"),
            ("failed", "Not sent"),
            ("unknown", "Nobody knows whether it arrived"),
        ],
    )
    def test_each_state_has_words(self, reader: Client, status: str, words: str) -> None:
        assert words in shown(reader, ours(status=status))

    def test_seen_is_what_the_customer_read_so_far(self, reader: Client) -> None:
        conversation = make_conversation(customer_seen_at=NOON)
        read = ours(conversation=conversation)
        unread = ours(conversation=conversation, sent_at=NOON + timedelta(seconds=1))
        page = page_of(reader, f"/inbox/{conversation.pk}/")
        assert "si-state-seen" in bubble(page, read)
        assert "si-state-sent" in bubble(page, unread)

    def test_a_failure_has_a_reason_and_a_next_step(self, reader: Client) -> None:
        page = shown(
            reader,
            ours(
                status="failed",
                error_text="The <picture> is too large.",
                error_action="Make it smaller.",
            ),
        )
        assert "The &lt;picture&gt; is too large. Make it smaller." in page

    @pytest.mark.parametrize("status", ["queued", "unknown"])
    def test_what_waits_or_is_in_doubt_says_why(self, reader: Client, status: str) -> None:
        words = {"error_text": "Meta asks us to slow down.", "error_action": "Nothing to do."}
        page = shown(reader, ours(status=status, **words))
        assert "Meta asks us to slow down. Nothing to do." in page
        assert "Meta asks" not in shown(reader, ours(status="sent", **words))

    def test_what_waits_for_the_account_says_so(self, reader: Client) -> None:
        account = make_account(status="reauth_required")
        conversation = make_conversation(contact=make_contact(account=account))
        page = shown(reader, ours(conversation=conversation, status="queued"))
        assert "Waiting until the account is connected again" in page

    @pytest.mark.parametrize(
        ("source", "words"),
        [
            ("instagram_app", "sent in the Instagram app"),
            ("other_app", "sent by another app"),
            ("crm", "sent here"),
        ],
    )
    def test_where_it_was_written(self, reader: Client, source: str, words: str) -> None:
        assert words in shown(reader, ours(source=source))
        signed = shown(reader, ours(sent_by=make_user(first_name="Ann", last_name="Lee")))
        assert "Ann Lee" in signed
        assert "sent here" not in signed
        assert "Automatic answer" in shown(reader, ours(author="automation"))

    def test_a_human_agents_answer_says_so(self, reader: Client) -> None:
        assert "as a human agent" in shown(reader, ours(tag="HUMAN_AGENT"))


class TestText:
    @pytest.mark.parametrize(
        ("text", "links"),
        [
            ("see https://a.example/x?y=1&z=2.", [("https://a.example/x?y=1&z=2", "a.example")]),
            ("(http://a.example)", [("http://a.example", "a.example")]),
            ("HTTPS://A.example", [("HTTPS://A.example", "a.example")]),
            ("https://пример.example/я", [("https://пример.example/я", "xn--e1afmkfd.example")]),
            ("https://user@evil.example/", []),
            ("https://a.fbcdn.net@evil.example/", []),
            ("javascript:alert(1)", []),
            ("data:text/html,x ftp://a.example file:///etc/passwd //a.example", []),
            ("xhttps://a.example", []),
            ("https://", []),
            ("https://a.example:99999999/", [("https://a.example:99999999/", "a.example")]),
            ("https://evil.example/\u202egpj.exe", [("https://evil.example/", "evil.example")]),
        ],
    )
    def test_only_plain_web_addresses_become_links(
        self, text: str, links: list[tuple[str, str]]
    ) -> None:
        found = segments(text)
        assert [(one.href, one.host) for one in found if one.href] == links
        plain = "".join(one.text for one in found if not one.href)
        assert "\u202e" not in plain

    def test_the_page_shows_the_host_and_gives_nothing_away(self, reader: Client) -> None:
        page = shown(reader, make_message(text="https://\u0430.example/<b>"))
        assert (
            '<a href="https://\u0430.example/" rel="noopener noreferrer nofollow" target="_blank">'
            "https://<b>xn--80a.example</b>/</a>" in page
        )

    def test_lines_are_kept_and_length_is_not(self) -> None:
        assert segments("a\nb")[0].text == "a\nb"
        assert len(visible("x" * 1_000_000)) < 5_010
        assert len(segments("https://a.example/ " * 1_000)) < 120

    def test_letters_carry_few_marks(self) -> None:
        assert visible("e" + "\u0301" * 500 + "!") == "e" + "\u0301" * 4 + "!"
        assert visible("ệ é ạ̈") == "ệ é ạ̈"
