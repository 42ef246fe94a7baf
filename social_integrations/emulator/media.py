"""Pictures the emulator makes or is given, and the addresses it serves them at."""

import hashlib
import html
import secrets
import struct
import zlib

from .store import Store

MAX_UPLOAD = 8 * 1024 * 1024

SIGNATURES = {b"\x89PNG\r\n\x1a\n": ("image/png", "png"), b"\xff\xd8\xff": ("image/jpeg", "jpg")}

AVATAR = """<svg xmlns="http://www.w3.org/2000/svg" width="160" height="160" viewBox="0 0 160 160">
<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1"><stop offset="0"
stop-color="hsl({hue},70%,62%)"/><stop offset="1" stop-color="hsl({end},65%,45%)"/></linearGradient>
</defs><rect width="160" height="160" fill="url(#g)"/><text x="80" y="102" font-size="64"
font-family="sans-serif" font-weight="600" fill="#fff" text-anchor="middle">{letters}</text></svg>
"""


class NotAPictureError(ValueError):
    """The upload is refused; the text says why."""


def avatar_url(base_url: str, username: str) -> str:
    """Link the picture drawn for a username."""
    return f"{base_url}/avatars/{username}.svg"


def draw_avatar(username: str) -> bytes:
    """Draw initials on a colour that belongs to the name."""
    words = [word for word in username.replace(".", "_").split("_") if word]
    letters = "".join(word[0] for word in words[:2]).upper() or "?"
    hue = int.from_bytes(hashlib.sha256(username.encode()).digest()[:2]) % 360
    drawn = AVATAR.format(hue=hue, end=(hue + 50) % 360, letters=html.escape(letters))
    return drawn.encode()


def sample_picture(width: int = 480, height: int = 360) -> bytes:
    """Draw a PNG: a parcel-coloured sunset, different each time."""
    tint = secrets.randbelow(90)
    rows = (b"\0" + _scanline(y, width, height, tint) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (
        _chunk(b"IHDR", header),
        _chunk(b"IDAT", zlib.compress(b"".join(rows), 6)),
        _chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _scanline(y: int, width: int, height: int, tint: int) -> bytes:
    """Draw one row: sky above the horizon, a disc in the middle, water below."""
    share = y / height
    sky = (250 - int(60 * share), 150 + int(60 * share), 90 + tint + int(70 * share))
    water = (40 + int(30 * share), 90 + tint // 2, 150)
    background = sky if share < 0.62 else water
    radius, centre_x, centre_y = height // 5, width // 2, height * 45 // 100
    square = radius * radius - (y - centre_y) ** 2
    if square <= 0 or background is water:
        return bytes(background) * width
    half = int(square**0.5)
    side = bytes(background) * (centre_x - half)
    return side + b"\xff\xf0\xc8" * (2 * half) + bytes(background) * (width - centre_x - half)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def host_picture(store: Store, content: bytes) -> str:
    """Keep a PNG or JPEG and return its path."""
    if len(content) > MAX_UPLOAD:
        raise NotAPictureError("The picture is larger than 8 MB.")
    found = [row for start, row in SIGNATURES.items() if content.startswith(start)]
    if not found:
        raise NotAPictureError("The picture is neither a PNG nor a JPEG.")
    content_type, ending = found[0]
    key, name = secrets.token_urlsafe(18), f"picture.{ending}"
    store.run("INSERT INTO upload VALUES (?, ?, ?, ?)", key, name, content_type, content)
    return f"/media/{key}/{name}"


def stored_picture(store: Store, key: str, name: str) -> tuple[str, bytes] | None:
    """Find a hosted picture: its content type and bytes."""
    row = store.one("SELECT * FROM upload WHERE key = ? AND name = ?", key, name)
    return None if row is None else (row["content_type"], row["content"])
