"""Deletion requests that came through Meta: where each stands, and settling those for a person."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelectMultiple
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from social_integrations.models import Contact, DeletionRequest
from social_integrations.services.deletion import erase_chosen, mark_nothing_held

from .base import ReadOnlyAdmin
from .rendering import one_line, state_html

State = DeletionRequest.State


class ChoosePeopleForm(forms.Form):
    """Whom a request is about, as a member of staff found out."""

    contacts = forms.ModelMultipleChoiceField(
        queryset=Contact.objects.all(),
        label="People",
        widget=AutocompleteSelectMultiple(
            DeletionRequest._meta.get_field("contacts"), admin.site, attrs={"data-width": "30rem"}
        ),
        error_messages={"required": "Choose at least one person."},
    )


@admin.register(DeletionRequest)
class DeletionRequestAdmin(ReadOnlyAdmin):
    """Read-only; two actions settle what the app could not match by itself."""

    list_display = ["id", "coloured_state", "received_at", "due", "finished_at"]
    list_filter = ["state"]
    search_fields = ["confirmation_code", "user_id"]
    search_help_text = "Confirmation code, or the id Meta sent (until the request is settled)"
    fields = [
        "coloured_state",
        "shown_user_id",
        "received_at",
        "issued_at",
        "due",
        "started_at",
        "finished_at",
        "erased_accounts",
        "erased_people",
        "erased_messages",
        "erased_events",
        "confirmation_code",
        "status_page",
    ]
    actions = ["erase_people", "nothing_held"]

    class Media:
        css = {"all": ["social_integrations/admin.css"]}

    def has_erase_permission(self, request: HttpRequest) -> bool:
        """Erasing people needs the permission that erasing them from their list needs."""
        may_erase: bool = request.user.has_perm("social_integrations.change_contact")
        return may_erase and self.has_change_permission(request)

    @admin.action(permissions=["erase"], description="Erase this person…")
    def erase_people(
        self, request: HttpRequest, queryset: QuerySet[DeletionRequest]
    ) -> HttpResponse | None:
        """Ask whom one request is about, then have them erased."""
        waiting = self._waiting(request, queryset)
        if len(waiting) != 1:
            if waiting:
                self.message_user(request, "Choose one request at a time.", messages.ERROR)
            return None
        chosen = ChoosePeopleForm(request.POST if request.POST.get("post") else None)
        if not chosen.is_valid():
            return self._page(request, "erase_people.html", waiting, form=chosen)
        contacts = list(chosen.cleaned_data["contacts"])
        if erase_chosen(waiting[0], contacts):
            numbers = ", ".join(str(contact.pk) for contact in contacts)
            self.log_changes(request, [waiting[0].pk], f"Had these contacts erased: {numbers}.")
            self.message_user(request, "The worker erases them now.", messages.SUCCESS)
        return None

    @admin.action(permissions=["change"], description="Mark: nothing held…")
    def nothing_held(
        self, request: HttpRequest, queryset: QuerySet[DeletionRequest]
    ) -> HttpResponse | None:
        """Ask once, then settle the requests."""
        waiting = self._waiting(request, queryset)
        if not waiting:
            return None
        if not request.POST.get("post"):
            return self._page(request, "nothing_held.html", waiting)
        keys = mark_nothing_held(queryset)
        self.log_changes(request, keys, "Settled: nothing is held.")
        self.message_user(request, f"{_requests(len(keys))} settled.", messages.SUCCESS)
        return None

    def _waiting(
        self, request: HttpRequest, queryset: QuerySet[DeletionRequest]
    ) -> list[DeletionRequest]:
        """Return the chosen requests that need a person; say so where none does."""
        waiting = list(queryset.filter(state=State.NEEDS_PERSON))
        if not waiting:
            self.message_user(request, "No chosen request needs a person.", messages.WARNING)
        return waiting

    def _page(
        self, request: HttpRequest, name: str, waiting: list[DeletionRequest], **more: Any
    ) -> HttpResponse:
        form: ChoosePeopleForm | None = more.get("form")
        return self.confirmation(
            request,
            name,
            [asked.pk for asked in waiting],
            requests=waiting,
            count=_requests(len(waiting)),
            media=self.media + form.media if form else self.media,
            **more,
        )

    @admin.display(description="state", ordering="state")
    def coloured_state(self, asked: DeletionRequest) -> SafeString:
        """Colour the state."""
        return state_html(asked.state, asked.get_state_display())

    @admin.display(description="to be settled by", ordering="received_at")
    def due(self, asked: DeletionRequest) -> Any:
        """Say by when, and whether that is past."""
        if not asked.is_open:
            return "Settled"
        day = f"{asked.due_at:%Y-%m-%d}"
        if asked.due_at < timezone.now():
            return format_html('<span class="ig-problem">{}: late</span>', day)
        return day

    @admin.display(description="id Meta sent")
    def shown_user_id(self, asked: DeletionRequest) -> str:
        """Show the id while it is needed."""
        return one_line(asked.user_id) or "Erased with the request"

    @admin.display(description="status page")
    def status_page(self, asked: DeletionRequest) -> SafeString:
        """Lead to what the person sees."""
        url = reverse("social_integrations:deletion-status", args=[asked.confirmation_code])
        return format_html('<a href="{}">What the person sees</a>', url)


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count} requests"
