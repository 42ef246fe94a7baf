"""What staff do with a conversation and its messages besides writing."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from social_integrations.exceptions import ChangeRefused, DraftError, SendRefused
from social_integrations.models import Conversation
from social_integrations.services import conversations, gestures, settling, taking_over
from social_integrations.services.colleagues import person_key
from social_integrations.services.crm_records import set_crm_reference

from .doors import (
    FOLDER,
    announce,
    back,
    find_conversation,
    find_message,
    in_words,
    inbox_post,
    may_change,
    may_read,
    may_send,
    person,
    wants_fragment,
)

REFUSED = 422
NOBODY = "nobody"


@inbox_post
def retry(request: HttpRequest, pk: int, message: int) -> HttpResponse:
    """Send a message again that was not sent."""
    conversation = find_conversation(request, pk, may_send)
    found = find_message(conversation, message)
    problem = _try(lambda: settling.retry(message=found, by=person(request)))
    return _said(request, conversation, problem)


@inbox_post
def settle(request: HttpRequest, pk: int, message: int) -> HttpResponse:
    """Note what a person saw at Instagram: the message arrived, or it is to be sent again."""
    conversation = find_conversation(request, pk, may_send)
    found = find_message(conversation, message)
    answer = request.POST.get("arrived", "")
    problem = gettext("Say whether it arrived, or send it again.")
    if answer in ("yes", "no"):
        arrived = answer == "yes"
        problem = _try(lambda: settling.settle(message=found, arrived=arrived, by=person(request)))
    return _said(request, conversation, problem)


@inbox_post
def react(request: HttpRequest, pk: int, message: int) -> HttpResponse:
    """React to a message; without an emoji the reaction is taken back."""
    conversation = find_conversation(request, pk, may_send)
    found = find_message(conversation, message)
    emoji = request.POST.get("emoji", "")
    if emoji:
        problem = _try(lambda: gestures.react(message=found, emoji=emoji, by=person(request)))
    else:
        problem = _try(lambda: gestures.unreact(message=found, by=person(request)))
    return _said(request, conversation, problem)


@inbox_post
def take_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask Meta for a conversation another app holds."""
    conversation = find_conversation(request, pk, may_send)
    problem = _try(lambda: taking_over.take_over(conversation=conversation, by=person(request)))
    asked = gettext("Instagram has been asked. You can answer here as soon as it agrees.")
    return _said(request, conversation, problem, asked)


@inbox_post
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a conversation to a colleague, to oneself, or to nobody."""
    conversation = find_conversation(request, pk, may_change)
    wanted = request.POST.get("to", "")
    assignee = None if wanted == NOBODY else _colleague(request, wanted)
    problem = gettext("Choose who should have this conversation.")
    if assignee is not None or wanted == NOBODY:
        problem = _try(
            lambda: conversations.assign(
                conversation_id=conversation.pk, assignee=assignee, by=person(request)
            )
        )
    return _changed(request, conversation, problem)


@inbox_post
def status(request: HttpRequest, pk: int) -> HttpResponse:
    """Open or close a conversation."""
    conversation = find_conversation(request, pk, may_change)
    wanted, problem = request.POST.get("status", ""), ""
    if wanted in Conversation.Status:
        conversations.set_status(conversation_id=conversation.pk, status=wanted)
    else:
        problem = gettext("Choose open or closed.")
    return _changed(request, conversation, problem)


@inbox_post
def read(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a conversation as read, or as unread for somebody to come back to."""
    conversation = find_conversation(request, pk, may_read)
    if request.POST.get("state") == "unread":
        conversations.mark_unread(conversation_id=conversation.pk)
        return _changed(request, conversation)
    conversations.mark_read(
        conversation_id=conversation.pk, show_customer=may_send(request, conversation)
    )
    return HttpResponse(status=204) if wants_fragment(request) else back(request, conversation)


@inbox_post
def reference(request: HttpRequest, pk: int) -> HttpResponse:
    """Note by hand which record of the host's CRM the contact is."""
    conversation = find_conversation(request, pk, may_change)
    set_crm_reference(conversation.contact, request.POST.get("crm_reference", ""))
    if not wants_fragment(request):
        return back(request, conversation)
    return render(request, f"{FOLDER}/_crm.html", {"conversation": conversation, "saved": True})


def _try(act: Callable[[], Any]) -> str:
    """Do it; return in words what speaks against it."""
    try:
        act()
    except SendRefused as refused:
        return f"{refused.decision.sentence} {refused.decision.action}".strip()
    except (ChangeRefused, DraftError) as refused:
        return in_words(refused)
    return ""


def _said(
    request: HttpRequest, conversation: Conversation, problem: str, done: str = ""
) -> HttpResponse:
    """Answer with a line for the reader; what changed shows in the thread itself."""
    if not wants_fragment(request):
        return back(request, conversation, problem)
    if not (problem or done):
        # Nothing to say is nothing at all: an empty line would be shown as one.
        return announce(HttpResponse())
    context = {"problem": problem, "done": done}
    response = render(request, f"{FOLDER}/_said.html", context, status=REFUSED if problem else 200)
    return response if problem else announce(response)


def _changed(request: HttpRequest, conversation: Conversation, problem: str = "") -> HttpResponse:
    """Answer with the actions as they stand now."""
    if not wants_fragment(request):
        return back(request, conversation, problem)
    fresh = find_conversation(request, conversation.pk, may_read)
    context = {"conversation": fresh, "action_problem": problem}
    response = render(
        request, f"{FOLDER}/_actions.html", context, status=REFUSED if problem else 200
    )
    return response if problem else announce(response)


def _colleague(request: HttpRequest, wanted: str) -> Any:
    """Return the user a form names, or None; whether they may have it is the service's to say."""
    if wanted == "me":
        return person(request)
    key = person_key(wanted)
    if key is None:
        return None
    return get_user_model()._default_manager.filter(pk=key, is_active=True).first()
