"""What answers look like, for the OpenAPI document; the JSON itself is made in representations."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from social_integrations.models import Conversation, Message
from social_integrations.services.doctor.rows import Level
from social_integrations.services.send_policy import Verdict

from .serializers import AccountDetailSerializer, AccountSerializer, ReconciliationSerializer

Shape = serializers.Serializer[Any]


@extend_schema_field(OpenApiTypes.OBJECT)
class AnyObject(serializers.DictField):
    """A JSON object whose fields are Meta's."""


class Accounts(Shape):
    """All accounts the caller may see."""

    accounts = AccountDetailSerializer(many=True)


class Status(Shape):
    """Whether messages can be received and answered, and what is wrong if not."""

    connected = serializers.BooleanField()
    accounts_count = serializers.IntegerField()
    accounts = AccountSerializer(many=True)


class Sync(Shape):
    """The latest comparison with Meta."""

    run = ReconciliationSerializer(allow_null=True)
    missed_by_meta = serializers.IntegerField()


class ReportRow(Shape):
    """One thing that was looked at."""

    code = serializers.CharField()
    title = serializers.CharField()
    level = serializers.ChoiceField([one.value for one in Level])
    sentence = serializers.CharField()
    next_step = serializers.CharField()
    account = serializers.CharField()
    account_id = serializers.IntegerField(allow_null=True)


class Report(Shape):
    """How an account is, looked at now."""

    checked_at = serializers.DateTimeField()
    level = serializers.ChoiceField([one.value for one in Level])
    first = serializers.CharField(
        allow_null=True, help_text="The code of the row to begin with; null if all is well."
    )
    rows = ReportRow(many=True)


class ConnectLink(Shape):
    """An address to open in a browser."""

    authorization_url = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


class TokenRequest(Shape):
    """Who signs in."""

    username = serializers.CharField()
    password = serializers.CharField()


class TokenRefresh(Shape):
    """A refresh token; each works once."""

    refresh = serializers.CharField()


