"""The inbox's pages: the list, and a conversation beside it. Opening one changes nothing."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from social_integrations.access import access_policy
from social_integrations.conf import app_settings
from social_integrations.models import Conversation, Message
from social_integrations.selectors import CursorError, conversations, feed_start
from social_integrations.services.sending import policy_for

from .bubbles import timeline
from .filters import Filters, read_filters
from .guard import found_conversation, inbox_view
from .queries import accounts_of, message_of, messages_of, notes_of, quoted_by
from .rows import face, rows_of, window

FOLDER = "social_integrations/inbox"


@inbox_view("GET", "HEAD")
def conversation_list(request: HttpRequest) -> HttpResponse:
    """Show the list; for a script, the list or its next rows alone."""
    piece = {"si-list": "_list", "si-more": "_rows"}.get(request.headers.get("HX-Target", ""))
    if piece:
        return render(request, f"{FOLDER}/{piece}.html", list_context(request))
    return render(request, f"{FOLDER}/list.html", list_context(request))


@inbox_view("GET", "HEAD")
def thread(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a conversation beside the list; for a script, the conversation alone."""
    conversation = found_conversation(request, pk)
    context = thread_context(conversation)
    if request.headers.get("HX-Target") == "si-thread":
        context |= {"filters": read_filters(request.GET)}
        return render(request, f"{FOLDER}/_thread.html", context)
    return render(request, f"{FOLDER}/thread.html", list_context(request) | context)


@inbox_view("GET", "HEAD")
def older(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what was written before a message: for a script to put above it, or as a page."""
    conversation = found_conversation(request, pk)
    before = message_of(conversation, request.GET.get("before", ""))
    if before is None:
        raise Http404
    if request.headers.get("HX-Target") == "si-older":
        context = messages_context(conversation, before=before)
        return render(request, f"{FOLDER}/_messages.html", context)
    context = list_context(request) | thread_context(conversation, before=before)
    return render(request, f"{FOLDER}/thread.html", context)


def list_context(request: HttpRequest) -> dict[str, Any]:
    """Return the rows of the list, with where the next ones begin."""
    # Before the rows are read: what changes meanwhile is told by the first look for updates.
    cursor = feed_start()
    filters = read_filters(request.GET)
    accounts = accounts_of(request.user)
    try:
        page = conversations(request.user, filters.wanted(), cursor=request.GET.get("page", ""))
    except CursorError:
        raise Http404 from None
    return {
        "cursor": cursor,
        "filters": filters,
        "accounts": accounts,
        "rows": rows_of(page.rows, request.user, names_accounts=len(accounts) > 1),
        "more": _address_of_more(filters, page.next_cursor),
        "stream_url": reverse("instagram_inbox:stream") if app_settings.INBOX_SSE else "",
        "may_connect": access_policy().may_connect(request.user),
    }


def thread_context(conversation: Conversation, *, before: Message | None = None) -> dict[str, Any]:
    """Return what the conversation's own part of the page shows."""
    decision = policy_for(conversation)
    return {
        "conversation": conversation,
        "contact": conversation.contact,
        "account": conversation.contact.account,
        "face": face(conversation.contact),
        "decision": decision,
        "window": window(decision),
        **messages_context(conversation, before=before, marks_unread=before is None),
    }


def messages_context(
    conversation: Conversation,
    *,
    before: Message | None = None,
    since: Message | None = None,
    marks_unread: bool = False,
) -> dict[str, Any]:
    """Return a stretch of the timeline: the newest, before a message, or from one on."""
    messages, has_older = messages_of(conversation, before=before, since=since)
    notes = notes_of(
        conversation,
        # Earlier ones belong to a stretch that may be on its way to the page just now.
        since=messages[0].sent_at if messages and (has_older or since) else None,
        until=before.sent_at if before else None,
    )
    return {
        "conversation": conversation,
        "items": timeline(
            conversation, messages, notes, quoted_by(messages), marks_unread=marks_unread
        ),
        "newest": messages[-1].pk if messages else "",
        "oldest": messages[0].pk if messages else "",
        "older": _address_of_older(conversation, messages[0]) if has_older else "",
    }


def _address_of_older(conversation: Conversation, oldest: Message) -> str:
    return f"{reverse('instagram_inbox:older', args=[conversation.pk])}?before={oldest.pk}"


def _address_of_more(filters: Filters, cursor: str) -> str:
    if not cursor:
        return ""
    query = "&".join(filter(None, (filters.query, f"page={cursor}")))
    return f"{reverse('instagram_inbox:list')}?{query}"
