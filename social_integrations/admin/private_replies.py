"""Private replies to comments: what became of them, and writing one from the ledger."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from social_integrations.access import access_policy
from social_integrations.events.comments import read_comment
from social_integrations.events.kinds import COMMENTS
from social_integrations.exceptions import DraftError, SendRefused
from social_integrations.models import Message, PrivateReply, WebhookEvent
from social_integrations.services.drafts import MAX_TEXT_BYTES
from social_integrations.services.sending import reply_privately

from .base import AccountFilter, AuditedAdmin, ReadOnlyAdmin
from .rendering import one_line, state_html, visible


@admin.register(PrivateReply)
class PrivateReplyAdmin(ReadOnlyAdmin):
    """Answers to comments, sent as direct messages; one that failed is written again."""

    list_display = ["short_text", "state", "account_name", "sent_by", "created_at"]
    list_filter = ["status", AccountFilter, "created_at"]
    search_fields = ["comment_id", "text"]
    ordering = ["-id"]
    fields = [
        "shown_text",
        "state",
        "shown_error",
        "message_link",
        "account_name",
        "comment_id",
        "author",
        "sent_by",
        "created_at",
        "send_attempts",
        "send_started_at",
    ]

    class Media:
        css = {"all": ["social_integrations/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[PrivateReply]:
        """Read account and sender along, without the token."""
        found: QuerySet[PrivateReply] = super().get_queryset(request)
        return found.select_related("account", "sent_by").defer("account__access_token")

    @admin.display(description="text")
    def short_text(self, reply: PrivateReply) -> str:
        """Show the beginning."""
        return one_line(reply.text, 80) or "-"

    @admin.display(description="text")
    def shown_text(self, reply: PrivateReply) -> SafeString:
        """Show the text with its line breaks."""
        return format_html('<div class="ig-text" dir="auto">{}</div>', visible(reply.text))

    @admin.display(description="state", ordering="status")
    def state(self, reply: PrivateReply) -> SafeString:
        """Colour how far it has come."""
        return state_html(f"send-{reply.status}", reply.get_status_display())

    @admin.display(description="error")
    def shown_error(self, reply: PrivateReply) -> str | SafeString:
        """Show why it was not sent, and what to do."""
        if not reply.error_text:
            return "-"
        return format_html(
            "{} <strong>{}</strong>", visible(reply.error_text), visible(reply.error_action)
        )

    @admin.display(description="message")
    def message_link(self, reply: PrivateReply) -> str | SafeString:
        """Lead to the message it became, once Meta has said whom it reached."""
        if reply.message_id is None:
            return "Not known yet"
        url = reverse("admin:social_integrations_message_change", args=[reply.message_id])
        return format_html('<a href="{}">In their conversation</a>', url)

    @admin.display(description="account", ordering="account__username")
    def account_name(self, reply: PrivateReply) -> str:
        """Name the account."""
        return one_line(reply.account)


class CommentsAdmin(AuditedAdmin):
    """The ledger's comments can be answered privately from their list."""

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may send messages."""
        return access_policy().may_send(request.user)

    @admin.action(permissions=["send"], description="Reply privately to a comment")
    def reply_privately(
        self, request: HttpRequest, queryset: QuerySet[WebhookEvent]
    ) -> HttpResponse | None:
        """Ask for a text, then answer one comment with a direct message."""
        event = self._one_comment(request, queryset)
        if event is None or event.account is None:
            return None
        text, problem = request.POST.get("text", ""), ""
        if request.POST.get("post"):
            comment = read_comment(event.wrapper, event.payload)
            try:
                reply = reply_privately(
                    account=event.account,
                    comment_id=comment.comment_id,
                    text=text,
                    by=request.user,  # type: ignore[arg-type]
                )
            except DraftError as error:
                problem = f"{error.message} {error.action}".strip()
            except SendRefused as error:
                problem = f"{error.decision.sentence} {error.decision.action}".strip()
            else:
                self.log_changes(request, [event.pk], f"Private reply {reply.pk} queued.")
                self._queued(request, reply)
                return None
        return self._form(request, event, text, problem)

    def _one_comment(
        self, request: HttpRequest, queryset: QuerySet[WebhookEvent]
    ) -> WebhookEvent | None:
        """Return the comment that was chosen; say what is wrong where there is none."""
        chosen = list(queryset[:2])
        if len(chosen) != 1:
            self.message_user(request, "Choose one comment to answer.", messages.WARNING)
            return None
        event = chosen[0]
        if event.kind not in COMMENTS or event.account is None:
            words = "This is no comment at a connected account; filter by kind “comments”."
            self.message_user(request, words, messages.WARNING)
            return None
        return event

    def _form(
        self, request: HttpRequest, event: WebhookEvent, text: str, problem: str
    ) -> HttpResponse:
        comment = read_comment(event.wrapper, event.payload)
        known = PrivateReply.objects.filter(account=event.account, comment_id=comment.comment_id)
        return self.confirmation(
            request,
            "reply_privately.html",
            [event.pk],
            title="Reply privately",
            username=one_line(comment.username) or "somebody",
            comment=visible(comment.text),
            text=text,
            problem=problem,
            most=MAX_TEXT_BYTES,
            earlier=known.exclude(status=Message.Status.FAILED).first(),
        )

    def _queued(self, request: HttpRequest, reply: PrivateReply) -> None:
        url = reverse("admin:social_integrations_privatereply_change", args=[reply.pk])
        words = format_html('It is sent in the background. <a href="{}">See whether</a>', url)
        self.message_user(request, words, messages.SUCCESS)
