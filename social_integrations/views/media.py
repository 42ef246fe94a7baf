"""The door to media of messages: our own copy, Meta's link, or a page that says why not."""

from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.encoding import iri_to_uri
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from social_integrations.media.links import safe_link
from social_integrations.models import Attachment
from social_integrations.selectors import visible_attachment
from social_integrations.services.media import Copy, Way, find_way, is_rereadable, open_copy

# Whatever is in a copy, a browser neither runs it nor lets another site embed it.
COPY_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
SHOWN_LENGTH = 2_000
NOUNS = {"image": "picture", "video": "video", "audio": "recording", "file": "file"}
STORY_TYPES = frozenset({"story_mention", "ig_story", "story"})


@require_GET
@cache_control(private=True, no_store=True)
@transaction.non_atomic_requests
def media(request: HttpRequest, attachment_id: int) -> HttpResponseBase:
    """Lead a signed-in person to an attachment; what they may not see does not exist for them."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    attachment = visible_attachment(user=request.user, attachment_id=attachment_id)
    if attachment is None or not (attachment.file or attachment.url):
        raise Http404
    if copy := open_copy(attachment):
        return _download(attachment, copy)
    return ANSWERS[find_way(attachment)](request, attachment)


def _download(attachment: Attachment, copy: Copy) -> FileResponse:
    """Serve our copy as a download, under a name and a type of ours."""
    return FileResponse(
        copy.file,
        as_attachment=True,
        filename=f"instagram-{attachment.pk}{copy.kind.suffix}",
        content_type=copy.kind.content_type,
        headers=COPY_HEADERS,
    )


def _redirect(_request: HttpRequest, attachment: Attachment) -> HttpResponse:
    """Send the browser to Meta's link to the letter; Django's redirect would quote it again."""
    headers = {"Location": attachment.url, "Referrer-Policy": "no-referrer"}
    return HttpResponse(status=302, headers=headers)


def _expired(request: HttpRequest, attachment: Attachment) -> HttpResponse:
    context = {
        "noun": "story" if attachment.type in STORY_TYPES else NOUNS.get(attachment.type, "link"),
        "is_story": attachment.type in STORY_TYPES,
        "asked_again": is_rereadable(attachment),
    }
    return render(request, "social_integrations/media/expired.html", context, status=410)


def _by_hand(request: HttpRequest, attachment: Attachment) -> HttpResponse:
    link = safe_link(attachment.url)
    context = {
        "href": link.href,
        "host": link.host,
        # Percent-encoded: characters that deceive the eye cannot.
        "address": iri_to_uri(attachment.url.encode("utf-8", "replace").decode()[:SHOWN_LENGTH]),
    }
    response = render(request, "social_integrations/media/by_hand.html", context)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


ANSWERS = {Way.LINK: _redirect, Way.EXPIRED: _expired, Way.BY_HAND: _by_hand}
