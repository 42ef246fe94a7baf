"""What belongs to an account rather than a conversation: files to send, answers to comments."""

from django.db import transaction
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from social_integrations.access import access_policy
from social_integrations.models import PrivateReply
from social_integrations.representations import private_reply_json, upload_json
from social_integrations.services import sending, uploads

from .doors import ConversationsDoorView
from .inputs import PrivateReplyInput, UploadInput
from .parsers import UploadParser
from .shapes import PrivateRepliesShape, PrivateReplyShape, UploadShape
from .strict import body_of
from .throttles import SendThrottle, UploadThrottle

PAGE = 100


# Not atomic: a row that is rolled back would leave its file behind.
@method_decorator(transaction.non_atomic_requests, name="dispatch")
class UploadListView(ConversationsDoorView):
    """Files to send."""

    refusals = {"POST": (422,)}
    write_throttle = UploadThrottle
    parser_classes: tuple[type[BaseParser], ...] = (UploadParser,)

    @extend_schema(request={"multipart/form-data": UploadInput}, responses={201: UploadShape})
    def post(self, request: Request, pk: int) -> Response:
        """Keep a file to send, as multipart form data; one nobody sends goes after a day.

        422 where Meta would not take it, by what is in it and its size.
        """
        account = self.find(pk)
        self.demand(access_policy().may_send)
        file = body_of(request, UploadInput)["file"]
        found = uploads.store(
            account=account,
            file=file,
            name=str(file.name),
            uploaded_by=request.user,  # type: ignore[arg-type]
        )
        return Response(upload_json(found), status=status.HTTP_201_CREATED)


class PrivateReplyListView(ConversationsDoorView):
    """Answers to comments, sent as direct messages."""

    refusals = {"POST": (409, 422)}
    write_throttle = SendThrottle

    @extend_schema(responses=PrivateRepliesShape)
    def get(self, _request: Request, pk: int) -> Response:
        """List the newest 100 with what became of them."""
        account = self.find(pk)
        self.demand(access_policy().may_read)
        found = PrivateReply.objects.filter(account=account)[:PAGE]
        return Response({"results": [private_reply_json(reply) for reply in found]})

    @extend_schema(request=PrivateReplyInput, responses={202: PrivateReplyShape})
    def post(self, request: Request, pk: int) -> Response:
        """Answer a comment with a direct message: one for each comment, within seven days."""
        account = self.find(pk)
        self.demand(access_policy().may_send)
        body = body_of(request, PrivateReplyInput)
        reply = sending.reply_privately(account=account, by=request.user, **body)  # type: ignore[arg-type]
        return Response(private_reply_json(reply), status=status.HTTP_202_ACCEPTED)
