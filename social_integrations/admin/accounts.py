"""Connected accounts: how they are, and where to connect one."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from social_integrations.access import VIEW, access_policy
from social_integrations.models import ConnectedAccount
from social_integrations.selectors import account_problems, missed_by_meta, without_tokens
from social_integrations.services.disconnecting import disconnect_at_meta
from social_integrations.services.jobs import REFRESH_TOKEN, NewJob, enqueue_all
from social_integrations.services.looking_after import plan_now
from social_integrations.services.reconciling import Reason, start
from social_integrations.services.states import Event
from social_integrations.services.token_life import can_refresh
from social_integrations.services.watching import somebody_sees

from .base import ReadOnlyAdmin
from .rendering import link_html, one_line, state_html, visible


@admin.register(ConnectedAccount)
class ConnectedAccountAdmin(ReadOnlyAdmin):
    """Read-only: Meta's consent connects an account. The token is not even loaded."""

    list_display = ["account", "state", "problem", "expires", "last_event"]
    list_filter = ["status", "login"]
    search_fields = ["username", "name", "instagram_account_id", "page_name"]
    fieldsets = [
        (None, {"fields": ["state", "problems", "reason", "last_event_at", "missed"]}),
        (
            "Account",
            {"fields": ["account", "shown_name", "instagram_account_id", "login", "picture"]},
        ),
        (
            "Connection",
            {
                "fields": [
                    "connected_by",
                    "connected_at",
                    "page",
                    "webhook_subscribed_at",
                    "access_withdrawn_at",
                    "token_expires_at",
                    "token_refreshed_at",
                    "token_checked_at",
                    "data_access_expires_at",
                    "granted_scopes",
                    "app_scoped_id",
                    "meta_user_id",
                ]
            },
        ),
    ]

    actions = ["check_now", "refresh_now", "reconcile", "disconnect"]

    class Media:
        css = {"all": ["social_integrations/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConnectedAccount]:
        """Read accounts without their tokens."""
        return without_tokens(super().get_queryset(request)).select_related("connected_by")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer to connect an account, and the doctor, to those who may."""
        somebody_sees(self.get_queryset(request))
        doors = {
            # Django's longer title would run into the buttons.
            "title": "Connected accounts",
            "may_connect": access_policy().may_connect(request.user),
            "may_examine": request.user.has_perm(VIEW),
        }
        return super().changelist_view(request, {**(extra_context or {}), **doors})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Have the account looked at, for whoever looks at it here."""
        shown = self.get_object(request, unquote(object_id))
        somebody_sees([shown] if shown else [])
        may_connect = access_policy().may_connect(request.user)
        context = {**(extra_context or {}), "may_connect": may_connect}
        return super().change_view(request, object_id, form_url, context)

    @admin.action(permissions=["change"], description="Reconcile with Instagram")
    def reconcile(self, request: HttpRequest, queryset: QuerySet[ConnectedAccount]) -> None:
        """Compare the accounts' conversations at Meta with ours, in the background."""
        usable = [account for account in queryset if account.is_active]
        started = [account.pk for account in usable if start(account, Reason.REQUEST)[1]]
        self.log_changes(request, started, "Reconciliation started.")
        running, unusable = len(usable) - len(started), queryset.count() - len(usable)
        notes = [f"{len(started)} started; see Reconciliations."]
        notes += [f"{running} already running."] if running else []
        notes += [f"{unusable} left alone: not connected."] if unusable else []
        level = messages.SUCCESS if started else messages.WARNING
        self.message_user(request, " ".join(notes), level)

    @admin.action(permissions=["change"], description="Check now")
    def check_now(self, request: HttpRequest, queryset: QuerySet[ConnectedAccount]) -> None:
        """Let a worker check token, permissions and deliveries of the connected ones."""
        connected = queryset.filter(status=ConnectedAccount.Status.CONNECTED)
        keys = list(connected.values_list("pk", flat=True))
        plan_now(keys)
        self._planned(request, queryset, keys, "checked", "not connected")

    @admin.action(permissions=["change"], description="Refresh the access now")
    def refresh_now(self, request: HttpRequest, queryset: QuerySet[ConnectedAccount]) -> None:
        """Let a worker renew the tokens that can be renewed."""
        due = queryset.filter(can_refresh(timezone.now(), early=True))
        keys = list(due.values_list("pk", flat=True))
        enqueue_all(NewJob(REFRESH_TOKEN, {"account": key}) for key in keys)
        why = "access without an end, younger than a day, or not connected"
        self._planned(request, queryset, keys, "refreshed", why)

    def _planned(
        self,
        request: HttpRequest,
        queryset: QuerySet[ConnectedAccount],
        keys: list[int],
        done: str,
        left_because: str,
    ) -> None:
        left = queryset.count() - len(keys)
        self.log_changes(request, keys, f"Asked for it to be {done}.")
        self.message_user(
            request,
            f"{_accounts(len(keys))} will be {done} in the background; look again in a moment."
            + (f" {left} left alone: {left_because}." if left else ""),
            messages.SUCCESS if keys else messages.WARNING,
        )

    @admin.action(permissions=["change"], description="Disconnect")
    def disconnect(
        self, request: HttpRequest, queryset: QuerySet[ConnectedAccount]
    ) -> HttpResponse | None:
        """Ask once, then disconnect here and at Meta."""
        if not request.POST.get("post"):
            return self.confirmation(
                request,
                "disconnect_confirmation.html",
                [account.pk for account in queryset],
                names=[one_line(account) for account in queryset],
                accounts=_accounts(len(queryset)),
            )
        accounts = list(queryset.exclude(status=ConnectedAccount.Status.DISCONNECTED))
        for account in accounts:
            disconnect_at_meta(account=account, reason=Event.DISCONNECTED, by=request.user)
        self.log_changes(request, [account.pk for account in accounts], "Disconnected.")
        self.message_user(
            request,
            f"Disconnected {_accounts(len(accounts))}. The messages are kept.",
            messages.SUCCESS if accounts else messages.WARNING,
        )
        return None

    @admin.display(description="account", ordering="username")
    def account(self, account: ConnectedAccount) -> str:
        """Name the account."""
        return one_line(account)

    @admin.display(description="name", ordering="name")
    def shown_name(self, account: ConnectedAccount) -> str:
        """Show the account's name."""
        return one_line(account.name)

    @admin.display(description="status", ordering="status")
    def state(self, account: ConnectedAccount) -> SafeString:
        """Colour the status."""
        return state_html(account.status, account.get_status_display())

    @admin.display(description="valid until", ordering="token_expires_at")
    def expires(self, account: ConnectedAccount) -> str:
        """Show until when Meta accepts the token."""
        if not account.is_active:
            return ""
        end = account.token_expires_at
        return date_format(end) if end else "No end"

    @admin.display(description="last event", ordering="last_event_at")
    def last_event(self, account: ConnectedAccount) -> str:
        """Show how long ago Meta delivered something."""
        return f"{timesince(account.last_event_at, depth=1)} ago" if account.last_event_at else ""

    @admin.display(description="problem")
    def problem(self, account: ConnectedAccount) -> str | SafeString:
        """Show the worst problem."""
        found = account_problems(account)
        if not found:
            return "None"
        return format_html(
            '<span class="ig-problem">{}</span><br><span class="ig-quiet">{}</span>',
            found[0].message,
            found[0].action,
        )

    @admin.display(description="problems")
    def problems(self, account: ConnectedAccount) -> str | SafeString:
        """List every problem with its next step."""
        rows = [(problem.message, problem.action) for problem in account_problems(account)]
        return format_html_join("", "<p>{} <strong>{}</strong></p>", rows) or "None"

    @admin.display(description="missed by Meta")
    def missed(self, account: ConnectedAccount) -> str:
        """Count messages Meta never delivered, though it should have."""
        count = missed_by_meta(account)
        if not count:
            return "None"
        if count == 1:
            return "1 message was fetched because Meta did not deliver it"
        return f"{count} messages were fetched because Meta did not deliver them"

    @admin.display(description="reason")
    def reason(self, account: ConnectedAccount) -> str:
        """Show why the status is what it is."""
        return visible(f"{account.status_reason} {account.status_action}".strip()) or "-"

    @admin.display(description="page")
    def page(self, account: ConnectedAccount) -> str:
        """Name the linked Facebook Page."""
        return one_line(f"{account.page_name} ({account.page_id})") if account.page_id else ""

    @admin.display(description="profile picture")
    def picture(self, account: ConnectedAccount) -> str | SafeString:
        """Link the picture; it is not loaded."""
        return link_html("Picture", account.profile_picture_url)


def _accounts(count: int) -> str:
    return "1 account" if count == 1 else f"{count} accounts"
