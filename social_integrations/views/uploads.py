"""The doors to files staff send: Meta's, by a signed link, and the one for staff themselves."""

from django.contrib.auth.views import redirect_to_login
from django.core.files import File
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from social_integrations.models import Upload
from social_integrations.selectors import visible_upload
from social_integrations.services.uploads import find_by_token, open_file

from .ranges import Slice, span_of

# Whatever is in a file, a browser neither runs it nor lets another site embed it. A picture or
# video opened by itself is still shown.
FILE_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src 'self'; media-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
SHOWN_TYPES = frozenset({"image", "video", "audio"})


@require_safe
@cache_control(private=True, no_store=True)
@transaction.non_atomic_requests
def outgoing_file(request: HttpRequest, token: str) -> HttpResponseBase:
    """Hand a file to Meta; a link that is wrong, expired or used up leads nowhere, always alike."""
    found = find_by_token(token)
    file = open_file(found) if found else None
    if found is None or file is None:
        headers = {"X-Content-Type-Options": "nosniff"}
        return HttpResponse(
            "Not found.\n", status=404, content_type="text/plain; charset=utf-8", headers=headers
        )
    return _answer(request, found, file, as_attachment=True)


@require_safe
@cache_control(private=True, no_store=True)
@transaction.non_atomic_requests
def upload(request: HttpRequest, upload_id: int) -> HttpResponseBase:
    """Show staff a file they sent; what they may not see does not exist for them."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    found = visible_upload(user=request.user, upload_id=upload_id)
    file = open_file(found) if found else None
    if found is None or file is None:
        raise Http404
    return _answer(request, found, file, as_attachment=found.type not in SHOWN_TYPES)


def _answer(
    request: HttpRequest, found: Upload, file: "File[bytes]", *, as_attachment: bool
) -> HttpResponseBase:
    size = file.size
    span = span_of(request.headers.get("Range", ""), size)
    if span and not span.length:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    response = FileResponse(
        Slice(file, span) if span else file,
        status=206 if span else 200,
        as_attachment=as_attachment,
        filename=found.name,
        content_type=found.content_type,
        headers={**FILE_HEADERS, "Accept-Ranges": "bytes"},
    )
    response.headers["Content-Length"] = str(span.length if span else size)
    if span:
        last = span.start + span.length - 1
        response.headers["Content-Range"] = f"bytes {span.start}-{last}/{size}"
    return response
