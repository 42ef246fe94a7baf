"""What callers may send: fixed fields, in words where one is odd."""

from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from social_integrations.models import Conversation
from social_integrations.services.draft_types import Draft, OutgoingFile, QuickReply
from social_integrations.services.outgoing_media import TAKEN

from .strict import IdField, LimitField, ObjectField, Strict, UserKeyField

MOST_CHARACTERS = 20_000
MOST_FILES = 30
MOST_QUICK_REPLIES = 13
LONGEST_URL = 2000
LONGEST_MID = 512
LONGEST_CURSOR = 4000
ASSIGNEE_WORDS = ("me", "none")


class PageQuery(Strict):
    """Where a page begins, and how long it is."""

    cursor = serializers.CharField(
        required=False,
        max_length=LONGEST_CURSOR,
        help_text="`next_cursor` of the page before; leave it out for the newest.",
    )
    limit = LimitField(help_text="Rows of a page, 1 to 100.")


class AssigneeFilter(UserKeyField):
    """A user's id, `me`, or `none`."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the word as it is, else the key."""
        return data if data in ASSIGNEE_WORDS else super().to_internal_value(data)


class ConversationQuery(PageQuery):
    """Which conversations to list."""

    account = IdField(required=False, help_text="Only those of one account.")
    status = serializers.ChoiceField(Conversation.Status.choices, required=False)
    unread = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text="Whether the customer's newest message has not been read.",
    )
    assigned_to = serializers.CharField(
        required=False, help_text="The id of a user, `me`, or `none` for those of nobody."
    )
    search = serializers.CharField(
        required=False,
        max_length=100,
        help_text="Part of a name, user name, id or CRM reference, or words of a message.",
    )

    def validate_assigned_to(self, value: str) -> Any:
        """Return a word, or the user's key."""
        return AssigneeFilter().run_validation(value)


class UpdatesQuery(Strict):
    """Where a look for changes begins."""

    after = serializers.CharField(
        required=False,
        max_length=LONGEST_CURSOR,
        help_text="`cursor` of the answer before; leave it out to begin.",
    )


class AccountQuery(Strict):
    """One account, or all."""

    account = IdField(required=False, help_text="Only what is offered in one account.")


class ConversationChange(Strict):
    """What of a conversation to change; what is left out stays."""

    status = serializers.ChoiceField(Conversation.Status.choices, required=False)
    assigned_to = UserKeyField(
        required=False, allow_null=True, help_text="The id of a user; null for nobody."
    )
    read = serializers.BooleanField(
        required=False, help_text="`false` makes the customer's newest message unread again."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a change of nothing."""
        if not attrs:
            raise serializers.ValidationError(_("Name at least one field to change."))
        return attrs


class ReadInput(Strict):
    """How far somebody has read."""

    message = IdField(
        required=False, help_text="The newest message that was seen; left out: all there are."
    )
    show_customer = serializers.BooleanField(
        default=True, help_text="Whether the customer sees at Instagram that it was read."
    )


class FileInput(Strict):
    """A file to send: one that was uploaded, or one at a public https address."""

    upload = IdField(required=False, help_text="The id of an upload.")
    url = serializers.CharField(required=False, max_length=LONGEST_URL)
    type = serializers.ChoiceField(
        [(name, name) for name in TAKEN],
        required=False,
        help_text="What is at the address; an upload knows for itself.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for one of both, and for what an address alone does not tell."""
        if ("upload" in attrs) == ("url" in attrs):
            raise serializers.ValidationError(_("Give either `upload` or `url`."))
        if "url" in attrs and "type" not in attrs:
            raise serializers.ValidationError({"type": [_("Say what is at the address.")]})
        return attrs

    def validate_url(self, value: str) -> str:
        """Take addresses Meta can fetch: https, without a name and password."""
        try:
            parts = urlsplit(value)
            sound = parts.scheme == "https" and parts.hostname and "@" not in parts.netloc
        except ValueError:
            sound = False
        if not sound:
            raise serializers.ValidationError(_("Give a public address that begins with https://."))
        return value


class QuickReplyInput(Strict):
    """An answer the customer can tap."""

    title = serializers.CharField(max_length=80)
    payload = serializers.CharField(max_length=1000, help_text="Comes back when it is tapped.")


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class QuoteField(serializers.Field[Any, Any, Any, Any]):
    """The message that is quoted: its id here, or Meta's `mid`."""

    default_error_messages = {"invalid": _("Give the id of a message, or Meta's `mid`.")}

    def to_internal_value(self, data: Any) -> Any:
        """Return a number for ours, a text for Meta's."""
        if isinstance(data, int) and not isinstance(data, bool):
            return IdField().run_validation(data)
        if isinstance(data, str):
            return serializers.CharField(max_length=LONGEST_MID).run_validation(data)
        return self.fail("invalid")

    def to_representation(self, value: Any) -> Any:
        """Return it as it is."""
        return value


class DraftInput(Strict):
    """An answer; a long text becomes several messages."""

    text = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, max_length=MOST_CHARACTERS
    )
    files = FileInput(many=True, required=False, max_length=MOST_FILES)  # type: ignore[call-arg]
    reply_to = QuoteField(required=False, allow_null=True)
    quick_replies = QuickReplyInput(  # type: ignore[call-arg]
        many=True, required=False, max_length=MOST_QUICK_REPLIES
    )
    template = ObjectField(
        required=False, allow_null=True, help_text="Meta's payload of a generic or button template."
    )


class SendInput(DraftInput):
    """An answer to send."""

    client_reference = serializers.RegexField(
        r"^[\x21-\x7e]{1,64}\Z",
        required=False,
        help_text=(
            "A name of your own for this answer, 1 to 64 visible ASCII characters. Asking again "
            "with the same one sends nothing again and answers the same messages."
        ),
    )


class SettleInput(Strict):
    """What somebody saw in the Instagram app."""

    arrived = serializers.BooleanField()


class ReactionInput(Strict):
    """A reaction of the business."""

    emoji = serializers.CharField(max_length=64)


class TypingInput(Strict):
    """Whether somebody is typing."""

    on = serializers.BooleanField(default=True)


class NoteInput(Strict):
    """An internal note."""

    text = serializers.CharField(max_length=5000)


class PrivateReplyInput(Strict):
    """An answer to a comment, sent as a direct message."""

    comment_id = serializers.CharField(max_length=255)
    text = serializers.CharField(max_length=1000)


class UploadInput(Strict):
    """A file to send, as multipart form data."""

    file = serializers.FileField(max_length=255, allow_empty_file=False)


def draft_of(found: dict[str, Any], reply_to_mid: str) -> Draft:
    """Return what is to be sent, in the services' terms."""
    return Draft(
        text=found.get("text", ""),
        files=tuple(
            # Of an upload its row knows the type.
            OutgoingFile(
                type=one.get("type", "file"), upload_id=one.get("upload"), url=one.get("url", "")
            )
            for one in found.get("files", ())
        ),
        reply_to_mid=reply_to_mid,
        quick_replies=tuple(QuickReply(**one) for one in found.get("quick_replies", ())),
        template=found.get("template"),
    )
