"""Media the emulator makes itself, so that nobody has to look for a file first."""

import hashlib
import math
import secrets
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

STATIC = Path(__file__).parent / "static"
RATE = 8000


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


def portrait(name: str, size: int = 160) -> bytes:
    """Draw a PNG of somebody: head and shoulders before a colour that belongs to the name."""
    seed = hashlib.sha256(name.encode()).digest()
    rows = (b"\0" + _portrait_line(y, size, seed) for y in range(size))
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    chunks = (
        _chunk(b"IHDR", header),
        _chunk(b"IDAT", zlib.compress(b"".join(rows), 6)),
        _chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _portrait_line(y: int, size: int, seed: bytes) -> bytes:
    shade = 60 * y // size
    background = bytes(110 + seed[place] % 120 - shade // 2 for place in range(3))
    skin = bytes((200 + seed[3] % 50, 150 + seed[4] % 60, 120 + seed[5] % 50))
    shirt = bytes(40 + seed[place] % 160 for place in range(6, 9))
    head = (size // 5) ** 2 - (y - size * 2 // 5) ** 2
    body = (size * 2 // 5) ** 2 - (y - size) ** 2
    if head > 0:
        colour, half = skin, int(head**0.5)
    elif body > 0:
        colour, half = shirt, int(body**0.5)
    else:
        return background * size
    side = size // 2 - half
    return background * side + colour * (2 * half) + background * (size - side - 2 * half)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def sample_sound(seconds: float = 1.5) -> bytes:
    """Play two soft notes as a WAV file."""
    count = int(RATE * seconds)
    waves = (
        128 + int(60 * math.sin(2 * math.pi * (440 if step * 2 < count else 660) * step / RATE))
        for step in range(count)
    )
    data = bytes(waves)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE, 1, 8)
    head = b"WAVE" + form + struct.pack("<4sI", b"data", len(data))
    return struct.pack("<4sI", b"RIFF", len(head) + len(data)) + head + data


def sample_paper() -> bytes:
    """Print a one-page PDF."""
    text = b"BT /F1 24 Tf 72 720 Td (A paper from the Meta emulator) Tj ET"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources 6 0 R>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Font<</F1 5 0 R>>>>",
    )
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    count = len(objects) + 1
    tail = b"xref\n0 %d\n0000000000 65535 f \n%b" % (count, table)
    return (
        body
        + tail
        + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
        % (
            count,
            len(body),
        )
    )


def sample_video() -> bytes:
    """Show two seconds of a test picture as MP4."""
    return (STATIC / "sample.mp4").read_bytes()


SAMPLES: dict[str, Callable[[], bytes]] = {
    "image": sample_picture,
    "video": sample_video,
    "audio": sample_sound,
    "file": sample_paper,
}
