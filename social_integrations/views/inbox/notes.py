"""Internal notes: what the team tells itself beside a conversation."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from social_integrations.exceptions import ChangeRefused
from social_integrations.services.conversations import add_note

from .doors import (
    FOLDER,
    announce,
    back,
    find_conversation,
    in_words,
    inbox_post,
    may_change,
    person,
    wants_fragment,
)


@inbox_post
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """Write a note; its form comes back, empty or with what is wrong."""
    conversation = find_conversation(request, pk, may_change)
    text, problem = request.POST.get("note", "").replace("\r\n", "\n").replace("\x00", ""), ""
    try:
        add_note(conversation_id=conversation.pk, author=person(request), text=text)
    except ChangeRefused as refused:
        problem = in_words(refused)
    if not wants_fragment(request):
        return back(request, conversation, problem)
    context = {
        "conversation": conversation,
        "note_error": problem,
        "note_text": text if problem else "",
        "note_saved": not problem,
    }
    status = 422 if problem else 200
    response = render(request, f"{FOLDER}/_note_form.html", context, status=status)
    return response if problem else announce(response)
