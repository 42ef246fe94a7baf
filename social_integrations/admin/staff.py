"""What staff wrote and sent along: notes and files, to look at."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from social_integrations.models import Note, Upload

from .base import AccountFilter, ReadOnlyAdmin
from .rendering import one_line, visible


class NoteAccountFilter(AccountFilter):
    """Notes know their account through the conversation."""

    path = "conversation__contact__account"


@admin.register(Note)
class NoteAdmin(ReadOnlyAdmin):
    """Internal notes; they are written beside the conversation."""

    list_display = ["short_text", "conversation_link", "author", "created_at"]
    list_filter = [NoteAccountFilter, "created_at"]
    search_fields = ["text"]
    ordering = ["-id"]
    fields = ["shown_text", "conversation_link", "author", "created_at"]

    class Media:
        css = {"all": ["social_integrations/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Note]:
        """Read person and author along."""
        found: QuerySet[Note] = super().get_queryset(request)
        return found.select_related("conversation__contact", "author")

    @admin.display(description="text")
    def short_text(self, note: Note) -> str:
        """Show the beginning."""
        return one_line(note.text, 80) or "-"

    @admin.display(description="text")
    def shown_text(self, note: Note) -> SafeString:
        """Show the text with its line breaks."""
        return format_html('<div class="ig-text" dir="auto">{}</div>', visible(note.text))

    @admin.display(description="conversation")
    def conversation_link(self, note: Note) -> SafeString:
        """Lead to the thread."""
        url = reverse("admin:social_integrations_conversation_change", args=[note.conversation_id])
        name = one_line(note.conversation.contact.display_name, 60)
        return format_html('<a href="{}">{}</a>', url, name)


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    """Files staff sent; they open in the conversation, not here."""

    list_display = ["shown_name", "type", "shown_size", "account_name", "uploaded_by", "created_at"]
    list_filter = ["type", AccountFilter, "created_at"]
    ordering = ["-id"]
    fields = [
        "shown_name",
        "type",
        "content_type",
        "shown_size",
        "sent_in",
        "account_name",
        "uploaded_by",
        "created_at",
    ]

    class Media:
        css = {"all": ["social_integrations/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Upload]:
        """Read account and person along, without the token."""
        found: QuerySet[Upload] = super().get_queryset(request)
        return found.select_related("account", "uploaded_by").defer("account__access_token")

    @admin.display(description="name", ordering="name")
    def shown_name(self, upload: Upload) -> str:
        """Show what it was called on the sender's device."""
        return one_line(upload.name) or "-"

    @admin.display(description="size", ordering="size")
    def shown_size(self, upload: Upload) -> str:
        """Show the size in words."""
        return str(filesizeformat(upload.size))

    @admin.display(description="account", ordering="account__username")
    def account_name(self, upload: Upload) -> str:
        """Name the account."""
        return one_line(upload.account)

    @admin.display(description="sent in")
    def sent_in(self, upload: Upload) -> str | SafeString:
        """Lead to the message it went out with."""
        attachment = upload.attachments.first()
        if attachment is None:
            return "Nowhere yet; it is deleted after a day."
        url = reverse("admin:social_integrations_message_change", args=[attachment.message_id])
        return format_html('<a href="{}">A message</a>', url)
