"""Media the emulator hosts, and the signed links to it that stop working after a while."""

import hashlib
import hmac
import html
import re
import secrets
from typing import Any
from urllib.parse import urlencode

from .core import Emulator
from .http import Request
from .samples import SAMPLES
from .store import Store

MAX_UPLOAD = 8 * 1024 * 1024

# What a file begins with (after so many bytes), its type and its ending.
SIGNATURES = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (0, b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (0, b"GIF8", "image/gif", "gif"),
    (4, b"ftyp", "video/mp4", "mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm", "webm"),
    (8, b"WAVE", "audio/wav", "wav"),
    (0, b"ID3", "audio/mpeg", "mp3"),
    (0, b"%PDF-", "application/pdf", "pdf"),
)
LINK = re.compile(r"^(?:https?://[^/]+)?(/media/[A-Za-z0-9_-]+/[a-z]+\.[a-z0-9]+)(?:\?.*)?$")

AVATAR = """<svg xmlns="http://www.w3.org/2000/svg" width="160" height="160" viewBox="0 0 160 160">
<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1"><stop offset="0"
stop-color="hsl({hue},70%,62%)"/><stop offset="1" stop-color="hsl({end},65%,45%)"/></linearGradient>
</defs><rect width="160" height="160" fill="url(#g)"/><text x="80" y="102" font-size="64"
font-family="sans-serif" font-weight="600" fill="#fff" text-anchor="middle">{letters}</text></svg>
"""


class NotMediaError(ValueError):
    """The upload is refused; the text says why."""


def avatar_url(base_url: str, username: str) -> str:
    """Link the picture drawn for a username."""
    return f"{base_url}/avatars/{username}.svg"


def portrait_url(base_url: str, username: str) -> str:
    """Link the picture Graph calls give of somebody: a bitmap, as Meta's are."""
    return f"{base_url}/avatars/{username}.png"


def draw_avatar(username: str) -> bytes:
    """Draw initials on a colour that belongs to the name."""
    words = [word for word in username.replace(".", "_").split("_") if word]
    letters = "".join(word[0] for word in words[:2]).upper() or "?"
    hue = int.from_bytes(hashlib.sha256(username.encode()).digest()[:2]) % 360
    drawn = AVATAR.format(hue=hue, end=(hue + 50) % 360, letters=html.escape(letters))
    return drawn.encode()


def host_media(store: Store, content: bytes) -> str:
    """Keep a picture, film, sound or PDF and return its path; only a signed link opens it."""
    if len(content) > MAX_UPLOAD:
        raise NotMediaError("The picture is larger than 8 MB.")
    found = next((row for row in SIGNATURES if content[row[0] :].startswith(row[1])), None)
    if found is None:
        raise NotMediaError("The file is not a PNG, JPEG, GIF, MP4, WebM, WAV, MP3 or PDF.")
    return keep_media(store, content, found[2], found[3])


def keep_media(store: Store, content: bytes, content_type: str, ending: str) -> str:
    """Keep a file whose type is known; return its path."""
    key, name = secrets.token_urlsafe(18), f"{content_type.partition('/')[0]}.{ending}"
    store.run(
        "INSERT INTO upload (key, name, content_type, content) VALUES (?, ?, ?, ?)",
        key,
        name,
        content_type,
        content,
    )
    return f"/media/{key}/{name}"


def host_sample(emulator: Emulator, kind: str, base_url: str) -> str:
    """Make a sample of `image`, `video`, `audio` or `file`; return a signed link to it."""
    return sign_link(emulator, host_media(emulator.store, SAMPLES[kind]()), base_url)


def stored_media(store: Store, key: str, name: str) -> tuple[str, bytes] | None:
    """Find a hosted file: its content type and bytes."""
    row = store.one("SELECT * FROM upload WHERE key = ? AND name = ?", key, name)
    return None if row is None else (row["content_type"], row["content"])


def sign_link(emulator: Emulator, path: str, base_url: str) -> str:
    """Link a hosted file until the switch `media_life` ends it, or `expire_links` does."""
    expires = int(emulator.now() + float(emulator.switch("media_life")))
    query = {"asset_id": path.split("/")[2], "expires": expires, "signature": ""}
    query["signature"] = _mark(emulator.store, path, str(expires))
    return f"{base_url}{path}?{urlencode(query)}"


def link_works(emulator: Emulator, request: Request) -> bool:
    """Tell whether a link is signed by us and still alive."""
    expires = request.query.get("expires", "")
    expected = _mark(emulator.store, request.path, expires)
    given = request.query.get("signature", "").encode()
    genuine = hmac.compare_digest(expected.encode(), given)
    return genuine and expires.isdecimal() and emulator.now() < int(expires)


def _mark(store: Store, path: str, expires: str) -> str:
    with store.transaction():
        key = store.setting("media_key")
        if key is None:
            key = secrets.token_hex(16)
            store.remember("media_key", key)
    return hmac.new(key.encode(), f"{path}?{expires}".encode(), "sha256").hexdigest()


def expire_links(store: Store) -> None:
    """Kill every link given out so far; a new one to the same file works."""
    store.remember("media_key", secrets.token_hex(16))


def freshen(emulator: Emulator, value: Any, base_url: str) -> Any:
    """Replace every link to hosted media, however deep, by one that works."""
    if isinstance(value, dict):
        return {name: freshen(emulator, part, base_url) for name, part in value.items()}
    if isinstance(value, list):
        return [freshen(emulator, part, base_url) for part in value]
    match = LINK.match(value) if isinstance(value, str) else None
    return sign_link(emulator, match[1], base_url) if match else value
