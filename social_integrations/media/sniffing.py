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
AVI = MediaType("video/x-msvideo", ".avi")
WEBM = MediaType("video/webm", ".webm")
OGG_VIDEO = MediaType("video/ogg", ".ogv")
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
    *((start, AAC) for start in (b"\xff\xf0", b"\xff\xf1", b"\xff\xf8", b"\xff\xf9")),
    (b"ID3", MP3),
    (b"\xff\xfb", MP3),
    (b"\xff\xf3", MP3),
    (b"\xff\xf2", MP3),
    (b"%PDF-", PDF),
)
# "RIFF", a length, then the form.
RIFF_FORMS = {b"WEBP": WEBP, b"WAVE": WAV, b"AVI ": AVI}
# The first packet of an Ogg stream names its codec; the other codecs are sound.
THEORA = b"\x80theora"
# Matroska's family names its member in the header; of these only WebM is for the web.
MATROSKA, WEBM_NAME = b"\x1aE\xdf\xa3", b"\x42\x82\x84webm"
# A length, "ftyp", then the main brand of the MP4 family.
BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), HEIC),
    **dict.fromkeys((b"M4A ", b"M4B "), M4A),
    **dict.fromkeys((b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7"), MP4),
    **dict.fromkeys((b"iso8", b"iso9", b"mp41", b"mp42", b"mp71", b"avc1", b"dash"), MP4),
    **dict.fromkeys((b"M4V ", b"M4VH", b"M4VP", b"MSNV", b"3gp4", b"3gp5", b"3gp6"), MP4),
    b"qt  ": QUICKTIME,
}
# What old QuickTime files begin with instead of a brand.
OLD_QUICKTIME = frozenset({b"moov", b"mdat", b"wide"})


def sniff(head: bytes) -> MediaType | None:
    """Return what the first bytes (64 are enough) say, None for anything we do not keep.

    SVG and HTML are not in the tables: they can hold scripts.
    """
    if head[:4] == b"RIFF":
        return RIFF_FORMS.get(head[8:12])
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:12])
    if head[4:8] in OLD_QUICKTIME:
        return QUICKTIME
    if head.startswith(MATROSKA):
        return WEBM if WEBM_NAME in head[:SNIFFED_BYTES] else None
    if head.startswith(b"OggS") and THEORA in head[:SNIFFED_BYTES]:
        return OGG_VIDEO
    return next((kind for start, kind in STARTS if head.startswith(start)), None)
