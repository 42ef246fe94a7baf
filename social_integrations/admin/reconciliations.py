"""Reconciliations: what was compared with Meta, and what was missing here."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from social_integrations.models import Reconciliation

from .base import AccountFilter, ReadOnlyAdmin
from .rendering import one_line, state_html, visible


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    """Runs to look at; the accounts' page starts one."""

    list_display = [
        "started_at",
        "account_name",
        "reason",
        "coloured_state",
        "conversations",
        "messages",
        "imported",
        "unreadable",
        "first_error",
    ]
    list_filter = ["state", "reason", AccountFilter]
    ordering = ["-id"]
    fields = [
        "account_name",
        "reason",
        "coloured_state",
        "shown_error",
        "conversations",
        "messages",
        "imported",
        "unreadable",
        "started_at",
        "finished_at",
    ]

    class Media:
        css = {"all": ["social_integrations/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reconciliation]:
        """Read the account along, without the token."""
        runs: QuerySet[Reconciliation] = super().get_queryset(request)
        return runs.select_related("account").defer("account__access_token")

    @admin.display(description="account", ordering="account__username")
    def account_name(self, run: Reconciliation) -> str:
        """Name the account."""
        return one_line(run.account)

    @admin.display(description="state", ordering="state")
    def coloured_state(self, run: Reconciliation) -> SafeString:
        """Colour the state."""
        return state_html(run.state, run.get_state_display())

    @admin.display(description="remark")
    def first_error(self, run: Reconciliation) -> str:
        """Show the beginning of what went wrong."""
        return one_line(run.error)

    @admin.display(description="remark")
    def shown_error(self, run: Reconciliation) -> str:
        """Show what went wrong."""
        return visible(run.error) or "None"
