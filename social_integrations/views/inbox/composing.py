"""Writing an answer: files, a look at the parts, and sending, with nothing typed ever lost."""

from dataclasses import replace
from datetime import timedelta

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext

from social_integrations.exceptions import DraftError, SendRefused
from social_integrations.models import Conversation, Message
from social_integrations.services import colleagues, sending, uploads
from social_integrations.services.drafts import Draft, Part
from social_integrations.services.gestures import show_typing

from .composer import Composer, Notice, empty_composer, kept_composer
from .doors import (
    FOLDER,
    announce,
    back,
    find_conversation,
    in_words,
    inbox_post,
    may_send,
    person,
    wants_fragment,
)
from .typed import Typed, chosen_uploads, make_draft, quoted_message, read_typed

REFUSED, CONFLICT = 422, 409
SHOWN_TEXT = 200


@inbox_post
def send(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue the answer; where something is to be known or mended first, give all of it back."""
    conversation = find_conversation(request, pk, may_send)
    typed = read_typed(request)
    try:
        typed = _with_files(request, conversation, typed)
        draft = _draft(request, conversation, typed)
        parts = sending.preview(draft)
        if warning := _to_know(request, conversation, typed, parts):
            return _again(request, conversation, typed, parts=parts, warning=warning)
        queued = sending.send(
            conversation=conversation,
            draft=draft,
            sent_by=person(request),
            client_reference=typed.reference,
        )
    except DraftError as error:
        return _again(request, conversation, typed, error=draft_notice(error))
    except SendRefused as refused:
        decision = refused.decision
        notice = Notice(decision.sentence, decision.action)
        return _again(request, conversation, typed, error=notice)
    if not _is_this(queued, conversation, parts):
        return _sent_another(request, conversation, typed, queued)
    colleagues.forget_writing(conversation, request.user)
    if not wants_fragment(request):
        return back(request, conversation)
    return announce(_fragment(request, empty_composer(conversation, sent=len(queued))))


@inbox_post
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the messages the answer would become, or why Meta would refuse it."""
    conversation = find_conversation(request, pk, may_send)
    typed = read_typed(request)
    parts: tuple[Part, ...] = ()
    problem: Notice | None = None
    try:
        typed = _with_files(request, conversation, typed)
        parts = sending.preview(_draft(request, conversation, typed))
    except DraftError as error:
        problem = draft_notice(error) if error.code != "empty" else None
    composer = kept_composer(conversation, typed, request.user, parts=parts, error=problem)
    if wants_fragment(request):
        context = {"composer": composer, "preview_error": problem}
        return render(request, f"{FOLDER}/_parts.html", context)
    return _page(request, composer)


@inbox_post
def upload(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep a file for an answer; say why where Meta would refuse it. Answers JSON, for progress."""
    conversation = find_conversation(request, pk, may_send)
    given = request.FILES.get("file")
    if given is None:
        sentence = gettext("No file arrived.")
        return JsonResponse({"error": sentence}, status=REFUSED)
    try:
        kept = uploads.store(
            account=conversation.contact.account,
            file=given,
            name=given.name or "",
            uploaded_by=person(request),
        )
    except DraftError as error:
        return JsonResponse({"error": in_words(error)}, status=REFUSED)
    return JsonResponse({"id": kept.pk, "name": kept.name, "type": kept.type, "size": kept.size})


@inbox_post
def typing(request: HttpRequest, pk: int) -> HttpResponse:
    """Tell the customer that somebody writes, and the writer what colleagues do meanwhile."""
    conversation = find_conversation(request, pk, may_send)
    colleagues.note_writing(conversation, request.user)
    if colleagues.may_show_typing(conversation):
        show_typing(conversation=conversation, on=True)
    context = {
        "writing": colleagues.writing_now(conversation, request.user),
        "answered": _answered(request, conversation, read_typed(request)),
    }
    return render(request, f"{FOLDER}/_colleagues.html", context)


@inbox_post
def window(request: HttpRequest, pk: int) -> HttpResponse:
    """Show whether one may answer now, and until when; asked once something has changed."""
    conversation = find_conversation(request, pk, may_send)
    return render(request, f"{FOLDER}/_window.html", {"composer": empty_composer(conversation)})


def draft_notice(error: DraftError) -> Notice:
    """Return the words for what Meta would refuse."""
    return Notice(error.message, error.action)


def _with_files(request: HttpRequest, conversation: Conversation, typed: Typed) -> Typed:
    """Keep files that came with the form itself, as they do without JavaScript."""
    kept = [
        uploads.store(
            account=conversation.contact.account,
            file=given,
            name=given.name or "",
            uploaded_by=person(request),
        )
        for given in request.FILES.getlist("files")
    ]
    return replace(typed, upload_ids=(*typed.upload_ids, *(one.pk for one in kept)))


def _draft(request: HttpRequest, conversation: Conversation, typed: Typed) -> Draft:
    chosen = chosen_uploads(typed, conversation, request.user.pk)
    return make_draft(typed, chosen, quoted_message(typed, conversation))


def _to_know(
    request: HttpRequest, conversation: Conversation, typed: Typed, parts: tuple[Part, ...]
) -> Notice | None:
    """Return what the sender should know first; sending again then sends."""
    if notice := _answered(request, conversation, typed):
        return replace(notice, action=gettext("Send again if yours should go out as well."))
    texts = sum(part.kind == "text" for part in parts)
    if texts > 1 and typed.parts != len(parts):
        sentence = ngettext(
            "This is too long for one message, so it goes out as %(count)d message.",
            "This is too long for one message, so it goes out as %(count)d messages.",
            len(parts),
        )
        return Notice(sentence % {"count": len(parts)}, gettext("Send again if that is right."))
    return None


def _answered(request: HttpRequest, conversation: Conversation, typed: Typed) -> Notice | None:
    found = colleagues.answered_since(conversation, request.user.pk, typed.seen)
    if found is None or _is_known(conversation, typed):
        return None
    name, now = found.name or gettext("Somebody else"), timezone.now()
    if now - found.sent_at < timedelta(minutes=1):
        sentence = gettext("%(name)s has just answered.") % {"name": name}
    else:
        ago = timesince(found.sent_at, now, depth=1)
        sentence = gettext("%(name)s answered %(ago)s ago.") % {"name": name, "ago": ago}
    return Notice(sentence, quote=found.text[:SHOWN_TEXT])


def _is_known(conversation: Conversation, typed: Typed) -> bool:
    """Return whether this very answer was queued before: then nothing is left to decide."""
    return conversation.messages.filter(client_reference=typed.reference).exists()


def _is_this(queued: list[Message], conversation: Conversation, parts: tuple[Part, ...]) -> bool:
    """Return whether what stands in the queue is what was typed now."""
    return queued[0].conversation_id == conversation.pk and (
        [(found.kind, found.text) for found in queued] == [(part.kind, part.text) for part in parts]
    )


def _sent_another(
    request: HttpRequest, conversation: Conversation, typed: Typed, queued: list[Message]
) -> HttpResponse:
    """Answer where the text was changed after a first try that did arrive."""
    warning = Notice(
        gettext("An earlier version of this answer has gone out already."),
        gettext("Send again if this one should go out as well."),
        quote=queued[0].text[:SHOWN_TEXT],
    )
    fresh = replace(typed, reference=Typed().reference)
    return _again(request, conversation, fresh, warning=warning)


def _again(
    request: HttpRequest, conversation: Conversation, typed: Typed, **shown: object
) -> HttpResponse:
    """Give the composer back with everything in it; what is said now counts as known."""
    if "warning" in shown:
        typed = replace(typed, seen=colleagues.newest_message_id(conversation))
    composer = kept_composer(conversation, typed, request.user, **shown)
    status = CONFLICT if composer.warning else REFUSED
    if wants_fragment(request):
        return _fragment(request, composer, status)
    return _page(request, composer, status)


def _fragment(request: HttpRequest, composer: Composer, status: int = 200) -> HttpResponse:
    return render(request, f"{FOLDER}/_answer.html", {"composer": composer}, status=status)


def _page(request: HttpRequest, composer: Composer, status: int = 200) -> HttpResponse:
    context = {"composer": composer, "conversation": composer.conversation}
    return render(request, f"{FOLDER}/composing.html", context, status=status)
