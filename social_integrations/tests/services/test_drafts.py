"""What somebody wrote becomes what Meta takes, or words that say why not."""

import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from social_integrations.exceptions import DraftError
from social_integrations.services.drafts import (
    MAX_PARTS,
    Draft,
    OutgoingFile,
    Part,
    QuickReply,
    cut,
)

LINK = "https://shop.example/b"


def picture(number: int = 1) -> OutgoingFile:
    return OutgoingFile(type="image", url=f"https://shop.example/{number}.jpg")


def other(kind: str, url: str = "https://shop.example/file") -> OutgoingFile:
    return OutgoingFile(type=kind, url=url)


def refusal(draft: Draft) -> DraftError:
    with pytest.raises(DraftError) as caught:
        cut(draft)
    assert caught.value.message
    assert caught.value.action
    return caught.value


def code(draft: Draft) -> str:
    return refusal(draft).code


def shape(parts: tuple[Part, ...]) -> list[tuple[str, int]]:
    return [(part.kind, len(part.files)) for part in parts]


class TestOrder:
    def test_files_then_text_then_template(self) -> None:
        template = {"template_type": "button", "text": "Next?", "buttons": [POSTBACK]}
        draft = Draft(
            text="x" * 1500,
            files=(picture(1), picture(2), other("video"), picture(3), other("file")),
            template=template,
        )
        assert shape(cut(draft)) == [
            ("image", 2),
            ("video", 1),
            ("image", 1),
            ("file", 1),
            ("text", 0),
            ("text", 0),
            ("template", 0),
        ]

    def test_pictures_go_by_ten(self) -> None:
        draft = Draft(files=tuple(picture(number) for number in range(21)))
        parts = cut(draft)
        assert shape(parts) == [("image", 10), ("image", 10), ("image", 1)]
        assert tuple(one for part in parts for one in part.files) == draft.files

    def test_the_quote_hangs_on_the_first_and_quick_replies_on_the_last(self) -> None:
        replies = (QuickReply(title="M", payload="SIZE_M"),)
        parts = cut(Draft(text="y" * 2500, reply_to_mid="m-1", quick_replies=replies))
        assert [part.reply_to_mid for part in parts] == ["m-1", "", ""]
        assert [part.quick_replies for part in parts] == [(), (), replies]

    def test_a_quote_alone_is_nothing(self) -> None:
        assert code(Draft(reply_to_mid="m-1")) == "empty"


class TestText:
    @pytest.mark.parametrize("text", ["", "  \n", "\0\x01", "\u200b", "\ud800"])
    def test_nothing_to_see_is_nothing_to_send(self, text: str) -> None:
        assert code(Draft(text=text)) == "empty"
        assert shape(cut(Draft(text=text, files=(picture(),)))) == [("image", 1)]

    def test_it_is_sent_without_what_nobody_sees(self) -> None:
        assert cut(Draft(text=" one\r\ntwo\0\ud800 "))[0].text == "one\ntwo"

    def test_twenty_messages_are_the_most(self) -> None:
        assert len(cut(Draft(text="z" * 20_000))) == MAX_PARTS
        assert code(Draft(text="z" * 20_001)) == "too_long"
        assert code(Draft(text="ა" * 6_661)) == "too_long"
        assert code(Draft(text="z" * 20_000, files=(picture(),))) == "too_long"

    def test_megabytes_are_refused_without_a_look(self) -> None:
        text = "გ" * 30_000_000
        start = time.thread_time()
        assert code(Draft(text=text)) == "too_long"
        assert time.thread_time() - start < 0.2

    def test_so_are_thousands_of_files(self) -> None:
        assert code(Draft(files=(picture(),) * 201)) == "too_long"


