"""Who gets into the inbox, and what every answer of it says to caches."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeAlias

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from social_integrations.access import access_policy
from social_integrations.models import Conversation

from .local_time import local_time
from .queries import seen_conversations

View: TypeAlias = Callable[..., HttpResponseBase]


def inbox_view(*methods: str) -> Callable[[View], View]:
    """Let in who may read messages, by these methods; nobody's browser keeps the answer."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
            with local_time(request):
                response = _refuse(request) or view(request, **arguments)
            add_never_cache_headers(response)
            return response

        checked: View = require_http_methods(methods)(guarded)
        return checked

    return decorate


def is_fragment(request: HttpRequest) -> bool:
    """Return whether a script of ours asks for a piece of a page."""
    return "HX-Request" in request.headers or "X-Inbox-Fragment" in request.headers


def found_conversation(request: HttpRequest, pk: int) -> Conversation:
    """Return a conversation the user may read.

    404 for every one they do not see, whether it exists or not; 403 where they see it but may not
    read it.
    """
    conversation = seen_conversations(request.user).filter(pk=pk).first()
    if conversation is None:
        raise Http404
    if not access_policy().may_read(request.user, conversation):
        raise PermissionDenied
    return conversation


def _refuse(request: HttpRequest) -> HttpResponseBase | None:
    if not request.user.is_authenticated:
        if is_fragment(request):
            # Not a redirect: a script would put the sign-in page into the middle of the inbox.
            return HttpResponse(_("You are signed out."), status=401, content_type="text/plain")
        return redirect_to_login(request.get_full_path())
    if not access_policy().may_read(request.user):
        return render(request, "social_integrations/inbox/no_rights.html", _page(), status=403)
    return None


def _page() -> dict[str, Any]:
    return {"title": _("You may not read messages")}
