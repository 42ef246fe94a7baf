"""Messages: reading a conversation, and answering in it."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from social_integrations.access import access_policy
from social_integrations.exceptions import ChangeRefused
from social_integrations.models import Conversation, Message
from social_integrations.representations import message_json, part_json, window_json
from social_integrations.selectors import answer_messages, messages_page
from social_integrations.services import sending
from social_integrations.services.draft_checks import quote_gone
from social_integrations.services.drafting import looked_up
from social_integrations.services.drafts import Draft

from .doors import ConversationsDoorView
from .inputs import DraftInput, PageQuery, ReactionInput, SendInput, SettleInput, draft_of
from .shapes import MessagePageShape, MessageShape, PreviewShape, SentShape
from .strict import body_of, query_of
from .throttles import SendThrottle

PAGE = 50


class MessageListView(ConversationsDoorView):
    """The messages of a conversation."""

    refusals = {"POST": (409, 422)}
    write_throttle = SendThrottle

    @extend_schema(parameters=[PageQuery], responses=MessagePageShape)
    def get(self, request: Request, pk: int) -> Response:
        """List messages, the newest first."""
        conversation = self.find_conversation(pk)
        query = query_of(request, PageQuery)
        page = messages_page(
            conversation, before=query.get("cursor", ""), limit=query.get("limit", PAGE)
        )
        shown = [message_json(message) for message in page.messages]
        return Response({"results": shown, "next_cursor": page.next_cursor or None})

    @extend_schema(request=SendInput, responses={202: SentShape})
    def post(self, request: Request, pk: int) -> Response:
        """Send an answer: it is queued, and its `status` tells what becomes of it.

        409 where Meta's rules allow no answer now, with the reason and the times in `details`;
        422 where Meta would not take the content. Give a `client_reference`, and asking again
        after a broken connection sends nothing twice.
        """
        conversation = self.find_conversation(pk, access_policy().may_send)
        body = body_of(request, SendInput)
        draft = draft_of(body, _quoted(conversation, body.get("reply_to")))
        reference = body.get("client_reference", "")
        _refuse_another_text(conversation, draft, reference)
        try:
            sent = sending.send(
                conversation=conversation,
                draft=draft,
                sent_by=_person(request),
                client_reference=reference,
            )
        except IntegrityError:
            raise _reference_taken() from None
        if sent[0].conversation_id != pk:
            raise _reference_taken()
        shown = [message_json(message) for message in answer_messages(sent)]
        return Response({"messages": shown}, status=status.HTTP_202_ACCEPTED)


class MessagePreviewView(ConversationsDoorView):
    """What sending would do."""

    refusals = {"POST": (422,)}

    @extend_schema(request=DraftInput, responses=PreviewShape)
    def post(self, request: Request, pk: int) -> Response:
        """Show the messages an answer would become, without sending anything."""
        conversation = self.find_conversation(pk, access_policy().may_send)
        body = body_of(request, DraftInput)
        draft = draft_of(body, _quoted(conversation, body.get("reply_to")))
        with transaction.atomic():
            found = looked_up(conversation=conversation, draft=draft, sent_by=_person(request))
        parts = [part_json(part) for part in sending.preview(found)]
        return Response({"parts": parts, "window": window_json(conversation)})


class MessageView(ConversationsDoorView):
    """One message."""

    @extend_schema(responses=MessageShape)
    def get(self, _request: Request, pk: int) -> Response:
        """Show a message with its delivery state."""
        return Response(message_json(self.find_message(pk)))


class MessageRetryView(ConversationsDoorView):
    """A message that failed."""

    refusals = {"POST": (409, 422)}
    write_throttle = SendThrottle

    @extend_schema(request=None, responses={202: MessageShape})
    def post(self, request: Request, pk: int) -> Response:
        """Send it again, with the other failed parts of the same answer; 409 if it did not fail."""
        message = self.find_message(pk, access_policy().may_send)
        sending.retry(message=message, by=_person(request))
        return Response(message_json(self.find_message(pk)), status=status.HTTP_202_ACCEPTED)


class MessageSettleView(ConversationsDoorView):
    """A message whose outcome nobody knows."""

    refusals = {"POST": (409,)}
    write_throttle = SendThrottle

    @extend_schema(request=SettleInput, responses=MessageShape)
    def post(self, request: Request, pk: int) -> Response:
        """Say what you see in the Instagram app: it arrived, or it did not and is sent again.

        409 where its outcome is known by now.
        """
        message = self.find_message(pk, access_policy().may_send)
        arrived = body_of(request, SettleInput)["arrived"]
        sending.settle(message=message, arrived=arrived, by=_person(request))
        return Response(message_json(self.find_message(pk)))


class MessageReactionView(ConversationsDoorView):
    """The business's reaction to a message."""

    refusals = {"PUT": (409, 422), "DELETE": (409, 422)}
    write_throttle = SendThrottle

    @extend_schema(request=ReactionInput, responses={202: MessageShape})
    def put(self, request: Request, pk: int) -> Response:
        """React to a message, in place of an earlier reaction."""
        message = self.find_message(pk, access_policy().may_send)
        emoji = body_of(request, ReactionInput)["emoji"]
        sending.react(message=message, emoji=emoji, by=_person(request))
        return Response(message_json(self.find_message(pk)), status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses={202: MessageShape})
    def delete(self, request: Request, pk: int) -> Response:
        """Take the reaction back; once more changes nothing."""
        message = self.find_message(pk, access_policy().may_send)
        sending.unreact(message=message, by=_person(request))
        return Response(message_json(self.find_message(pk)), status=status.HTTP_202_ACCEPTED)


def _person(request: Request) -> Any:
    return request.user


def _quoted(conversation: Conversation, reply_to: int | str | None) -> str:
    """Return Meta's id of the message that is quoted; a text is taken as such."""
    if not isinstance(reply_to, int):
        return reply_to or ""
    mids = Message.objects.filter(conversation=conversation, pk=reply_to, unsent_at=None)
    mid = mids.values_list("mid", flat=True).first()
    if not mid:
        raise quote_gone()
    return mid


def _refuse_another_text(conversation: Conversation, draft: Draft, reference: str) -> None:
    """Refuse a reference whose answer says something else: this text would go nowhere."""
    known = sending.find_by_reference(conversation.contact.account, reference)
    if not known or not draft.text or any(one.unsent_at for one in known):
        return
    wanted = "".join(part.text for part in sending.preview(Draft(text=draft.text)))
    if wanted != "".join(one.text for one in known):
        raise ChangeRefused(
            "client_reference",
            _("This reference stands for an answer with another text."),
            _("Use a random one for each answer."),
        )


def _reference_taken() -> ChangeRefused:
    return ChangeRefused(
        "client_reference", _("This reference stands for an answer in another conversation.")
    )
