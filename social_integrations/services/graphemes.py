"""What a reader takes for one character, after Unicode's rules for grapheme clusters (UAX 29).

Made from `unicodedata` alone. Covered: accents and other combining marks, Thai and Lao vowels,
conjuncts of Indic scripts, variation selectors and keycaps, skin tones, emoji joined by a
zero-width joiner, flags of countries (pairs) and of regions (tags), Hangul written in single
letters, carriage return with line feed. Where the rules leave room it errs on the side of
joining: after a joiner nothing is ever cut.
"""

import unicodedata
from collections.abc import Iterator

ZERO_WIDTH_JOINER = "\u200d"
# Joined to what stands before them, although their category does not say so.
EXTENDING = frozenset("\u200c\u200d\u0e33\u0eb3\uff9e\uff9f") | frozenset(
    map(chr, [*range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080)])
)
MARKS = frozenset({"Mn", "Mc", "Me"})
# Signs that enclose the digits after them.
PREPENDED = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2")
PREPENDED_BEYOND = frozenset("\U000110bd\U000110cd")
SYMBOLS = frozenset({"So", "Sk"})
# What makes an emoji of a digit or an arrow: the keycap, and "shown in colour".
EMOJI_SIGNS = frozenset("\u20e3\ufe0f")
MAX_EMOJI = 64
VIRAMA = 9  # the combining class of signs that join two consonants
HANGUL_LEADS = ((0x1100, 0x115F), (0xA960, 0xA97C))
HANGUL_FOLLOWERS = ((0x1160, 0x11FF), (0xD7B0, 0xD7FB))
HANGUL = (*HANGUL_LEADS, *HANGUL_FOLLOWERS, (0xAC00, 0xD7A3))


def graphemes(text: str) -> Iterator[str]:
    """Yield the text in pieces that must not be cut; joined, they are the text."""
    start, flags = 0, 0
    for index in range(1, len(text)):
        before, char = text[index - 1], text[index]
        # Regional letters pair up: the third begins the next flag.
        flags = flags + 1 if _is_regional(before) else 0
        if _is_joined(before, char) or (flags % 2 and _is_regional(char)):
            continue
        yield text[start:index]
        start, flags = index, 0
    if text:
        yield text[start:]


def is_emoji(text: str) -> bool:
    """Return whether a text is a single emoji, of however many code points."""
    if len(list(graphemes(text[: MAX_EMOJI + 1]))) != 1 or len(text) > MAX_EMOJI:
        return False
    return any(char in EMOJI_SIGNS or unicodedata.category(char) in SYMBOLS for char in text)


def _is_joined(before: str, char: str) -> bool:
    if before.isascii() and char.isascii():  # nearly always
        return (before, char) == ("\r", "\n")
    if before.isspace() and char.isspace():
        return False
    return (
        before == ZERO_WIDTH_JOINER
        or before in PREPENDED
        or before in PREPENDED_BEYOND
        or char in EXTENDING
        or unicodedata.category(char) in MARKS
        or _is_conjunct(before, char)
        or _is_hangul_block(before, char)
    )


def _is_conjunct(before: str, char: str) -> bool:
    return unicodedata.combining(before) == VIRAMA and unicodedata.category(char) == "Lo"


def _is_hangul_block(before: str, char: str) -> bool:
    follows = _within(char, HANGUL_FOLLOWERS) and _within(before, HANGUL)
    return follows or (_within(before, HANGUL_LEADS) and _within(char, HANGUL))


def _within(char: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= ord(char) <= high for low, high in ranges)


def _is_regional(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
