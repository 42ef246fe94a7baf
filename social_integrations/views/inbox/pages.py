"""The inbox's pages: the list, and a conversation beside it. Opening one changes nothing."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from social_integrations.access import access_policy
from social_integrations.models import Conversation, Message
from social_integrations.services.sending import policy_for

from .bubbles import timeline
from .cursors import now_cursor, read_cursor, write_cursor
from .filters import ASSIGNED, STATUSES, Filters, read_filters
from .guard import found_conversation, inbox_view
from .queries import accounts_of, bubbles_of, fill, narrowed, notes_of, page_of, quoted_by
from .rows import Row, face, row, window

FOLDER = "social_integrations/inbox"
CURSOR_LENGTH = 60


@inbox_view("GET", "HEAD")
def conversation_list(request: HttpRequest) -> HttpResponse:
    """Show the list; for a script, the rows alone, from a place on if it asks for one."""
    if target := request.headers.get("HX-Target"):
        context = list_context(request, _place(request))
        piece = "_rows" if target == "si-more" else "_list"
        return render(request, f"{FOLDER}/{piece}.html", context)
    return render(request, f"{FOLDER}/list.html", page_context(request))


@inbox_view("GET", "HEAD")
def thread(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a conversation beside the list; for a script, the conversation alone."""
    conversation = found_conversation(request, pk)
    if request.headers.get("HX-Target") == "si-thread":
        context = {"filters": read_filters(request.GET), "cursor": now_cursor()}
        context |= thread_context(request, conversation)
        return render(request, f"{FOLDER}/_thread.html", context)
    context = page_context(request) | thread_context(request, conversation)
    return render(request, f"{FOLDER}/thread.html", context)


@inbox_view("GET", "HEAD")
def older(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what was written before a message."""
    conversation = found_conversation(request, pk)
    before = message_of(conversation, request.GET.get("before", ""))
    if before is None:
        raise Http404
    return render(
        request, f"{FOLDER}/_messages.html", messages_context(conversation, before=before)
    )


def page_context(request: HttpRequest) -> dict[str, Any]:
    """Return what every page of the inbox shows besides a conversation."""
    return list_context(request, _place(request)) | {
        "cursor": now_cursor(),
        "statuses": STATUSES,
        "assignments": ASSIGNED,
        "may_connect": access_policy().may_connect(request.user),
    }


def list_context(request: HttpRequest, place: tuple[datetime, int] | None) -> dict[str, Any]:
    """Return the rows of the list, with where the next ones begin."""
    filters = read_filters(request.GET)
    accounts = accounts_of(request.user)
    conversations, has_more = page_of(narrowed(request.user, filters), place)
    rows = rows_of(conversations, request.user, names_accounts=len(accounts) > 1)
    last = conversations[-1] if conversations else None
    return {
        "filters": filters,
        "accounts": accounts,
        "rows": rows,
        "is_first": place is None,
        "more": _address_of_more(filters, last) if has_more and last else "",
    }


def rows_of(
    conversations: list[Any], user: PermissionsMixin | AnonymousUser, *, names_accounts: bool
) -> list[Row]:
    """Lay out conversations of the list."""
    return [row(found, user, names_accounts=names_accounts) for found in fill(conversations)]


def thread_context(request: HttpRequest, conversation: Conversation) -> dict[str, Any]:
    """Return what the conversation's own part of the page shows."""
    decision = policy_for(conversation)
    return {
        "conversation": conversation,
        "contact": conversation.contact,
        "account": conversation.contact.account,
        "face": face(conversation.contact),
        "decision": decision,
        "window": window(decision),
        **messages_context(conversation, mark_unread=True),
    }


def messages_context(
    conversation: Conversation,
    *,
    before: Message | None = None,
    since: Message | None = None,
    mark_unread: bool = False,
) -> dict[str, Any]:
    """Return a stretch of the timeline: the newest, before a message, or from one on."""
    messages, has_older = bubbles_of(conversation, before=before, since=since)
    notes = notes_of(
        conversation,
        since=messages[0].sent_at if messages and has_older else None,
        until=before.sent_at if before else None,
    )
    oldest = messages[0].pk if messages else None
    return {
        "conversation": conversation,
        "items": timeline(
            conversation,
            messages,
            notes,
            quoted_by(conversation, messages),
            mark_unread=mark_unread,
        ),
        "newest": messages[-1].pk if messages else None,
        "oldest": oldest,
        "older": _address_of_older(conversation, oldest) if has_older else "",
    }


def message_of(conversation: Conversation, number: str) -> Message | None:
    """Return a message of this conversation by its number as it stands in an address."""
    if not number.isdecimal() or len(number) > 18:
        return None
    return Message.objects.filter(conversation=conversation, pk=int(number)).first()


def _address_of_older(conversation: Conversation, oldest: int | None) -> str:
    return f"{reverse('instagram_inbox:older', args=[conversation.pk])}?before={oldest}"


def _address_of_more(filters: Filters, last: Conversation) -> str:
    assert last.last_message_at is not None  # noqa: S101 - the list holds no other
    place = f"before={write_cursor(last.last_message_at)}_{last.pk}"
    return f"{reverse('instagram_inbox:list')}?{'&'.join(filter(None, (filters.query, place)))}"


def _place(request: HttpRequest) -> tuple[datetime, int] | None:
    """Return after which conversation to go on; None for the beginning."""
    moment, _, pk = request.GET.get("before", "")[:CURSOR_LENGTH].partition("_")
    at = read_cursor(moment)
    return (at, int(pk)) if at and pk.isdecimal() else None