class TestQuickReplies:
    def draft(self, *replies: QuickReply) -> Draft:
        return Draft(text="Size?", quick_replies=replies)

    def reply(self, **changes: Any) -> QuickReply:
        return replace(QuickReply(title="M", payload="SIZE_M"), **changes)

    def test_thirteen_are_the_most(self) -> None:
        assert len(cut(self.draft(*[self.reply()] * 13))[0].quick_replies) == 13
        assert code(self.draft(*[self.reply()] * 14)) == "quick_replies"

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"title": "x" * 21}, "quick_reply_title"),
            ({"title": ""}, "quick_reply_title"),
            ({"title": " \u200b\0"}, "quick_reply_title"),
            ({"title": "x" * 5_000_000}, "quick_reply_title"),
            ({"payload": "x" * 1001}, "payload"),
            ({"payload": "ა" * 334}, "payload"),
            ({"payload": "\0"}, "payload"),
            ({"payload": "x" * 5_000_000}, "payload"),
            ({"content_type": "user_phone_number"}, "quick_reply_type"),
            ({"content_type": "user_email"}, "quick_reply_type"),
            ({"content_type": "location"}, "quick_reply_type"),
            ({"content_type": ""}, "quick_reply_type"),
        ],
    )
    def test_what_meta_refuses(self, changes: dict[str, str], expected: str) -> None:
        assert code(self.draft(self.reply(**changes))) == expected

    def test_at_the_limits(self) -> None:
        reply = self.reply(title="ა" * 20, payload="ა" * 333)
        assert cut(self.draft(reply))[0].quick_replies == (reply,)

    def test_a_title_may_stand_for_its_payload(self) -> None:
        [reply] = cut(self.draft(self.reply(payload="")))[0].quick_replies
        assert reply.payload == "M"

    def test_titles_are_one_clean_line(self) -> None:
        [reply] = cut(self.draft(self.reply(title=" M\nor\0 L ")))[0].quick_replies
        assert reply.title == "M or L"

    def test_they_stand_under_a_text(self) -> None:
        draft = Draft(files=(picture(),), quick_replies=(self.reply(),))
        assert code(draft) == "quick_replies"


WEB = {"type": "web_url", "url": LINK, "title": "Open"}
POSTBACK = {"type": "postback", "title": "Buy", "payload": "BUY_1"}
CARD = {
    "title": "Boots",
    "subtitle": "Leather",
    "image_url": "https://shop.example/b.jpg",
    "default_action": {"type": "web_url", "url": LINK},
    "buttons": [WEB, POSTBACK],
}


def cards(*elements: Any) -> dict[str, Any]:
    return {"template_type": "generic", "elements": list(elements)}


def buttons(text: Any = "What next?", *given_buttons: Any) -> dict[str, Any]:
    return {"template_type": "button", "text": text, "buttons": list(given_buttons or [POSTBACK])}


class TestTemplates:
    @pytest.mark.parametrize(
        "template",
        [
            cards(CARD),
            cards(*[CARD] * 10),
            cards({"title": "ა" * 80, "subtitle": "ა" * 80}),
            cards({"title": "Boots", "image_url": LINK}),
            cards({"title": "Boots", "buttons": [WEB] * 3}),
            buttons("x" * 640),
            buttons("Two\nlines", WEB, POSTBACK, WEB),
        ],
    )
    def test_what_meta_takes_goes_through_unchanged(self, template: dict[str, Any]) -> None:
        [part] = cut(Draft(template=template))
        assert part.kind == "template"
        assert part.template == template

    @pytest.mark.parametrize(
        ("template", "expected"),
        [
            ({}, "template_type"),
            ([], "template_type"),
            ("generic", "template_type"),
            ({"template_type": "media", "elements": []}, "template_type"),
            ({"template_type": ["generic"]}, "template_type"),
            ({"template_type": "generic"}, "template"),
            (cards(), "template"),
            (cards(*[CARD] * 11), "template"),
            ({"template_type": "generic", "elements": "Boots"}, "template"),
            ({"template_type": "generic", "elements": {"title": "x"}}, "template"),
            (cards(CARD) | {"sharable": True}, "template"),
            (cards("Boots"), "template"),
            (cards({"title": "Boots"}), "template"),
            (cards({"subtitle": "Leather", "image_url": LINK}), "template"),
            (cards(CARD | {"price": 3}), "template"),
            (cards(CARD | {"title": "x" * 81}), "template_text"),
            (cards(CARD | {"subtitle": "x" * 81}), "template_text"),
            (cards(CARD | {"title": "\u200b"}), "template_text"),
            (cards(CARD | {"title": 7}), "template_text"),
            (cards(CARD | {"title": "x" * 9_000_000}), "template_text"),
            (cards(CARD | {"image_url": "http://shop.example/b.jpg"}), "url"),
            (cards(CARD | {"image_url": None}), "url"),
            (cards(CARD | {"buttons": [WEB] * 4}), "template"),
            (cards(CARD | {"buttons": []}), "template"),
            (cards(CARD | {"buttons": [{"type": "phone_number"}]}), "template"),
            (cards(CARD | {"buttons": [WEB | {"payload": "x"}]}), "template"),
            (cards(CARD | {"buttons": [{"type": "postback", "title": "Buy"}]}), "template"),
            (cards(CARD | {"buttons": [POSTBACK | {"payload": "x" * 1001}]}), "payload"),
            (cards(CARD | {"buttons": [POSTBACK | {"title": "x" * 21}]}), "template_text"),
            (cards(CARD | {"buttons": [WEB | {"url": "javascript:alert(1)"}]}), "url"),
            (cards(CARD | {"default_action": WEB}), "template"),
            (cards(CARD | {"default_action": {"type": "postback", "url": LINK}}), "template"),
            (buttons(""), "template_text"),
            (buttons("x" * 641), "template_text"),
            (buttons(None), "template_text"),
            (buttons("x", *[WEB] * 4), "template"),
            (buttons("x") | {"buttons": []}, "template"),
            (buttons("x") | {"elements": [CARD]}, "template"),
        ],
    )
    def test_what_meta_refuses(self, template: Any, expected: str) -> None:
        assert code(Draft(template=template)) == expected

    def test_texts_in_it_are_cleaned(self) -> None:
        [part] = cut(Draft(template=cards({"title": "Boots\0\ud800", "subtitle": "a\nb"})))
        assert part.template == cards({"title": "Boots", "subtitle": "a b"})

    JSON = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["title", "type", "url", "buttons", "elements", "text", "\0"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )

    @given(JSON, st.sampled_from(["generic", "button"]))
    def test_no_shape_breaks_it(self, value: Any, kind: str) -> None:
        shaped = {"template_type": kind} | (value if isinstance(value, dict) else {"text": value})
        with suppress(DraftError):
            cut(Draft(template=shaped))


