"""What a file is by its first bytes; names and headers are whatever the sender likes."""

from dataclasses import dataclass

SNIFFED_BYTES = 64


@dataclass(frozen=True, slots=True)
class MediaType:
    """A kind of file we keep: its media type, and the suffix of our own names."""

    content_type: str
    suffix: str


PNG = MediaType("image/png", ".png")
JPEG = MediaType("image/jpeg", ".jpg")
GIF = MediaType("image/gif", ".gif")
WEBP = MediaType("image/webp", ".webp")
HEIC = MediaType("image/heic", ".heic")
MP4 = MediaType("video/mp4", ".mp4")
QUICKTIME = MediaType("video/quicktime", ".mov")
M4A = MediaType("audio/mp4", ".m4a")
OGG = MediaType("audio/ogg", ".ogg")
WAV = MediaType("audio/wav", ".wav")
AAC = MediaType("audio/aac", ".aac")
MP3 = MediaType("audio/mpeg", ".mp3")
PDF = MediaType("application/pdf", ".pdf")

STARTS: tuple[tuple[bytes, MediaType], ...] = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"OggS", OGG),
    (b"\xff\xf1", AAC),
    (b"\xff\xf9", AAC),
    (b"ID3", MP3),
    (b"\xff\xfb", MP3),
    (b"\xff\xf3", MP3),
    (b"\xff\xf2", MP3),
    (b"%PDF-", PDF),
)
# "RIFF", a length, then the form.
RIFF_FORMS = {b"WEBP": WEBP, b"WAVE": WAV}
# A length, "ftyp", then the main brand of the MP4 family.
BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), HEIC),
    **dict.fromkeys((b"M4A ", b"M4B "), M4A),
    **dict.fromkeys((b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42"), MP4),
    **dict.fromkeys((b"avc1", b"dash", b"M4V ", b"MSNV", b"3gp4", b"3gp5", b"3gp6"), MP4),
    b"qt  ": QUICKTIME,
}


def sniff(head: bytes) -> MediaType | None:
    """Return what the first bytes (64 are enough) say, None for anything we do not keep.

    SVG and HTML are not in the tables: they can hold scripts.
    """
    if head[:4] == b"RIFF":
        return RIFF_FORMS.get(head[8:12])
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:12])
    return next((kind for start, kind in STARTS if head.startswith(start)), None)
