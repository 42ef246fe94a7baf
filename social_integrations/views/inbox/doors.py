"""What every door of the inbox that changes something shares: who may, and how it answers."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeAlias

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from social_integrations.access import access_policy
from social_integrations.exceptions import ChangeRefused, DraftError
from social_integrations.models import Conversation, Message

from .guard import found_conversation
from .local_time import local_time

View: TypeAlias = Callable[..., HttpResponse]

FOLDER = "social_integrations/inbox"
CHANGED_EVENT = "si:changed"


def inbox_post(view: View) -> View:
    """Let a view answer signed-in people's forms only: POST, with a CSRF token, never cached."""

    @wraps(view)
    def guarded(request: HttpRequest, **arguments: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _signed_out(request)
        with local_time(request):
            return view(request, **arguments)

    checked: View = transaction.non_atomic_requests(csrf_protect(guarded))
    return never_cache(require_POST(checked))


def person(request: HttpRequest) -> AbstractBaseUser:
    """Return who is signed in; behind these doors somebody always is."""
    assert request.user.is_authenticated  # noqa: S101 - `inbox_post` lets nobody else through
    return request.user


def may_read(request: HttpRequest, conversation: Conversation) -> bool:
    """Return whether the person may read here."""
    return access_policy().may_read(request.user, conversation)


def may_send(request: HttpRequest, conversation: Conversation) -> bool:
    """Return whether the person may answer here."""
    return access_policy().may_send(request.user, conversation)


def may_change(request: HttpRequest, conversation: Conversation) -> bool:
    """Return whether the person may assign, close and annotate here."""
    return access_policy().may_change(request.user, conversation)


def find_conversation(
    request: HttpRequest, pk: int, allowed: Callable[[HttpRequest, Conversation], bool]
) -> Conversation:
    """Return a conversation with contact and account, if the person may do what they ask for.

    404 for every conversation they do not see, whether it exists or not; 403 where they see it but
    may not do this.
    """
    conversation = found_conversation(request, pk)
    if not allowed(request, conversation):
        raise PermissionDenied
    return conversation


def find_message(conversation: Conversation, pk: int) -> Message:
    """Return a message of a conversation; 404 for every other."""
    message = conversation.messages.filter(pk=pk).first()
    if message is None:
        raise Http404
    return message


def wants_fragment(request: HttpRequest) -> bool:
    """Return whether htmx asks: it puts the answer into the page; otherwise it is the page."""
    return request.headers.get("HX-Request") == "true"


def thread_url(conversation: Conversation) -> str:
    """Return where a conversation is shown."""
    return reverse("instagram_inbox:thread", args=[conversation.pk])


def back(request: HttpRequest, conversation: Conversation, problem: str = "") -> HttpResponse:
    """Lead a browser without JavaScript back to the conversation, with what went wrong."""
    if problem:
        messages.error(request, problem)
    return HttpResponseRedirect(thread_url(conversation), status=303)


def in_words(refused: ChangeRefused | DraftError) -> str:
    """Return what is wrong and the next step, as one line."""
    return f"{refused.message} {refused.action}".strip()


def announce(response: HttpResponse, event: str = CHANGED_EVENT) -> HttpResponse:
    """Tell the page that something changed, so that it looks at once."""
    response.headers["HX-Trigger"] = event
    return response


def _signed_out(request: HttpRequest) -> HttpResponse:
    """Answer somebody whose session ended; what they typed is given back, not thrown away."""
    text = request.POST.get("text", "") or request.POST.get("note", "")
    context = {"text": text, "login_url": resolve_url(settings.LOGIN_URL)}
    return render(request, f"{FOLDER}/signed_out.html", context, status=401)
