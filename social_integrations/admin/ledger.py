"""The ledger: what Meta delivered, what became of it, and trying again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from social_integrations.events import kinds
from social_integrations.models import WebhookEvent
from social_integrations.selectors import ledger_counts, oldest_waiting
from social_integrations.services.applying import requeue
from social_integrations.services.refusals import counts_today

from .base import AccountFilter, KindFilter, ReadOnlyAdmin
from .private_replies import CommentsAdmin
from .rendering import one_line, pretty_json, state_html, visible

WORKER_PATIENCE_SECONDS = 60


class EventKindFilter(KindFilter):
    """Our names of what Meta sends."""

    kinds = kinds.ALL


class FailureFilter(admin.SimpleListFilter):
    """Failed items that are tried again, and those that wait for a person (the dead letters)."""

    title = "failure"
    parameter_name = "failure"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """List both."""
        return [("dead", "Given up, waits for you"), ("retry", "Will be tried again")]

    def queryset(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[WebhookEvent],
    ) -> QuerySet[WebhookEvent]:
        """Keep the chosen ones."""
        if self.value() not in ("dead", "retry"):
            return queryset
        failed = queryset.filter(status=WebhookEvent.Status.FAILED)
        return failed.filter(retry_at__isnull=self.value() == "dead")


@admin.register(WebhookEvent)
class WebhookEventAdmin(CommentsAdmin, ReadOnlyAdmin):
    """Items as Meta sent them; `Apply again` hands them to the worker once more."""

    list_display = ["received_at", "state", "kind", "instagram_account_id", "first_error"]
    list_filter = ["status", FailureFilter, AccountFilter, EventKindFilter, "received_at"]
    search_fields = ["instagram_account_id", "contact_igsid", "event_key"]
    fields = [
        "state",
        "shown_error",
        "awaited",
        "retry_at",
        "shown_payload",
        "kind",
        "wrapper",
        "instagram_account_id",
        "account_name",
        "contact_igsid",
        "received_at",
        "occurred_at",
        "applied_at",
        "attempts",
        "delivery_id",
        "position",
        "event_key",
    ]
    actions = ["apply_again", "reply_privately"]

    class Media:
        css = {"all": ["social_integrations/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        """Leave tokens and payloads in the database until one is looked at."""
        events: QuerySet[WebhookEvent] = super().get_queryset(request)
        return events.select_related("account").defer("account__access_token", "payload")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Say above the list how the ledger stands."""
        return super().changelist_view(request, {**(extra_context or {}), **_standing()})

    @admin.action(permissions=["change"], description="Apply again")
    def apply_again(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> None:
        """Put the chosen items back in line."""
        keys = list(queryset.values_list("pk", flat=True))
        count = requeue(self.model._default_manager.filter(pk__in=queryset.values("pk")))
        self.log_changes(request, keys, "Put back to be applied again.")
        self.message_user(
            request,
            f"{count} item{'' if count == 1 else 's'} put back; the worker applies them soon.",
            messages.SUCCESS,
        )

    @admin.display(description="status", ordering="status")
    def state(self, event: WebhookEvent) -> SafeString:
        """Colour the status."""
        return state_html(event.status, event.get_status_display())

    @admin.display(description="error")
    def first_error(self, event: WebhookEvent) -> str:
        """Show the first line of the error."""
        if event.status != WebhookEvent.Status.FAILED:
            return ""  # what is not understood has a reason, not an error
        return one_line(event.error.lstrip().partition("\n")[0])

    @admin.display(description="error")
    def shown_error(self, event: WebhookEvent) -> str | SafeString:
        """Show the whole error."""
        if not event.error:
            return "None"
        return format_html('<pre class="ig-pre">{}</pre>', visible(event.error, 20_000))

    @admin.display(description="waits for")
    def awaited(self, event: WebhookEvent) -> str:
        """Show what a parked item waits for."""
        what, _, name = event.awaits.partition(":")
        words = {"mid": "the message", "contact": "a message of the person"}
        return f"{words.get(what, what)} {one_line(name)}" if name else "Nothing"

    @admin.display(description="payload")
    def shown_payload(self, event: WebhookEvent) -> SafeString:
        """Lay the item out."""
        return pretty_json(lambda: event.payload)

    @admin.display(description="account")
    def account_name(self, event: WebhookEvent) -> str:
        """Name the connected account, if there is one."""
        return one_line(event.account) if event.account else "None"


def _standing() -> dict[str, Any]:
    counts = ledger_counts()
    oldest = oldest_waiting()
    waited = int((timezone.now() - oldest).total_seconds()) if oldest else 0
    return {
        "ledger_counts": [
            (status.value, status.label, counts[status.value])
            for status in WebhookEvent.Status
            if counts.get(status.value)
        ],
        "oldest_waiting": oldest,
        "worker_missing": waited > WORKER_PATIENCE_SECONDS,
        "refusals": counts_today(),
    }
