"""Which files Meta takes: formats and sizes by kind, and words for those it does not take."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from social_integrations.exceptions import DraftError
from social_integrations.media import sniffing
from social_integrations.media.sniffing import MediaType

MEGABYTE = 1024 * 1024
# Enough to tell every kind in the tables below.
HEAD_BYTES = max(sniffing.SNIFFED_BYTES, 512)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What Meta takes of one kind of file."""

    formats: tuple[MediaType, ...]
    max_bytes: int
    advice: Promise
    """The next step for somebody whose file is none of these."""


# Meta's word → what it takes (section 4.4 of the reference).
TAKEN: Mapping[str, Intake] = {
    "image": Intake(
        # Meta: GIF by its attachment upload only; see `services/hosting.py`.
        formats=(sniffing.JPEG, sniffing.PNG, sniffing.GIF),
        max_bytes=8 * MEGABYTE,
        advice=_("Save the picture as JPEG or PNG and choose it again."),
    ),
    "video": Intake(
        formats=(
            sniffing.MP4,
            sniffing.QUICKTIME,
            sniffing.WEBM,
            sniffing.AVI,
            sniffing.OGG_VIDEO,
        ),
        max_bytes=25 * MEGABYTE,
        advice=_("Save the video as MP4 and choose it again."),
    ),
    "audio": Intake(
        formats=(sniffing.M4A, sniffing.AAC, sniffing.WAV, sniffing.MP4),
        max_bytes=25 * MEGABYTE,
        advice=_("Save the recording as M4A and choose it again."),
    ),
    "file": Intake(
        formats=(sniffing.PDF,),
        max_bytes=25 * MEGABYTE,
        advice=_("Save the file as PDF and choose it again."),
    ),
}
LARGEST_FILE = max(row.max_bytes for row in TAKEN.values())
# An MP4 may hold sound alone, which its first bytes do not tell: here its name decides.
SOUND_SUFFIXES = frozenset({".m4a", ".m4b", ".aac", ".mp4a"})

SAVE_PICTURE = TAKEN["image"].advice
SAVE_RECORDING = TAKEN["audio"].advice
NO_PICTURE = _("Instagram does not take {format} pictures.")
NO_SOUND = _("Instagram does not take {format} recordings.")
NO_VIDEO = _("Instagram does not take {format} videos.")

# What people choose most often and Meta refuses: format → sentence and next step.
REFUSED: Mapping[str, tuple[Promise, Promise]] = {
    **{
        name: (format_lazy(NO_PICTURE, format=name), SAVE_PICTURE)
        for name in ("HEIC", "WebP", "AVIF", "SVG", "TIFF", "BMP")
    },
    **{
        name: (format_lazy(NO_SOUND, format=name), SAVE_RECORDING)
        for name in ("MP3", "OGG", "FLAC", "AMR")
    },
    "GIF": (
        _("Instagram takes GIF pictures only as uploaded files."),
        _("Choose the file itself instead of its address."),
    ),
    "MKV": (format_lazy(NO_VIDEO, format="MKV"), TAKEN["video"].advice),
    "WMV": (format_lazy(NO_VIDEO, format="WMV"), TAKEN["video"].advice),
}
REFUSED_TYPES: Mapping[MediaType, str] = {
    sniffing.HEIC: "HEIC",
    sniffing.WEBP: "WebP",
    sniffing.MP3: "MP3",
    sniffing.OGG: "OGG",
}
REFUSED_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"BM", "BMP"),
    (b"fLaC", "FLAC"),
    (b"#!AMR", "AMR"),
    (sniffing.MATROSKA, "MKV"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "WMV"),
)
# For a file at an address, whose bytes only Meta will see: the end of its path.
SUFFIXES: Mapping[str, str] = {
    **dict.fromkeys((".heic", ".heif"), "HEIC"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    **dict.fromkeys((".svg", ".svgz"), "SVG"),
    ".webp": "WebP",
    ".gif": "GIF",
    ".avif": "AVIF",
    ".bmp": "BMP",
    ".mp3": "MP3",
    ".flac": "FLAC",
    ".amr": "AMR",
    ".mkv": "MKV",
    ".wmv": "WMV",
}


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file is sent as: Meta's word, and its format."""

    type: str
    format: MediaType


def recognise(head: bytes, *, name: str, size: int) -> Recognised:
    """Return what a file is by its first bytes (`HEAD_BYTES` of them), if Meta takes it.

    Raises `DraftError` with words for what Meta does not take, and for what is too large or empty.
    """
    if not size:
        raise DraftError("file_empty", gettext("This file is empty."), gettext("Choose another."))
    found = sniffing.sniff(head)
    for kind in _kinds_of(found, name):
        limit = TAKEN[kind].max_bytes
        if size > limit:
            raise too_large(kind)
        assert found is not None  # noqa: S101 - it stands in the table
        # Meta refuses a file whose type is not that of its kind.
        is_sound = kind == "audio" and found == sniffing.MP4
        return Recognised(kind, sniffing.M4A if is_sound else found)
    raise _refusal(head, found)


def too_large(kind: str) -> DraftError:
    """Return the refusal of a file beyond Meta's limit."""
    limit = TAKEN[kind].max_bytes // MEGABYTE
    sentence = gettext("This file is too large: Instagram takes at most {limit} MB of this kind.")
    return DraftError("file_size", sentence.format(limit=limit), gettext("Make it smaller."))


def refuse_suffix(path: str) -> None:
    """Raise `DraftError` where an address ends in the name of a format Meta does not take."""
    name = SUFFIXES.get(PurePosixPath(path).suffix.lower())
    if name:
        raise _refused(name)


def _kinds_of(found: MediaType | None, name: str) -> list[str]:
    """Return Meta's words for a format, the best one first."""
    kinds = [kind for kind, intake in TAKEN.items() if found in intake.formats]
    is_sound = PurePosixPath(name).suffix.lower() in SOUND_SUFFIXES
    return sorted(kinds, key=lambda kind: (kind == "audio") != is_sound)


def _refusal(head: bytes, found: MediaType | None) -> DraftError:
    name = REFUSED_TYPES.get(found) if found else None
    name = name or next((name for start, name in REFUSED_STARTS if head.startswith(start)), None)
    if head[4:12] in (b"ftypavif", b"ftypavis"):
        name = "AVIF"
    if b"<svg" in head[:HEAD_BYTES].lower():
        name = "SVG"
    if name:
        return _refused(name)
    return DraftError(
        "file_type",
        gettext("Instagram takes pictures, video, sound and PDF files; this is none of them."),
        gettext("Save it as JPEG, PNG, MP4, M4A or PDF and choose it again."),
    )


def _refused(name: str) -> DraftError:
    sentence, action = REFUSED[name]
    return DraftError("file_format", str(sentence), str(action))
