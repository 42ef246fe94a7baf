"""A file is what its first bytes say, or nothing we keep."""

import pytest

from social_integrations.media.sniffing import sniff


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x18ftypheic\0\0", "image/heic"),
        (b"\0\0\0\x18ftypmp42\0\0", "video/mp4"),
        (b"\0\0\0\x14ftypqt  \0\0", "video/quicktime"),
        (b"\0\0\0\x18ftypM4A \0\0", "audio/mp4"),
        (b"OggS\0\x02", "audio/ogg"),
        (b"OggS\0\x02" + b"\0" * 22 + b"\x80theora", "video/ogg"),
        (b"OggS\0\x02" + b"\0" * 22 + b"OpusHead", "audio/ogg"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\x10\0\0\0AVI LIST", "video/x-msvideo"),
        (b"\x1aE\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", "video/webm"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "video/quicktime"),
        (b"\xff\xf1P\x80", "audio/aac"),
        (b"\xff\xf0P\x80", "audio/aac"),
        (b"ID3\x04\0", "audio/mpeg"),
        (b"\xff\xfb\x90d", "audio/mpeg"),
        (b"%PDF-1.7\n", "application/pdf"),
    ],
)
def test_what_people_send(head: bytes, expected: str) -> None:
    kind = sniff(head)
    assert kind is not None
    assert kind.content_type == expected


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        b"<?xml version='1.0'?><svg>",
        b"\xef\xbb\xbf<svg>",
        b"\xff\xfe<\0s\0v\0g\0",
        b"<!doctype html><script>",
        b"\n <html>",
        b"GIF8",
        b"RIFF\x10\0\0\0RMIDdata",
        b"\x1aE\xdf\xa3\x93\x42\x82\x88matroska",
        b"\0\0\0\x18ftypxxxx",
        b"\x1f\x8b\x08",
        b"PK\x03\x04",
        b"MZ\x90",
        b"\x7fELF",
        b"#!/bin/sh",
        b" %PDF-1.7",
    ],
)
def test_anything_else_is_not_kept(head: bytes) -> None:
    assert sniff(head) is None
