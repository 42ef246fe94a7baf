"""A file is judged by its first bytes against Meta's table, in words."""

import pytest

from social_integrations.exceptions import DraftError
from social_integrations.media import sniffing
from social_integrations.services.outgoing_media import (
    MEGABYTE,
    REFUSED,
    SUFFIXES,
    TAKEN,
    recognise,
    refuse_suffix,
)

OGG = b"OggS\0\x02" + b"\0" * 22
MP4 = b"\0\0\0\x18ftypmp42\0\0"
HEADS = {
    "jpeg": b"\xff\xd8\xff\xe0",
    "png": b"\x89PNG\r\n\x1a\n",
    "gif": b"GIF89a",
    "mp4": MP4,
    "mov": b"\0\0\0\x14ftypqt  ",
    "webm": b"\x1aE\xdf\xa3\x9f\x42\x82\x84webm",
    "avi": b"RIFF\x10\0\0\0AVI LIST",
    "ogv": OGG + b"\x80theora",
    "m4a": b"\0\0\0\x18ftypM4A ",
    "aac": b"\xff\xf1P\x80",
    "wav": b"RIFF\x10\0\0\0WAVEfmt ",
    "pdf": b"%PDF-1.7\n",
}


@pytest.mark.parametrize(
    ("head", "kind", "content_type"),
    [
        ("jpeg", "image", "image/jpeg"),
        ("png", "image", "image/png"),
        ("gif", "image", "image/gif"),
        ("mp4", "video", "video/mp4"),
        ("mov", "video", "video/quicktime"),
        ("webm", "video", "video/webm"),
        ("avi", "video", "video/x-msvideo"),
        ("ogv", "video", "video/ogg"),
        ("m4a", "audio", "audio/mp4"),
        ("aac", "audio", "audio/aac"),
        ("wav", "audio", "audio/wav"),
        ("pdf", "file", "application/pdf"),
    ],
)
def test_every_format_of_the_table(head: str, kind: str, content_type: str) -> None:
    # Whatever it is called.
    found = recognise(HEADS[head], name="virus.exe", size=1000)
    assert (found.type, found.format.content_type) == (kind, content_type)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.mp4", "video"), ("a", "video"), ("Memo.M4A", "audio"), ("a.aac", "audio")],
)
def test_an_mp4_called_a_recording_is_one(name: str, kind: str) -> None:
    found = recognise(MP4, name=name, size=1000)
    assert (found.type, found.format.content_type) == (kind, f"{kind}/mp4")


@pytest.mark.parametrize(
    ("head", "word", "advice"),
    [
        (b"\0\0\0\x18ftypheic", "HEIC", "JPEG"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "WebP", "JPEG"),
        (b"\0\0\0\x1cftypavif", "AVIF", "JPEG"),
        (b"<svg xmlns=", "SVG", "JPEG"),
        (b"<?xml version='1.0'?>\n<SVG>", "SVG", "JPEG"),
        (b"II*\0", "TIFF", "JPEG"),
        (b"MM\0*", "TIFF", "JPEG"),
        (b"BM6\0", "BMP", "JPEG"),
        (b"ID3\x04\0", "MP3", "M4A"),
        (OGG + b"OpusHead", "OGG", "M4A"),
        (b"fLaC", "FLAC", "M4A"),
        (b"#!AMR\n", "AMR", "M4A"),
        (b"\x1aE\xdf\xa3\x93\x42\x82\x88matroska", "MKV", "MP4"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9", "WMV", "MP4"),
    ],
)
def test_what_people_choose_and_meta_refuses_is_named(head: bytes, word: str, advice: str) -> None:
    with pytest.raises(DraftError) as caught:
        recognise(head, name="holiday.jpg", size=1000)
    assert caught.value.code == "file_format"
    assert word in caught.value.message
    assert advice in caught.value.action


@pytest.mark.parametrize("head", [b"PK\x03\x04", b"MZ\x90", b"<!doctype html>", b"hello", b"\0"])
def test_anything_else_is_none_of_these(head: bytes) -> None:
    with pytest.raises(DraftError) as caught:
        recognise(head, name="a.pdf", size=1000)
    assert caught.value.code == "file_type"
    assert caught.value.action


@pytest.mark.parametrize(
    ("head", "limit"), [("png", 8), ("gif", 8), ("mp4", 25), ("wav", 25), ("pdf", 25)]
)
def test_sizes_to_the_byte(head: str, limit: int) -> None:
    assert recognise(HEADS[head], name="a", size=limit * MEGABYTE)
    with pytest.raises(DraftError) as caught:
        recognise(HEADS[head], name="a", size=limit * MEGABYTE + 1)
    assert caught.value.code == "file_size"
    assert f"{limit} MB" in caught.value.message


def test_an_empty_file_is_told_apart() -> None:
    with pytest.raises(DraftError) as caught:
        recognise(b"", name="a.jpg", size=0)
    assert caught.value.code == "file_empty"


def test_every_name_of_a_suffix_has_words() -> None:
    assert set(SUFFIXES.values()) <= set(REFUSED)
    for suffix, name in SUFFIXES.items():
        with pytest.raises(DraftError) as caught:
            refuse_suffix(f"/a/b{suffix}")
        assert name in caught.value.message


def test_no_format_is_both_taken_and_refused() -> None:
    taken = {each for intake in TAKEN.values() for each in intake.formats}
    assert not taken & {sniffing.HEIC, sniffing.WEBP, sniffing.MP3, sniffing.OGG}
    # A GIF is taken as a file, never at an address.
    assert {each.suffix for each in taken} & set(SUFFIXES) == {".gif"}
