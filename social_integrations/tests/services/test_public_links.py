"""Only plain public https addresses are passed on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from social_integrations.exceptions import DraftError
from social_integrations.services.public_links import MAX_URL, check_link


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        ("https://shop.example/a.jpg", None),
        ("https://SHOP.Example:443/a.jpg", "https://shop.example/a.jpg"),
        ("https://shop.example:8443/a?x=1&y=%20#z", None),
        ("https://shop.example", None),
        ("https://shop.example/ბათუმი.jpg", None),
        ("HTTPS://shop.example/", "https://shop.example/"),
        ("https://b\u00fccher.example/", "https://xn--bcher-kva.example/"),
    ],
)
def test_what_is_taken(given_url: str, expected: str | None) -> None:
    taken = check_link(given_url)
    assert taken.isascii()
    if given_url.isascii() or expected:
        assert taken == (expected or given_url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example",
        "//shop.example/a",
        "http://shop.example/a",
        "ftp://shop.example/a",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https:///a",
        "https:shop.example",
        "https://user@shop.example/",
        "https://user:word@shop.example/",
        "https://@shop.example/",
        "https://localhost/a",
        "https://shop/a",
        "https://printer.local/a",
        "https://db.internal/a",
        "https://127.0.0.1/a",
        "https://8.8.8.8/a",
        "https://2130706433/a",
        "https://0x7f000001/a",
        "https://127.0.0.0x1/",
        "https://[::1]/a",
        "https://[::ffff:127.0.0.1]/a",
        "https://shop.example:0/",
        "https://shop.example:99999/",
        "https://shop.example:x/",
        "https://shop.example\\@evil.example/",
        "https://shop.example/a b",
        "https://shop.example/\n",
        " https://shop.example/",
        "https://shop.example/\0",
        "https://shop.example/\u202egpj",
        "https://shop.example/\ud800",
        "https://-shop.example/",
        "https://shop_a.example/",
        "https://shop..example/",
        f"https://{'a' * 64}.example/",
        f"https://{'a.' * 130}example/",
        "https://shop.example/" + "a" * 1980,
        "https://shop.example/" + "ა" * 300,
        "x" * 9_000_000,
        None,
        7,
        ["https://shop.example/"],
    ],
)
def test_what_is_not(url: object) -> None:
    with pytest.raises(DraftError) as caught:
        check_link(url)
    assert caught.value.code == "url"
    assert caught.value.message
    assert caught.value.action


@given(st.text(st.characters(), max_size=40).map("https://shop.example/{}".format) | st.text())
def test_no_text_breaks_it(url: str) -> None:
    try:
        taken = check_link(url)
    except DraftError:
        return
    assert taken.isascii()
    assert taken.startswith("https://")
    assert len(taken) <= MAX_URL
    assert check_link(taken) == taken
