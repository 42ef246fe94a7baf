"""What every door of the inbox that changes something shares: who may, and how it answers."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeAlias

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from social_integrations.access import access_policy
from social_integrations.models import Conversation, Message

View: TypeAlias = Callable[..., HttpResponse]

FOLDER = "social_integrations/inbox"
CHANGED_EVENT = "si:changed"


def inbox_post(view: View) -> View:
    """Let a view answer signed-in people's forms only: POST, with a CSRF token, never cached."""

    @wraps(view)
    def guarded(request: HttpRequest, **arguments: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _signed_out(request)
        return view(request, **arguments)

    checked: View = transaction.non_atomic_requests(csrf_protect(guarded))
    return never_cache(require_POST(checked))


def find_conversation(request: HttpRequest, pk: int) -> Conversation:
    """Return a conversation the person may see, with contact and account; 404 for every other."""
    accounts = access_policy().accounts_for(request.user)
    found = Conversation.objects.select_related("contact__account", "assigned_to")
    found = found.defer("contact__account__access_token")
    conversation = found.filter(pk=pk, contact__account__in=accounts).first()
    if conversation is None:
        raise Http404
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


def announce(response: HttpResponse, event: str = CHANGED_EVENT) -> HttpResponse:
    """Tell the page that something changed, so that it looks at once."""
    response.headers["HX-Trigger"] = event
    return response


def _signed_out(request: HttpRequest) -> HttpResponse:
    """Answer somebody whose session ended; what they typed is given back, not thrown away."""
    context = {"text": request.POST.get("text", ""), "next": request.headers.get("Referer", "")}
    return render(request, f"{FOLDER}/signed_out.html", context, status=401)
