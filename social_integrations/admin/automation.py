"""What is said by itself: ice breakers and menu at Instagram, and the away message."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from social_integrations.models import (
    AwayMessage,
    ConnectedAccount,
    IceBreaker,
    MenuEntry,
    MessengerProfile,
    OpeningHours,
)
from social_integrations.services.messenger_profiles import standing_of, want_compare, want_push
from social_integrations.services.opening_hours import is_open, zone_of

from .automation_forms import AwayMessageForm, MenuEntryForm, MenuFormSet, QuestionFormSet
from .base import AccountFilter, AuditedAdmin
from .rendering import one_line, state_html, visible

FIELD_NAMES = {"ice_breakers": "Question", "persistent_menu": "Menu"}


class AccountChoice(forms.ModelChoiceField):
    """Accounts by name; their tokens stay in the database."""

    def label_from_instance(self, obj: Any) -> str:
        """Name the account."""
        return one_line(obj)


class OfAccountAdmin(AuditedAdmin):
    """One row per account, which is chosen once."""

    list_select_related = ("account",)

    class Media:
        css = {"all": ["social_integrations/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Read the account along, without its token."""
        found: QuerySet[Any] = super().get_queryset(request)
        return found.select_related("account").defer("account__access_token")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Keep a row with its account."""
        return [*super().get_readonly_fields(request, obj), *(["account_name"] if obj else [])]

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Offer accounts that have none yet."""
        if db_field.name == "account":
            free = ConnectedAccount.objects.filter(**{db_field.remote_field.name: None})
            kwargs |= {"queryset": free.defer("access_token"), "form_class": AccountChoice}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description="account", ordering="account__username")
    def account_name(self, row: Any) -> str:
        """Name the account."""
        return one_line(row.account)


class IceBreakerInline(admin.TabularInline):
    """The questions, a row each."""

    model = IceBreaker
    formset = QuestionFormSet
    fields = ("locale", "position", "question", "payload")
    extra = 1


class MenuEntryInline(admin.TabularInline):
    """The menu, a row for each entry."""

    model = MenuEntry
    form = MenuEntryForm
    formset = MenuFormSet
    fields = ("locale", "position", "title", "type", "payload", "url")
    extra = 1


@admin.register(MessengerProfile)
class MessengerProfileAdmin(OfAccountAdmin):
    """Written here, sent to Instagram by the worker on request."""

    list_display = ["account_name", "standing", "pushed_at"]
    list_display_links = ["account_name"]
    list_filter = ["state", AccountFilter]
    readonly_fields = ["standing", "pushed_at", "at_instagram", "seen_at"]
    inlines = [IceBreakerInline, MenuEntryInline]
    actions = ["send", "compare"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MessengerProfile]:
        """Read questions and menu along."""
        found: QuerySet[MessengerProfile] = super().get_queryset(request)
        return found.prefetch_related("ice_breakers", "menu_entries")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        """Say how a profile stands once there is one."""
        if obj is None:
            return [(None, {"fields": ["account"]})]
        told = ("Instagram", {"fields": ["at_instagram", "seen_at"], "classes": ["collapse"]})
        return [(None, {"fields": ["account_name", "standing", "pushed_at"]}), told]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keep what Instagram still shows: empty it and send that first."""
        is_shown = obj is not None and any((obj.pushed or {}).values())
        return not is_shown and super().has_delete_permission(request, obj)

    def response_add(
        self, request: HttpRequest, obj: MessengerProfile, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Send it as well, where that was asked for."""
        self._send_if_asked(request, obj)
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: MessengerProfile) -> HttpResponse:
        """Send it as well, where that was asked for."""
        self._send_if_asked(request, obj)
        return super().response_change(request, obj)

    def _send_if_asked(self, request: HttpRequest, profile: MessengerProfile) -> None:
        if "_send" in request.POST:
            want_push(profile)
            self.log_changes(request, [profile.pk], "Asked for it to be sent to Instagram.")
            self._promise(request, "sent to Instagram")

    @admin.action(permissions=["change"], description="Send to Instagram")
    def send(self, request: HttpRequest, queryset: QuerySet[MessengerProfile]) -> None:
        """Let the worker tell Instagram what stands here."""
        for profile in queryset:
            want_push(profile)
        keys = [profile.pk for profile in queryset]
        self.log_changes(request, keys, "Asked for it to be sent to Instagram.")
        self._promise(request, "sent to Instagram")

    @admin.action(permissions=["change"], description="Compare with Instagram")
    def compare(self, request: HttpRequest, queryset: QuerySet[MessengerProfile]) -> None:
        """Let the worker look what Instagram has."""
        for profile in queryset:
            want_compare(profile)
        self._promise(request, "compared with Instagram")

    def _promise(self, request: HttpRequest, done: str) -> None:
        words = (
            f"It is {done} in the background; look again in a moment. Meta takes few such calls: "
            "a second one soon after may wait some minutes."
        )
        self.message_user(request, words, messages.SUCCESS)

    @admin.display(description="state")
    def standing(self, profile: MessengerProfile) -> SafeString:
        """Say whether Instagram has what stands here."""
        found = standing_of(profile)
        return format_html(
            '{} <span class="ig-quiet">{}</span>',
            state_html(found.state, found.label),
            visible(found.words),
        )

    @admin.display(description="Instagram has")
    def at_instagram(self, profile: MessengerProfile) -> str | SafeString:
        """List what Instagram said it has."""
        if profile.seen is None:
            return "Not asked yet; choose “Compare with Instagram” in the list."
        lines = [
            (FIELD_NAMES[field], one_line(row["locale"]), one_line(entry.get("question", title)))
            for field, rows in profile.seen.items()
            for row in rows
            for entry in row["call_to_actions"]
            for title in [entry.get("title", "")]
        ]
        return format_html_join("", "<p>{} ({}): {}</p>", lines) or "Nothing."


class OpeningHoursInline(admin.TabularInline):
    """A week, stretch by stretch; a day without one is closed."""

    model = OpeningHours
    fields = ("weekday", "opens", "closes")
    extra = 2


@admin.register(AwayMessage)
class AwayMessageAdmin(OfAccountAdmin):
    """An automatic answer outside the opening hours."""

    form = AwayMessageForm
    list_display = ["account_name", "enabled", "now", "time_zone"]
    list_display_links = ["account_name"]
    list_filter = ["enabled", AccountFilter]
    readonly_fields = ["now"]
    inlines = [OpeningHoursInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AwayMessage]:
        """Read the hours along."""
        found: QuerySet[AwayMessage] = super().get_queryset(request)
        return found.prefetch_related("opening_hours")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        """Say what it would do now once there is one."""
        whose = ["account_name", "now"] if obj else ["account"]
        rules = ["time_zone", "cooldown_hours", "staff_minutes"]
        return [(None, {"fields": [*whose, "enabled", "text"]}), ("Rules", {"fields": rules})]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with the time zone of the server."""
        given: dict[str, Any] = super().get_changeform_initial_data(request)
        return {"time_zone": timezone.get_default_timezone_name(), **given}

    @admin.display(description="now")
    def now(self, away: AwayMessage) -> str:
        """Say whether somebody is there, by the clock of the opening hours."""
        zone = zone_of(away.time_zone)
        if zone is None:
            return "This is no time zone: nothing is answered."
        moment = timezone.now()
        clock = date_format(moment.astimezone(zone), "l H:i")
        if is_open(away.opening_hours.all(), zone, moment):
            return f"{clock}: open, nothing is answered"
        return f"{clock}: closed, {'it is answered' if away.enabled else 'but switched off'}"
