"""The OpenAPI document, and a page to read and try it, all from our own static files.

A host project includes them where it likes; the page needs `drf_spectacular_sidecar` in
INSTALLED_APPS for its script.
"""

from hashlib import blake2b

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from .schema import document


def _tag(_request: HttpRequest) -> str:
    return f'"{blake2b(document(), digest_size=16).hexdigest()}"'


@require_safe
@cache_control(public=True, no_cache=True)
@condition(etag_func=_tag)
def schema(_request: HttpRequest) -> HttpResponse:
    """Answer the document as JSON: shapes only, no data, and the same for everybody."""
    return HttpResponse(document(), content_type="application/json")


@require_safe
@cache_control(public=True, no_cache=True)
def docs(request: HttpRequest) -> HttpResponse:
    """Show the document, and let developers try it with a token of theirs."""
    return render(request, "social_integrations/api_docs.html")
