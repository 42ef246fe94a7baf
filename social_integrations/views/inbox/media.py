"""The doors to pictures and players of the inbox: Meta's media through us, shown and not kept.

A browser that opens the inbox asks this host only, so that nobody elsewhere learns who is reading.
"""

import re
from collections.abc import Callable
from hashlib import blake2s
from threading import BoundedSemaphore
from typing import Any

from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from social_integrations.access import access_policy
from social_integrations.exceptions import MediaError, MediaGoneError
from social_integrations.media.fetching import Stream
from social_integrations.media.sniffing import MediaType, sniff
from social_integrations.models import Attachment, Contact
from social_integrations.selectors import visible_attachment, visible_message
from social_integrations.services.media import open_copy, stream_attachment, stream_link

from .guard import inbox_view
from .queries import seen_conversations

# Whatever is in a file, a browser neither runs it nor lets another site embed it.
HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src 'self'; media-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
# What every browser shows; the rest is offered as a download.
SHOWN = re.compile(r"image/(?:png|jpeg|gif|webp)|video/.*|audio/.*")
PICTURE = re.compile(r"image/(?:png|jpeg|gif|webp)")
ANYTHING = re.compile(r".*")
BYTE_RANGE = re.compile(r"bytes=([0-9]{1,15})-([0-9]{0,15})")
STREAMS_AT_ONCE = 5
WAITING_SECONDS = 10
KIND_SECONDS = 3600

# Slow media hosts must not hold all threads of the server.
_places = BoundedSemaphore(STREAMS_AT_ONCE)


@inbox_view("GET")
@transaction.non_atomic_requests
def attachment(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show an attachment: our own file, or Meta's, passed on."""
    found = visible_attachment(user=request.user, attachment_id=pk)
    if found is None:
        raise Http404
    if found.upload_id:
        return redirect("social_integrations:upload", found.upload_id)
    if copy := open_copy(found):
        return FileResponse(copy.file, **_described(copy.kind, pk))
    byte_range = _wanted_range(request, found)
    return _passed_on(
        lambda: stream_attachment(found, byte_range=byte_range), found.url, pk, byte_range
    )


@inbox_view("GET")
@transaction.non_atomic_requests
def story(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show the story a message answers; Meta allows no copy of it, anywhere."""
    found = visible_message(user=request.user, message_id=pk)
    if found is None or found.unsent_at or not found.story:
        raise Http404
    if not access_policy().may_read(request.user, found.conversation):
        raise PermissionDenied
    url = str(found.story.get("url") or "")
    return _passed_on(lambda: stream_link(url), url, pk)


@inbox_view("GET")
@transaction.non_atomic_requests
def picture(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show a contact's profile picture."""
    seen = seen_conversations(request.user).values("contact")
    found = Contact.objects.filter(pk=pk, pk__in=seen).first()
    if found is None or not found.profile_picture_url:
        raise Http404
    url = found.profile_picture_url
    return _passed_on(lambda: stream_link(url), url, pk, pictures_only=True)


def _passed_on(
    open_it: Callable[[], Stream],
    url: str,
    pk: int,
    byte_range: str = "",
    *,
    pictures_only: bool = False,
) -> HttpResponseBase:
    """Pass a file on while it arrives; the status alone says why there is none."""
    if not _places.acquire(timeout=WAITING_SECONDS):
        return _without_content(503)
    try:
        held = _Held(open_it())
    except BaseException as error:
        _places.release()
        if not isinstance(error, MediaError):
            raise
        return _without_content(410 if isinstance(error, MediaGoneError) else 502)
    try:
        kind = _kind_of(held.stream, url)
        if kind and (PICTURE if pictures_only else ANYTHING).fullmatch(kind.content_type):
            return _answer(held, kind, pk, byte_range)
    except BaseException:
        held.close()
        raise
    held.close()
    return _without_content(415)


def _answer(held: "_Held", kind: MediaType, pk: int, byte_range: str) -> HttpResponseBase:
    stream = held.stream
    response = StreamingHttpResponse(held, status=200, **_described(kind, pk))
    if byte_range and stream.status == 206 and stream.content_range:
        response.status_code = 206
        response["Content-Range"] = stream.content_range
    if kind.content_type.startswith(("video/", "audio/")):
        response["Accept-Ranges"] = "bytes"
    if stream.length is not None:
        response["Content-Length"] = str(stream.length)
    return response


class _Held:
    """A stream that gives its place back when it ends, or when the browser hangs up."""

    def __init__(self, stream: Stream) -> None:
        self.stream, self._chunks, self._is_done = stream, iter(stream), False

    def __iter__(self) -> "_Held":
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hang up, once."""
        if not self._is_done:
            self._is_done = True
            self.stream.close()
            _places.release()


def _described(kind: MediaType, pk: int) -> dict[str, Any]:
    shown = SHOWN.fullmatch(kind.content_type)
    name = f'{"inline" if shown else "attachment"}; filename="instagram-{pk}{kind.suffix}"'
    return {
        "content_type": kind.content_type,
        "headers": {**HEADERS, "Content-Disposition": name},
    }


def _wanted_range(request: HttpRequest, found: Attachment) -> str:
    """Return the part of a file a player asks for, if we know already what the file is.

    A part from the middle does not show by its bytes what it belongs to.
    """
    asked = BYTE_RANGE.fullmatch(request.headers.get("Range", ""))
    if asked is None or (asked[1] != "0" and _known_kind(found.url) is None):
        return ""
    return asked[0]


def _kind_of(stream: Stream, url: str) -> MediaType | None:
    """Return what a file is by its own first bytes, now or when they were last here."""
    if stream.content_range and not stream.content_range.startswith("bytes 0-"):
        return _known_kind(url)
    kind = sniff(stream.head)
    if kind is not None:
        cache.set(_key(url), (kind.content_type, kind.suffix), KIND_SECONDS)
    return kind


def _known_kind(url: str) -> MediaType | None:
    known = cache.get(_key(url))
    return MediaType(*known) if known else None


def _key(url: str) -> str:
    """Return a name for a link that gives nothing of it away."""
    return f"si-kind-{blake2s(url.encode('utf-8', 'replace')).hexdigest()}"


def _without_content(status: int) -> HttpResponse:
    return HttpResponse(status=status, headers=HEADERS, content_type="text/plain; charset=utf-8")
