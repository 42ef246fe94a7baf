"""Strangers' words, links and JSON come out harmless."""

import time
from typing import Any

import pytest

from social_integrations.admin.rendering import (
    JSON_LENGTH,
    link_html,
    one_line,
    pretty_json,
    visible,
)
from social_integrations.media.links import safe_link


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://cdn.example/a.jpg?x=1&y=2", "cdn.example"),
        ("http://cdn.example:8080/a", "cdn.example"),
        ("HTTPS://CDN.Example/a", "cdn.example"),
        ("https://xn--e1afmkfd.example/", "xn--e1afmkfd.example"),
        ("https://ехample.com/", "xn--ample-ywe6i.com"),  # noqa: RUF001 - Cyrillic on purpose
    ],
)
def test_web_links_show_where_they_lead(url: str, host: str) -> None:
    link = safe_link(url)
    assert link.href == url
    assert link.host == host


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://cdn.example/x",
        "//cdn.example/a",
        "/admin/",
        "cdn.example/a",
        "https://",
        "https:///a",
        "https://good.example\\@evil.example/",
        "https://good.example@evil.example/",
        "https://user:pass@evil.example/",
        "https://evil.example/\u202egpj.exe",
        "https://[::1",
        "https://" + "a" * 300 + ".example/",
        "https://a b.example/",
    ],
)
def test_anything_else_is_not_a_link(url: str) -> None:
    assert safe_link(url).href == ""
    assert "<a" not in link_html("Open", url)


def test_link_html_escapes_and_isolates() -> None:
    html = link_html('<b>"', 'https://cdn.example/"onmouseover="x')
    assert "<b>" not in html
    assert '"onmouseover' not in html
    assert 'rel="noopener noreferrer nofollow"' in html


@pytest.mark.parametrize("code", ["202e", "2066", "0000", "001b", "0085", "061c", "d800"])
def test_deceptive_characters_are_spelled_out(code: str) -> None:
    shown = visible(f"a{chr(int(code, 16))}b")
    assert shown == f"a⟨U+{code.upper()}⟩b"
    shown.encode()


def test_honest_text_is_left_alone() -> None:
    text = "გამარჯობა\nline\ttwo 👩\u200d👩\u200d👧 שלום"
    assert visible(text) == text


def test_long_text_is_cut_and_quick() -> None:
    started = time.thread_time()
    assert len(visible("x" * 1_000_000)) == 5_001
    assert len(one_line("a " * 1_000_000)) <= 121
    assert len(one_line("\u0301" * 1_000_000)) == 5  # four marks are kept, and the dots
    assert time.thread_time() - started < 2


def test_one_line() -> None:
    assert one_line("  two\n\n lines ") == "two lines"


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"text": "<script>"}, "&lt;script&gt;"),
        ({"text": "გამარჯობა"}, "გამარჯობა"),
        ({"text": "\ud800\u202e"}, "⟨U+D800⟩⟨U+202E⟩"),
        (None, "null"),
        ("just text", "just text"),
        (nested(100), "[]"),
        (nested(600), "[["),
    ],
)
def test_json_is_laid_out_and_escaped(value: Any, shown: str) -> None:
    html = pretty_json(lambda: value)
    assert shown in html
    assert "<script" not in html
    html.encode()


def test_json_too_deep_or_too_long_is_said_or_cut() -> None:
    assert "too deeply" in pretty_json(lambda: nested(100_000))
    assert len(pretty_json(lambda: ["x" * 1_000_000])) < JSON_LENGTH + 100


def test_json_that_cannot_even_be_read() -> None:
    def read() -> Any:
        raise RecursionError

    assert "too deeply" in pretty_json(read)
