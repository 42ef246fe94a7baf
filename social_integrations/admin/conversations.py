"""Conversations as threads, and the people in them."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from social_integrations.models import Contact, Conversation
from social_integrations.services.conversations import set_status
from social_integrations.services.privacy import erase_contacts
from social_integrations.services.sending import policy_for

from .base import AccountFilter, AuditedAdmin, CappedPaginator, ReadOnlyAdmin
from .rendering import link_html, one_line
from .sending import until
from .thread import read_thread


class ContactAccountFilter(AccountFilter):
    """Conversations know their account through the contact."""

    path = "contact__account"


@admin.register(Conversation)
class ConversationAdmin(AuditedAdmin):
    """A thread to read; staff with change permission open and close it."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_display = ["person", "account", "status", "assigned_to", "last_message_at"]
    list_display_links = ["person"]
    list_filter = ["status", ContactAccountFilter, "last_message_at"]
    search_fields = ["contact__username", "contact__name", "contact__igsid"]
    ordering = ["-last_message_at", "-id"]
    fields = [
        "contact_link",
        "account",
        "status",
        "assigned_to",
        "answering",
        "last_message_at",
        "customer_seen_at",
    ]
    readonly_fields = [
        "contact_link",
        "account",
        "assigned_to",
        "answering",
        "last_message_at",
        "customer_seen_at",
    ]

    class Media:
        css = {"all": ["social_integrations/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        """Read the person and account along, without the token."""
        conversations: QuerySet[Conversation] = super().get_queryset(request)
        return conversations.select_related("contact__account", "assigned_to").defer(
            "contact__account__access_token"
        )

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Only a message opens a conversation."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Erasing a person is the way to delete a conversation."""
        return False

    def save_model(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: Conversation,
        form: Any,  # noqa: ARG002
        change: bool,  # noqa: ARG002, FBT001 - Django's signature
    ) -> None:
        """Open or close it as the inbox does, so that everybody's list follows."""
        set_status(conversation_id=obj.pk, status=obj.status)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Put the thread under the fields."""
        conversation = kwargs.get("obj")
        context["thread"] = read_thread(conversation) if conversation else None
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="may be answered")
    def answering(self, conversation: Conversation) -> str:
        """Say what Meta's rules say about an answer now."""
        decision = policy_for(conversation)
        told = f"{decision.sentence} {decision.action}".strip()
        ends = decision.human_agent_until or decision.closes_at
        if ends is None or not decision.is_allowed:
            return told
        return until(told, date_format(timezone.localtime(ends), "DATETIME_FORMAT"))

    @admin.display(description="person", ordering="contact__name")
    def person(self, conversation: Conversation) -> str:
        """Name the person."""
        return one_line(conversation.contact.display_name)

    @admin.display(description="person")
    def contact_link(self, conversation: Conversation) -> SafeString:
        """Lead to the person's page."""
        url = reverse("admin:social_integrations_contact_change", args=[conversation.contact_id])
        return format_html('<a href="{}">{}</a>', url, self.person(conversation))

    @admin.display(description="account", ordering="contact__account__username")
    def account(self, conversation: Conversation) -> str:
        """Name the account."""
        return one_line(conversation.contact.account)


@admin.register(Contact)
class ContactAdmin(ReadOnlyAdmin):
    """People who wrote to us; erasing one removes everything kept about them."""

    list_display = ["person", "shown_username", "account_name", "igsid", "profile_state"]
    list_filter = ["profile_state", AccountFilter]
    search_fields = ["username", "name", "igsid"]
    ordering = ["-id"]
    fields = [
        "person",
        "shown_username",
        "account_name",
        "igsid",
        "conversation_link",
        "picture",
        "profile_state",
        "profile_fetched_at",
        "crm_reference",
    ]
    actions = ["erase"]

    class Media:
        css = {"all": ["social_integrations/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contact]:
        """Read the account along, without the token."""
        contacts: QuerySet[Contact] = super().get_queryset(request)
        return contacts.select_related("account", "conversation").defer("account__access_token")

    @admin.action(permissions=["change"], description="Erase this person's data")
    def erase(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse | None:
        """Ask once, then erase."""
        if not request.POST.get("post"):
            return self._confirmation(request, queryset)
        keys = list(queryset.values_list("pk", flat=True))
        erased = erase_contacts(queryset)
        self.log_changes(request, keys, "Erased the person's data.")
        self.message_user(
            request, f"Erased everything kept about {_people(erased)}.", messages.SUCCESS
        )
        return None

    def _confirmation(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse:
        contacts = list(queryset.annotate(message_count=Count("conversation__messages")))
        return self.confirmation(
            request,
            "erase_confirmation.html",
            [contact.pk for contact in contacts],
            rows=[(one_line(one.display_name), one.message_count) for one in contacts],
            people=_people(len(contacts)),
        )

    @admin.display(description="name", ordering="name")
    def person(self, contact: Contact) -> str:
        """Name the person."""
        return one_line(contact.display_name)

    @admin.display(description="username", ordering="username")
    def shown_username(self, contact: Contact) -> str:
        """Show the username."""
        return one_line(contact.username)

    @admin.display(description="account", ordering="account__username")
    def account_name(self, contact: Contact) -> str:
        """Name the account."""
        return one_line(contact.account)

    @admin.display(description="conversation")
    def conversation_link(self, contact: Contact) -> str | SafeString:
        """Lead to the thread."""
        conversation = getattr(contact, "conversation", None)
        if conversation is None:
            return "None"
        url = reverse("admin:social_integrations_conversation_change", args=[conversation.pk])
        return format_html('<a href="{}">Read it</a>', url)

    @admin.display(description="profile picture")
    def picture(self, contact: Contact) -> str | SafeString:
        """Link the picture; it is not loaded."""
        return link_html("Picture", contact.profile_picture_url)


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"