class TestFiles:
    @pytest.mark.parametrize("kind", ["image", "video", "audio", "file"])
    def test_each_kind_of_metas(self, kind: str) -> None:
        assert shape(cut(Draft(files=(other(kind),)))) == [(kind, 1)]

    @pytest.mark.parametrize("kind", ["", "sticker", "IMAGE", "template"])
    def test_no_other(self, kind: str) -> None:
        assert code(Draft(files=(other(kind),))) == "file_type"

    def test_it_comes_from_one_place(self) -> None:
        assert code(Draft(files=(OutgoingFile(type="image"),))) == "file"
        both = OutgoingFile(type="image", url=LINK, upload_id=1)
        assert code(Draft(files=(both,))) == "file"

    @pytest.mark.parametrize("key", [0, -1, 2**63, 10**40])
    def test_a_number_no_row_can_have_is_no_upload(self, key: int) -> None:
        assert code(Draft(files=(OutgoingFile(type="image", upload_id=key),))) == "upload_gone"

    @pytest.mark.parametrize(
        ("url", "word"),
        [
            ("https://shop.example/a.heic", "HEIC"),
            ("https://shop.example/a.HEIF?x=1.jpg", "HEIC"),
            ("https://shop.example/a.webp", "WebP"),
            ("https://shop.example/a.svg", "SVG"),
            ("https://shop.example/a.mp3", "MP3"),
            ("https://shop.example/a.gif", "GIF"),
            ("https://shop.example/a.mkv", "MKV"),
        ],
    )
    def test_formats_meta_refuses_are_known_by_their_names(self, url: str, word: str) -> None:
        error = refusal(Draft(files=(other("image", url),)))
        assert error.code == "file_format"
        assert word in error.message

    @pytest.mark.parametrize("end", [".jpg", ".PNG", "", ".php?id=3", "/a.webp/b"])
    def test_others_are_metas_to_judge(self, end: str) -> None:
        url = f"https://shop.example/a{end}"
        assert cut(Draft(files=(other("image", url),)))[0].files[0].url == url

    def test_names_are_one_clean_line(self) -> None:
        file = OutgoingFile(type="image", url=LINK, name="a\n\0b\u202e" + "c" * 500)
        [part] = cut(Draft(files=(file,)))
        assert part.files[0].name.startswith("a bccc")
        assert len(part.files[0].name) <= 255


class TestQuotes:
    @pytest.mark.parametrize("mid", ["m\0", " m-1", "m-1\n", "x" * 513, "\ud800", "m" * 9_000_000])
    def test_what_is_no_id_is_refused_before_any_database_sees_it(self, mid: str) -> None:
        assert code(Draft(text="Yes", reply_to_mid=mid)) == "reply_to"
