"""Conversations: the list, one of them, and what staff do with it besides answering."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from social_integrations.access import access_policy
from social_integrations.exceptions import ChangeRefused
from social_integrations.representations import canned_json, note_json, row_json
from social_integrations.selectors import (
    ConversationFilters,
    canned_replies,
    changes,
    conversations,
    feed_start,
    notes,
)
from social_integrations.services import conversations as service
from social_integrations.services import sending

from .doors import ConversationsDoorView
from .inputs import (
    AccountQuery,
    ConversationChange,
    ConversationQuery,
    NoteInput,
    ReadInput,
    TypingInput,
    UpdatesQuery,
)
from .polling import answer_quiet_look
from .shapes import (
    CannedRepliesShape,
    ConversationPageShape,
    ConversationShape,
    NoteShape,
    NotesShape,
    UpdatesShape,
)
from .strict import body_of, query_of
from .throttles import SendThrottle

PAGE = 25


class ConversationListView(ConversationsDoorView):
    """Conversations of the accounts the caller may see."""

    @extend_schema(parameters=[ConversationQuery], responses=ConversationPageShape)
    def get(self, request: Request) -> Response:
        """List conversations, the one with the newest message first.

        Filters narrow the list together. `search` finds people by any part of what they are known
        by, and conversations by words of their messages.
        """
        self.demand(access_policy().may_read)
        query = query_of(request, ConversationQuery)
        cursor, limit = query.pop("cursor", ""), query.pop("limit", PAGE)
        filters = ConversationFilters(**query)
        page = conversations(request.user, filters, cursor=cursor, limit=limit)
        shown = [row_json(row) for row in page.rows]
        return Response({"results": shown, "next_cursor": page.next_cursor or None})


class ConversationView(ConversationsDoorView):
    """One conversation."""

    refusals = {"PATCH": (422,)}

    @extend_schema(responses=ConversationShape)
    def get(self, _request: Request, pk: int) -> Response:
        """Show a conversation without its messages."""
        return Response(row_json(self.find_row(pk)))

    @extend_schema(request=ConversationChange, responses=ConversationShape)
    def patch(self, request: Request, pk: int) -> Response:
        """Open or close it, give it to somebody, mark it read or unread."""
        self.find_conversation(pk, access_policy().may_change)
        change = body_of(request, ConversationChange)
        with transaction.atomic():
            _apply(pk, change, request.user)
        return Response(row_json(self.find_row(pk)))


class ConversationReadView(ConversationsDoorView):
    """Reading."""

    @extend_schema(request=ReadInput, responses=ConversationShape)
    def post(self, request: Request, pk: int) -> Response:
        """Note that staff have read a conversation, up to a message or to its end.

        Whoever may read it may say so. The customer sees it at Instagram as "seen", as far as
        Meta's window is open; not with `"show_customer": false`.
        """
        conversation = self.find_conversation(pk)
        body = body_of(request, ReadInput)
        until = None
        if message_id := body.get("message"):
            named = conversation.messages.filter(pk=message_id)
            until = named.values_list("sent_at", flat=True).first()
            if until is None:
                raise Http404
        service.mark_read(
            conversation_id=pk,
            until=until,
            show_customer=body["show_customer"]
            and access_policy().may_send(request.user, conversation),
        )
        return Response(row_json(self.find_row(pk)))


class ConversationTypingView(ConversationsDoorView):
    """Typing."""

    write_throttle = SendThrottle

    @extend_schema(request=TypingInput, responses={204: None})
    def post(self, request: Request, pk: int) -> Response:
        """Let the customer see that somebody is typing; as well as it goes, for some seconds."""
        conversation = self.find_conversation(pk, access_policy().may_send)
        sending.show_typing(conversation=conversation, on=body_of(request, TypingInput)["on"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class ConversationTakeOverView(ConversationsDoorView):
    """Control of a conversation another app holds."""

    refusals = {"POST": (409, 422)}
    write_throttle = SendThrottle

    @extend_schema(request=None, responses={202: ConversationShape})
    def post(self, request: Request, pk: int) -> Response:
        """Ask Meta for control; the conversation's `in_standby` shows when Meta has agreed."""
        conversation = self.find_conversation(pk, access_policy().may_send)
        sending.take_over(conversation=conversation, by=_person(request))
        return Response(row_json(self.find_row(pk)), status=status.HTTP_202_ACCEPTED)


class NoteListView(ConversationsDoorView):
    """Internal notes; customers never see them."""

    refusals = {"POST": (422,)}

    @extend_schema(responses=NotesShape)
    def get(self, _request: Request, pk: int) -> Response:
        """List the newest 200 notes, the oldest of them first."""
        found = notes(self.find_conversation(pk))
        return Response({"results": [note_json(note) for note in found]})

    @extend_schema(request=NoteInput, responses={201: NoteShape})
    def post(self, request: Request, pk: int) -> Response:
        """Add a note."""
        self.find_conversation(pk, access_policy().may_change)
        text = body_of(request, NoteInput)["text"]
        note = service.add_note(conversation_id=pk, author=_person(request), text=text)
        return Response(note_json(note), status=status.HTTP_201_CREATED)


class CannedReplyListView(ConversationsDoorView):
    """Canned replies."""

    @extend_schema(parameters=[AccountQuery], responses=CannedRepliesShape)
    def get(self, request: Request) -> Response:
        """List the canned replies of the accounts the caller may see, and those for all."""
        self.demand(access_policy().may_read)
        account = query_of(request, AccountQuery).get("account")
        found = canned_replies(request.user, account)
        return Response({"results": [canned_json(reply) for reply in found]})


class UpdatesView(ConversationsDoorView):
    """What changed."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Spare a look that finds nothing all that the REST framework does."""
        return answer_quiet_look(request) or super().dispatch(request, *args, **kwargs)

    @extend_schema(parameters=[UpdatesQuery], responses={200: UpdatesShape, 204: None})
    def get(self, request: Request) -> Response:
        """Tell which conversations changed since the cursor; 204 where none did.

        Ask every few seconds. A conversation may be told twice. Without `after` the answer holds
        a cursor to begin with: take it first, then load your lists.
        """
        self.demand(access_policy().may_read)
        after = query_of(request, UpdatesQuery).get("after", "")
        if not after:
            return Response({"cursor": feed_start(), "reset": False, "conversations": []})
        page = changes(request.user, after)
        if page.is_empty:
            return Response(status=status.HTTP_204_NO_CONTENT)
        shown = [row_json(row) for row in page.rows]
        return Response({"cursor": page.cursor, "reset": page.is_reset, "conversations": shown})


def _person(request: Request) -> Any:
    return request.user


def _apply(pk: int, change: dict[str, Any], by: Any) -> None:
    if "status" in change:
        service.set_status(conversation_id=pk, status=change["status"])
    if "assigned_to" in change:
        assignee = _assignee(change["assigned_to"])
        service.assign(conversation_id=pk, assignee=assignee, by=by)
    if "read" in change:
        mark = service.mark_read if change["read"] else service.mark_unread
        mark(conversation_id=pk)


def _assignee(key: Any) -> Any:
    """Return the user, None for nobody; an unknown one is refused like one who may not read."""
    if key is None:
        return None
    found = get_user_model()._default_manager.filter(pk=key).first()
    if found is None:
        raise ChangeRefused("assignee", _("This person may not read the conversation."))
    return found
