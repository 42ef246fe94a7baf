"""Which links are gone to: Meta's own, and of all the others not one."""

import pytest

from social_integrations.conf import DEFAULT_MEDIA_HOSTS
from social_integrations.exceptions import UnsafeLinkError
from social_integrations.media.links import is_host_entry, is_stand_in, read_target


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        (
            "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1&signature=a%2Bb",
            "lookaside.fbsbx.com",
            "/ig_messaging_cdn/?asset_id=1&signature=a%2Bb",
        ),
        ("https://scontent-fra3-1.xx.fbcdn.net/a.jpg", "scontent-fra3-1.xx.fbcdn.net", "/a.jpg"),
        ("HTTPS://Scontent.CDNinstagram.com:443/v?x", "scontent.cdninstagram.com", "/v?x"),
        ("https://video.fbsbx.com", "video.fbsbx.com", "/"),
        ("https://lookaside.fbsbx.com/a#fragment", "lookaside.fbsbx.com", "/a"),
    ],
)
def test_metas_own_links_are_taken_apart_unchanged(url: str, host: str, path: str) -> None:
    target = read_target(url, DEFAULT_MEDIA_HOSTS)
    assert (target.scheme, target.host, target.port) == ("https", host, 443)
    assert target.path == path
    assert not target.stand_in


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("entry", ["127.0.0.1:9009", "localhost:9009", "[::1]:9009"])
def test_a_stand_in_is_allowed_for_exactly_its_entry(entry: str, scheme: str) -> None:
    assert read_target(f"{scheme}://{entry}/media/x", [entry]).stand_in
    host = entry.rpartition(":")[0]
    for other in (f"{host}:9010", host, f"{host}:90090", f"x{entry}"):
        with pytest.raises(UnsafeLinkError):
            read_target(f"http://{other}/media/x", [entry])


@pytest.mark.parametrize("entry", ["*", "*.com", "com", "https://fbcdn.net", "*fbcdn.net", "", "."])
def test_an_entry_that_is_no_host_allows_nothing(entry: str) -> None:
    assert not is_host_entry(entry)
    for url in (
        "https://evil.com/",
        "https://evilfbcdn.net/",
        "https://fbcdn.net/",
        "https://com/",
    ):
        with pytest.raises(UnsafeLinkError):
            read_target(url, [entry])


@pytest.mark.parametrize("entry", [*DEFAULT_MEDIA_HOSTS, "CDN.example", "127.0.0.1:9009"])
def test_entries_that_can_be_read(entry: str) -> None:
    assert is_host_entry(entry)
    assert is_stand_in(entry) == entry.endswith("9009")
