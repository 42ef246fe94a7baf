"""What changed since a page was loaded, as pieces of the page to put in place."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from social_integrations.access import access_policy
from social_integrations.models import Conversation
from social_integrations.selectors import (
    ConversationRow,
    CursorError,
    FeedPage,
    changes,
    feed_start,
)
from social_integrations.services.sending import policy_for

from .filters import Filters, read_filters
from .guard import inbox_view
from .pages import FOLDER, messages_context
from .queries import accounts_of, message_of, seen_conversations
from .rows import rows_of, window


@inbox_view("GET")
def updates(request: HttpRequest) -> HttpResponse:
    """Answer 204 while nothing changed, after one indexed statement; else rows and bubbles.

    `after` is the cursor of the page, `conversation` the one that is open there and `since` its
    oldest message shown. Where more changed than fits, the page is told to load its list again.
    """
    try:
        page = changes(request.user, request.GET.get("after", ""))
    except CursorError:
        page = FeedPage([], feed_start(), is_reset=True)
    if page.is_empty:
        return HttpResponse(status=204)
    filters = read_filters(request.GET)
    context = _rows(request, page, filters) | {"cursor": page.cursor, "is_reset": page.is_reset}
    if open_one := _open_conversation(request, page):
        since = message_of(open_one, request.GET.get("since", ""))
        decision = policy_for(open_one)
        context |= messages_context(open_one, since=since)
        context |= {"account": open_one.contact.account, "window": window(decision)}
    return render(request, f"{FOLDER}/_updates.html", context)


@inbox_view("GET")
def stream(_request: HttpRequest) -> HttpResponse:
    """Say that there is no stream: it is `stream.with_stream` that answers, in the ASGI process."""
    return HttpResponse(status=204)


def _rows(request: HttpRequest, page: FeedPage, filters: Filters) -> dict[str, Any]:
    fitting = [row for row in page.rows if _fits(row, filters, request)]
    names_accounts = len(accounts_of(request.user)) > 1 if fitting else False
    kept = {row.conversation.pk for row in fitting}
    return {
        "filters": filters,
        "rows": rows_of(fitting, request.user, names_accounts=names_accounts),
        "gone": [row.conversation.pk for row in page.rows if row.conversation.pk not in kept],
    }


def _fits(row: ConversationRow, filters: Filters, request: HttpRequest) -> bool:
    has_messages = row.conversation.last_message_at is not None
    return has_messages and filters.fits(row.conversation, request.user)


def _open_conversation(request: HttpRequest, page: FeedPage) -> Conversation | None:
    """Return the conversation that is open on the page, if it changed or may have."""
    wanted = request.GET.get("conversation", "")
    listed = (row.conversation for row in page.rows if str(row.conversation.pk) == wanted)
    found = next(listed, None)
    if page.is_reset and wanted.isascii() and wanted.isdecimal() and len(wanted) < 19:
        found = seen_conversations(request.user).filter(pk=int(wanted)).first()
    return found if found and access_policy().may_read(request.user, found) else None
