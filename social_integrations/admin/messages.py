"""Messages, to search and to read."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from social_integrations.events.messages import MESSAGE_KINDS
from social_integrations.models import Attachment, Message
from social_integrations.services.send_overview import send_standing

from .base import AccountFilter, KindFilter, ReadOnlyAdmin
from .media import media_link
from .rendering import one_line, pretty_json, visible
from .sending import SendingAdmin, SendingFilter

# What throttling and a passing fault explain; a worker that lives sends within seconds.
WORKER_PATIENCE = timedelta(minutes=5)


class MessageKindFilter(KindFilter):
    """What a message holds."""

    kinds = MESSAGE_KINDS


class AttachmentInline(admin.TabularInline):
    """Attachments as links; nothing is loaded."""

    model = Attachment
    readonly_fields = ("shown_type", "link", "shown_title", "expired_at")
    fields = readonly_fields
    extra = 0
    can_delete = False

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Attachments come with their message."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Attachments are Meta's."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may read a message may see what hangs on it."""
        return request.user.has_perm("social_integrations.view_message") or (
            super().has_view_permission(request, obj)
        )

    @admin.display(description="type")
    def shown_type(self, attachment: Attachment) -> str:
        """Show Meta's word for it."""
        return one_line(attachment.type)

    @admin.display(description="link")
    def link(self, attachment: Attachment) -> str | SafeString:
        """Lead to our door; nothing is loaded before somebody asks for it."""
        link = media_link(attachment)
        if not link.href:
            return "not a web link" if attachment.url else ""
        return format_html(
            '<a href="{}" rel="noopener noreferrer nofollow" target="_blank">Open</a> '
            '<span class="ig-host">{}</span>',
            link.href,
            link.host,
        )

    @admin.display(description="title")
    def shown_title(self, attachment: Attachment) -> str:
        """Show its title."""
        return one_line(attachment.title)


@admin.register(Message)
class MessageAdmin(SendingAdmin, ReadOnlyAdmin):
    """Every message, newest first; what was not sent can be decided on."""

    list_display = [
        "short_text",
        "conversation_link",
        "direction",
        "state",
        "sent_at",
        "kind",
        "account_name",
    ]
    list_filter = [SendingFilter, "direction", AccountFilter, MessageKindFilter, "sent_at"]
    search_fields = [
        "text",
        "mid",
        "conversation__contact__username",
        "conversation__contact__name",
        "conversation__contact__igsid",
    ]
    fieldsets = [
        (None, {"fields": ["shown_text", "conversation_link", "account_name", "sent_at"]}),
        (
            "Sending",
            {
                "fields": [
                    "state",
                    "shown_error",
                    "writer",
                    "policy",
                    "tag",
                    "parts",
                    "buttons",
                    "send_attempts",
                    "send_started_at",
                    "client_reference",
                ]
            },
        ),
        (
            "Details",
            {
                "fields": [
                    "direction",
                    "source",
                    "kind",
                    "received_at",
                    "edits",
                    "edited_at",
                    "unsent_at",
                    "mid",
                    "reply_to_mid",
                ]
            },
        ),
        ("Context", {"fields": ["extras"], "classes": ["collapse"]}),
    ]
    inlines = [AttachmentInline]
    actions = ["send_again", "it_arrived", "it_did_not"]

    class Media:
        css = {"all": ["social_integrations/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        """Read account and person along, without the token."""
        found: QuerySet[Message] = super().get_queryset(request)
        return found.select_related("account", "conversation__contact", "sent_by").defer(
            "account__access_token"
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Say above the list how sending stands."""
        standing = send_standing()
        oldest = standing.oldest_waiting
        late = oldest is not None and timezone.now() - oldest > WORKER_PATIENCE
        told = {"sending": standing, "worker_missing": late}
        return super().changelist_view(request, {**(extra_context or {}), **told})

    @admin.display(description="text", ordering="text")
    def short_text(self, message: Message) -> str:
        """Show the beginning of the text, or what it is instead."""
        instead = "unsent" if message.unsent_at else one_line(message.kind, 32)
        return one_line(message.text, 80) or f"({instead})"

    @admin.display(description="text")
    def shown_text(self, message: Message) -> SafeString:
        """Show the text with its line breaks."""
        return format_html('<div class="ig-text" dir="auto">{}</div>', visible(message.text) or "-")

    @admin.display(description="conversation", ordering="conversation__contact__name")
    def conversation_link(self, message: Message) -> SafeString:
        """Lead to the thread."""
        url = reverse(
            "admin:social_integrations_conversation_change", args=[message.conversation_id]
        )
        return format_html(
            '<a href="{}">{}</a>', url, one_line(message.conversation.contact.display_name, 60)
        )

    @admin.display(description="account", ordering="account__username")
    def account_name(self, message: Message) -> str:
        """Name the account."""
        return one_line(message.account)

    @admin.display(description="story, buttons, referral")
    def extras(self, message: Message) -> SafeString:
        """Show what came along with the text."""
        return pretty_json(
            lambda: {
                "story": message.story,
                "quick_reply": message.quick_reply_payload,
                "postback": message.postback,
                "referral": message.referral,
            }
        )