class Tokens(Shape):
    """A short token for calls, and a long one for the next pair."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class Window(Shape):
    """Whether Instagram allows an answer now."""

    open = serializers.BooleanField()
    closes_at = serializers.DateTimeField(allow_null=True)
    human_agent_until = serializers.DateTimeField(allow_null=True)
    verdict = serializers.ChoiceField([one.value for one in Verdict])
    reason = serializers.CharField(help_text="A code, such as `window_closed`.")
    message = serializers.CharField()
    action = serializers.CharField()
    held = serializers.BooleanField(help_text="Answers wait until the account is connected again.")


class ContactShape(Shape):
    """A person."""

    id = serializers.IntegerField()
    igsid = serializers.CharField()
    username = serializers.CharField()
    name = serializers.CharField()
    display_name = serializers.CharField()
    profile_picture_url = serializers.CharField()


class ShortMessage(Shape):
    """The newest message, as a list shows it."""

    id = serializers.IntegerField()
    direction = serializers.ChoiceField(Message.Direction.choices)
    source = serializers.ChoiceField(Message.Source.choices)  # type: ignore[assignment]
    kind = serializers.CharField()
    text = serializers.CharField(help_text="Its first 200 characters.")
    sent_at = serializers.DateTimeField()
    unsent_at = serializers.DateTimeField(allow_null=True)
    status = serializers.ChoiceField(Message.Status.choices)
    sent_by = serializers.IntegerField(allow_null=True)


class ConversationShape(Shape):
    """A thread with one person."""

    id = serializers.IntegerField()
    account = serializers.IntegerField()
    contact = ContactShape()
    status = serializers.ChoiceField(Conversation.Status.choices)
    assigned_to = serializers.IntegerField(allow_null=True)
    last_message_at = serializers.DateTimeField(allow_null=True)
    last_inbound_at = serializers.DateTimeField(allow_null=True)
    customer_seen_at = serializers.DateTimeField(allow_null=True)
    thread_owner = serializers.CharField(allow_null=True)
    in_standby = serializers.BooleanField()
    closed_at = serializers.DateTimeField(allow_null=True)
    last_message = ShortMessage(allow_null=True)
    unread_count = serializers.IntegerField(help_text="100 stands for more than 99.")
    window = Window()


class ConversationPageShape(Shape):
    """Conversations, the one with the newest message first."""

    results = ConversationShape(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class UpdatesShape(Shape):
    """What changed."""

    cursor = serializers.CharField(help_text="Give it as `after` next time.")
    reset = serializers.BooleanField(
        help_text="More changed than is told here: load your lists again."
    )
    conversations = ConversationShape(many=True)


class AttachmentShape(Shape):
    """Something attached to a message."""

    id = serializers.IntegerField()
    type = serializers.CharField()
    url = serializers.CharField()
    title = serializers.CharField()
    expired = serializers.BooleanField()
    upload = serializers.IntegerField(allow_null=True)


class ReactionShape(Shape):
    """A reaction to a message."""

    by = serializers.ChoiceField(["customer", "business"])
    emoji = serializers.CharField()
    reaction = serializers.CharField()


class Version(Shape):
    """A text a message had; number 0 is the first."""

    number = serializers.IntegerField()
    text = serializers.CharField()
    edited_at = serializers.DateTimeField(allow_null=True)


class MessageError(Shape):
    """Why a message did not go out, and what to do."""

    code = serializers.CharField()
    message = serializers.CharField()
    action = serializers.CharField()


class QuickReplyShape(Shape):
    """An answer to tap."""

    title = serializers.CharField()
    payload = serializers.CharField()


class MessageShape(Shape):
    """A message."""

    id = serializers.IntegerField()
    mid = serializers.CharField(allow_null=True)
    conversation = serializers.IntegerField()
    direction = serializers.ChoiceField(Message.Direction.choices)
    source = serializers.ChoiceField(Message.Source.choices)  # type: ignore[assignment]
    kind = serializers.CharField()
    text = serializers.CharField()
    sent_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    reply_to_mid = serializers.CharField(allow_null=True)
    story = AnyObject(allow_null=True)
    quick_reply_payload = serializers.CharField(allow_null=True)
    postback = AnyObject(allow_null=True)
    referral = AnyObject(allow_null=True)
    attachments = AttachmentShape(many=True)
    reactions = ReactionShape(many=True)
    edited_at = serializers.DateTimeField(allow_null=True)
    edits = serializers.IntegerField()
    versions = Version(many=True)
    unsent_at = serializers.DateTimeField(allow_null=True)
    status = serializers.ChoiceField(Message.Status.choices)
    error = MessageError(allow_null=True)
    sent_by = serializers.IntegerField(allow_null=True)
    author = serializers.ChoiceField(Message.Author.choices, allow_null=True)
    client_reference = serializers.CharField(allow_null=True)
    part = serializers.IntegerField(help_text="Which part of an answer of several messages.")
    first_part = serializers.IntegerField(allow_null=True)
    quick_replies = QuickReplyShape(many=True, allow_null=True)
    template = AnyObject(allow_null=True)
    tag = serializers.CharField(allow_null=True)
    policy = AnyObject(allow_null=True)


class MessagePageShape(Shape):
    """Messages, the newest first."""

    results = MessageShape(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class SentShape(Shape):
    """The messages an answer became, in the order they are sent."""

    messages = MessageShape(many=True)


class PartFile(Shape):
    """A file of a message to be sent."""

    type = serializers.CharField()
    upload = serializers.IntegerField(allow_null=True)
    url = serializers.CharField()
    name = serializers.CharField()


class PartShape(Shape):
    """A message an answer would become."""

    kind = serializers.CharField()
    text = serializers.CharField()
    bytes = serializers.IntegerField(help_text="Of at most 1,000.")
    files = PartFile(many=True)
    reply_to_mid = serializers.CharField(allow_null=True)
    quick_replies = QuickReplyShape(many=True)
    template = AnyObject(allow_null=True)


class PreviewShape(Shape):
    """What sending would do."""

    parts = PartShape(many=True)
    window = Window()


class UploadShape(Shape):
    """A file to send."""

    id = serializers.IntegerField()
    account = serializers.IntegerField()
    type = serializers.CharField()
    content_type = serializers.CharField()
    name = serializers.CharField()
    size = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class NoteShape(Shape):
    """An internal note."""

    id = serializers.IntegerField()
    conversation = serializers.IntegerField()
    author = serializers.IntegerField(allow_null=True)
    text = serializers.CharField()
    created_at = serializers.DateTimeField()


class NotesShape(Shape):
    """Notes, the oldest first."""

    results = NoteShape(many=True)


class CannedReplyShape(Shape):
    """A canned reply."""

    id = serializers.IntegerField()
    account = serializers.IntegerField(allow_null=True)
    shortcut = serializers.CharField()
    title = serializers.CharField()
    text = serializers.CharField(help_text="Variables such as {{ name }} are not filled in.")


class CannedRepliesShape(Shape):
    """Canned replies."""

    results = CannedReplyShape(many=True)


class PrivateReplyShape(Shape):
    """A direct message to somebody who commented."""

    id = serializers.IntegerField()
    account = serializers.IntegerField()
    comment_id = serializers.CharField()
    text = serializers.CharField()
    status = serializers.ChoiceField(Message.Status.choices)
    error = MessageError(allow_null=True)
    message = serializers.IntegerField(allow_null=True)
    sent_by = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()


class PrivateRepliesShape(Shape):
    """The newest answers to comments."""

    results = PrivateReplyShape(many=True)
