"""Texts are cut at what a reader takes for one character, and cleaned of what nobody sees."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from social_integrations.services.graphemes import graphemes, is_emoji
from social_integrations.services.texts import (
    MAX_TEXT_BYTES,
    clean_line,
    clean_text,
    is_blank,
    split_text,
)

FAMILY = "👨‍👩‍👧‍👦"
GEORGIAN = "გამარჯობა"
# Each of these is one character to whoever reads it.
WHOLE = [
    FAMILY,
    "👍🏽",  # skin tone
    "🏳️‍🌈",  # variation selector and joiner
    "❤️",
    "🇬🇪",  # a country's flag
    "🏴󠁧󠁢󠁳󠁣󠁴󠁿",  # a region's flag, in tags
    "1️⃣",
    "👩🏾‍❤️‍💋‍👨🏼",
    "e\u0301",  # a letter and an accent
    "e\u0323\u0302",
    "\u1100\u1161\u11a8",  # Hangul in letters
    "\uac00\u11a8",
    "\u0915\u094d\u0937\u093f",  # a conjunct and a vowel
    "\u0e01\u0e33",
    "ნ",
    "Ё",
    "a",
    "中",
    "\r\n",
]
LATIN = st.text(st.characters(codec="utf-8"), max_size=300)
MIXED = st.lists(
    st.sampled_from([*WHOLE, " ", "\n", GEORGIAN, "слово", "\u00a0"]), max_size=200
).map("".join)
TEXTS = LATIN | MIXED | st.tuples(MIXED, LATIN).map(" ".join)
LIMITS = st.sampled_from([40, 100, MAX_TEXT_BYTES])


def without_space(text: str) -> str:
    return "".join(text.split())


class TestSplitting:
    @given(TEXTS, LIMITS)
    @example(GEORGIAN * 400, MAX_TEXT_BYTES)
    @example(FAMILY * 100, MAX_TEXT_BYTES)
    @example(" " * 3000, MAX_TEXT_BYTES)
    def test_laws(self, text: str, limit: int) -> None:
        pieces = split_text(text, limit)
        assert all(len(piece.encode()) <= limit for piece in pieces)
        assert all(piece.strip() for piece in pieces)
        assert without_space("".join(pieces)) == without_space(text)

    @given(st.lists(st.sampled_from(WHOLE[:-1]), min_size=30, max_size=200), LIMITS)
    def test_nothing_whole_is_cut(self, wholes: list[str], limit: int) -> None:
        ends, position = set(), 0
        for whole in wholes:
            position += len(whole)
            ends.add(position)
        position = 0
        for piece in split_text("".join(wholes), limit):
            position += len(piece)
            assert position in ends

    @given(TEXTS)
    def test_what_fits_stays_as_it_is(self, text: str) -> None:
        if len(text.encode()) <= MAX_TEXT_BYTES:
            assert split_text(text) == ([text.strip()] if text.strip() else [])

    def test_words_stay_whole(self) -> None:
        text = " ".join([GEORGIAN] * 300)
        assert all(set(piece.split()) == {GEORGIAN} for piece in split_text(text))

    def test_pieces_are_as_few_as_words_allow(self) -> None:
        assert [len(piece) for piece in split_text("x" * 2500)] == [1000, 1000, 500]
        assert split_text("a" * 999 + " b") == ["a" * 999, "b"]
        assert split_text("a" * 1000 + " b") == ["a" * 1000, "b"]
        assert split_text("a" * 998 + " b") == ["a" * 998 + " b"]

    def test_a_thousand_bytes_are_333_georgian_letters(self) -> None:
        assert [len(piece) for piece in split_text("ა" * 334)] == [333, 1]

    def test_a_price_is_not_cut_at_its_hard_space(self) -> None:
        assert split_text("x" * 990 + " 100\u00a0000\u00a0₾ now") == [
            "x" * 990,
            "100\u00a0000\u00a0₾ now",
        ]

    def test_a_pile_of_accents_longer_than_a_message_is_cut_all_the_same(self) -> None:
        pieces = split_text("z" + "\u0301" * 2000)
        assert all(0 < len(piece.encode()) <= MAX_TEXT_BYTES for piece in pieces)
        assert "".join(pieces) == "z" + "\u0301" * 2000


class TestGraphemes:
    @pytest.mark.parametrize("whole", WHOLE)
    def test_one_character_is_one(self, whole: str) -> None:
        assert list(graphemes(whole)) == [whole]
        assert list(graphemes(f"a{whole}b")) == ["a", whole, "b"]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", []),
            ("ab", ["a", "b"]),
            ("🇬🇪🇩🇪🇫🇷", ["🇬🇪", "🇩🇪", "🇫🇷"]),
            ("🇬🇪🇩", ["🇬🇪", "🇩"]),
            ("👍🏽👍", ["👍🏽", "👍"]),
            ("\n\r\n ", ["\n", "\r\n", " "]),
            ("가나", ["가", "나"]),
            ("გა", ["გ", "ა"]),
        ],
    )
    def test_neighbours_stay_apart(self, text: str, expected: list[str]) -> None:
        assert list(graphemes(text)) == expected

    @pytest.mark.parametrize("emoji", ["❤️", "❤", "👍🏽", "🇬🇪", "1️⃣", "↔️", "©", FAMILY, WHOLE[5]])
    def test_an_emoji_is_one(self, emoji: str) -> None:
        assert is_emoji(emoji)

    @pytest.mark.parametrize(
        "text", ["", " ", "a", "ნ", "7", "❤️❤️", "❤ ", "ok👍", "\0", "\ud800", "👍" + "🏽" * 64]
    )
    def test_what_is_none(self, text: str) -> None:
        assert not is_emoji(text)

    @given(LATIN | MIXED)
    def test_joined_they_are_the_text(self, text: str) -> None:
        assert "".join(graphemes(text)) == text


class TestCleaning:
    @pytest.mark.parametrize(
        ("given_text", "expected"),
        [
            ("a\0b\x07c\x1b[31m", "abc[31m"),
            ("a\ud800b\udfff", "ab"),
            ("a\ufffeb\uffff", "ab"),
            ("one\r\ntwo\rthree\u2028four\x0bfive", "one\ntwo\nthree\nfour\nfive"),
            ("tab\tstays", "tab\tstays"),
            (f"{FAMILY} {GEORGIAN}", f"{FAMILY} {GEORGIAN}"),
            ("שלום \u200fabc", "שלום \u200fabc"),
        ],
    )
    def test_nothing_visible_goes(self, given_text: str, expected: str) -> None:
        assert clean_text(given_text) == expected

    def test_a_line_is_one_line_and_reads_as_it_is(self) -> None:
        assert clean_line(" a\n b\u202egpj.exe\0 ") == "a bgpj.exe"

    @given(st.text(st.characters(), max_size=50))
    def test_what_is_left_can_be_written(self, text: str) -> None:
        cleaned = clean_text(text)
        assert cleaned.encode().decode() == cleaned
        assert "\0" not in cleaned
        assert clean_text(cleaned) == cleaned

    @pytest.mark.parametrize("blank", ["", " \n\t", "\u200b\u200d", "\u2060 \ufeff"])
    def test_what_nobody_sees_is_blank(self, blank: str) -> None:
        assert is_blank(blank)
        assert not is_blank(f"{blank}.")


def test_twenty_messages_are_cut_in_a_moment() -> None:
    text = (FAMILY + "e\u0301") * 700
    start = time.thread_time()
    split_text(text)
    assert time.thread_time() - start < 2
