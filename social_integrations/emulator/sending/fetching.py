"""Media the CRM wants sent: fetched from its URL as Meta does, checked, and kept on our CDN."""

import ipaddress
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from social_integrations.emulator.callback import quiet_session
from social_integrations.emulator.caller import Caller
from social_integrations.emulator.ids import new_digits
from social_integrations.emulator.media import keep_media, sign_link
from social_integrations.emulator.store import Row

from .errors import invalid, refusal

MEGABYTE = 1024 * 1024
CHUNK = 64 * 1024
ID_LIFE = 90 * 24 * 3600
"""Seconds an attachment id lasts."""
CARD_PATIENCE = 3.0
"""Seconds for the picture of a card, which may be missing."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What Meta takes for one type of attachment."""

    formats: frozenset[str]
    most: int


RULES: dict[str, Rule] = {
    "image": Rule(frozenset({"png", "jpg"}), 8 * MEGABYTE),
    "video": Rule(frozenset({"mp4", "ogg", "avi", "mov", "webm"}), 25 * MEGABYTE),
    "audio": Rule(frozenset({"aac", "m4a", "wav", "mp4"}), 25 * MEGABYTE),
    "file": Rule(frozenset({"pdf"}), 25 * MEGABYTE),
}
# Meta: a GIF goes through the upload of attachments only.
UPLOAD_ONLY = {"image": frozenset({"gif"})}

# How a file begins (after so many bytes) and its format; the first that fits counts.
BEGINNINGS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpg"),
    (0, b"GIF8", "gif"),
    (0, b"%PDF-", "pdf"),
    (4, b"ftypM4A", "m4a"),
    (4, b"ftypqt", "mov"),
    (4, b"ftyp", "mp4"),
    (0, b"OggS", "ogg"),
    (8, b"AVI ", "avi"),
    (8, b"WAVE", "wav"),
    (0, b"\x1aE\xdf\xa3", "webm"),
    (0, b"ID3", "mp3"),
    (0, b"\xff\xf1", "aac"),
    (0, b"\xff\xf9", "aac"),
)
TYPES = {
    "png": "image/png", "jpg": "image/jpeg", "gif": "image/gif", "pdf": "application/pdf",
    "m4a": "audio/mp4", "mov": "video/quicktime", "ogg": "video/ogg", "avi": "video/x-msvideo",
    "wav": "audio/wav", "webm": "video/webm", "aac": "audio/aac",
}  # fmt: skip


def format_of(content: bytes) -> str:
    """Name a file's format by its first bytes; empty when it is none Meta knows."""
    found = (name for at, start, name in BEGINNINGS if content[at:].startswith(start))
    return next(found, "")


def host_from(
    caller: Caller, kind: str, url: object, *, is_upload: bool = False, patience: float = 0.0
) -> str:
    """Fetch a file, check it as Meta does, and return its path on our CDN.

    It may take `patience` seconds, or as long as the switch `fetch_patience` says.
    """
    if not isinstance(url, str) or not url:
        raise invalid("Param payload must have a url or an attachment_id")
    patience = patience or float(caller.emulator.switch("fetch_patience"))
    content = _fetch(kind, url, RULES[kind].most, patience)
    return host_file(caller, kind, content, is_upload=is_upload)


def host_file(caller: Caller, kind: str, content: bytes, *, is_upload: bool = True) -> str:
    """Check a file as Meta does, and return its path on our CDN."""
    rule = RULES[kind]
    if len(content) > rule.most:
        raise refusal("100/2018109")
    known = format_of(content)
    allowed = rule.formats | (UPLOAD_ONLY.get(kind, frozenset()) if is_upload else frozenset())
    if known not in allowed:
        raise refusal("100/2018047")
    # An MP4 may hold a film or a sound; only the sender knows.
    content_type = f"{kind}/mp4" if known == "mp4" else TYPES[known]
    return keep_media(caller.emulator.store, content, content_type, known)


def _fetch(kind: str, url: str, most: int, patience: float) -> bytes:
    if not _may_fetch(url):
        raise refusal("100/2018008")
    deadline = time.monotonic() + patience
    try:
        with quiet_session() as session:
            headers = {"User-Agent": "facebookexternalhit/1.1"}
            # Meta's way with redirects is not documented; a signed link needs none.
            answer = session.get(
                url, headers=headers, timeout=patience, stream=True, allow_redirects=False
            )
            if answer.status_code != requests.codes.ok:
                raise refusal("100/2018008")
            return _read(answer, most, deadline)
    except requests.Timeout as error:
        raise refusal("100/2018294" if kind == "video" else "100/2018008") from error
    except (requests.RequestException, ValueError) as error:
        raise refusal("100/2018008") from error


def _read(answer: requests.Response, most: int, deadline: float) -> bytes:
    content = bytearray()
    for chunk in answer.iter_content(CHUNK):
        if time.monotonic() > deadline:
            raise requests.Timeout
        content += chunk
        if len(content) > most:
            raise refusal("100/2018109")
    if not content:
        raise refusal("100/2018008")
    return bytes(content)


def _may_fetch(url: str) -> bool:
    """Meta: public HTTPS only. This machine's own addresses do without."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and _is_here(host)))


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def keep_attachment(caller: Caller, page_id: str, kind: str, path: str) -> str:
    """Give a kept file an attachment id."""
    name = new_digits()
    caller.emulator.store.run(
        "INSERT INTO attachment VALUES (?, ?, ?, ?, ?)",
        *(name, page_id, kind, path, caller.emulator.now()),
    )
    return name


def find_upload(caller: Caller, page_id: str, attachment_id: object) -> Row | None:
    """Find an uploaded file; ids of others and old ones are bad."""
    row = caller.emulator.store.one(
        "SELECT * FROM attachment WHERE id = ? AND page_id = ?", str(attachment_id), page_id
    )
    if row is None or caller.emulator.now() - row["uploaded_at"] > ID_LIFE:
        return None
    return row


def uploaded(caller: Caller, page_id: str, kind: str, attachment_id: object) -> str:
    """Find the path of an uploaded file of one type."""
    row = find_upload(caller, page_id, attachment_id)
    if row is None or row["type"] != kind:
        raise refusal("100/2018074")
    return str(row["path"])


def link(caller: Caller, path: str) -> str:
    """Link a kept file the way messages do."""
    return sign_link(caller.emulator, path, caller.base_url)
