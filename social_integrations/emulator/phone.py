"""The page with the phone, and the files pages and webhooks link to."""

import mimetypes
import re
from collections.abc import Callable
from pathlib import Path

from .core import Emulator
from .dialog import show
from .http import Request, Response
from .media import draw_avatar, link_works, stored_media
from .samples import portrait

STATIC = Path(__file__).parent / "static"
DRAWN: dict[str, tuple[Callable[[str], bytes], str]] = {
    "svg": (draw_avatar, "image/svg+xml"),
    "png": (portrait, "image/png"),
}
AVATAR = re.compile(r"/avatars/([A-Za-z0-9._]{1,30})\.(svg|png)")
# A picture opened on its own must not run anything, whoever uploaded it.
PICTURE_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
NOT_FOUND = Response(body=b"Not found.", status=404, content_type="text/plain; charset=utf-8")


def answer_phone(_emulator: Emulator, _request: Request) -> Response:
    """Serve the page."""
    return show("phone.html")


def answer_static(_emulator: Emulator, request: Request) -> Response:
    """Serve a stylesheet or script of the package."""
    known = {file.name: file for file in STATIC.iterdir() if file.is_file()}
    file = known.get(request.path.rpartition("/")[2])
    if file is None:
        return NOT_FOUND
    content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return Response(body=file.read_bytes(), content_type=f"{content_type}; charset=utf-8")


def answer_avatar(_emulator: Emulator, request: Request) -> Response:
    """Serve the picture drawn for a username."""
    match = AVATAR.fullmatch(request.path)
    if match is None:
        return NOT_FOUND
    draw, content_type = DRAWN[match[2]]
    return Response(body=draw(match[1]), content_type=content_type, headers=PICTURE_HEADERS)


def answer_media(emulator: Emulator, request: Request) -> Response:
    """Serve a hosted file, as long as its link works."""
    key, _, name = request.path.removeprefix("/media/").partition("/")
    found = stored_media(emulator.store, key, name)
    if found is None:
        return NOT_FOUND
    if not link_works(emulator, request):
        status = int(emulator.switch("media_gone"))
        return Response(body=b"URL signature expired", status=status, content_type="text/plain")
    content_type, content = found
    return Response(body=content, content_type=content_type, headers=PICTURE_HEADERS)


def answer_favicon(_emulator: Emulator, _request: Request) -> Response:
    """Serve an icon, so that browsers do not ask the Graph for one."""
    return Response(body=draw_avatar("E"), content_type="image/svg+xml", headers=PICTURE_HEADERS)
