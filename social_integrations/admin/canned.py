"""Canned replies: written here, offered in the inbox."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from social_integrations.exceptions import DraftError
from social_integrations.models import CannedReply, ConnectedAccount
from social_integrations.services.canned import VARIABLES, parts_of, problems_of
from social_integrations.services.drafts import MAX_TEXT_BYTES, Part, byte_length

from .base import AccountFilter, AuditedAdmin
from .rendering import one_line, visible

EVERY_ACCOUNT = "every account"


class CannedReplyForm(forms.ModelForm):
    """A text Instagram takes, with variables somebody can fill in."""

    class Meta:
        model = CannedReply
        fields = ("account", "shortcut", "title", "text")
        widgets = {"text": forms.Textarea(attrs={"rows": 6, "class": "vLargeTextField"})}

    def clean_text(self) -> str:
        """Refuse unknown variables, and what would be too many messages."""
        text = str(self.cleaned_data["text"])
        if problems := problems_of(text):
            raise ValidationError(problems)
        return text

    def clean(self) -> dict[str, Any]:
        """Refuse a shortcut that is taken: typing it would offer two answers."""
        values: dict[str, Any] = super().clean() or {}
        same = CannedReply.objects.filter(
            account=values.get("account"), shortcut=values.get("shortcut") or ""
        )
        if same.exclude(pk=self.instance.pk).exists():
            self.add_error("shortcut", "This shortcut is taken already; choose another one.")
        return values


class AccountChoice(forms.ModelChoiceField):
    """Accounts by name, in one line."""

    def label_from_instance(self, obj: Any) -> str:
        """Name the account."""
        return one_line(obj)


@admin.register(CannedReply)
class CannedReplyAdmin(AuditedAdmin):
    """Canned replies, with what each becomes."""

    form = CannedReplyForm
    list_display = ["shortcut_shown", "title_shown", "account_name"]
    list_filter = [AccountFilter]
    search_fields = ["shortcut", "title", "text"]
    readonly_fields = ["variables", "preview"]

    class Media:
        css = {"all": ["social_integrations/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[CannedReply]:
        """Read the account along, without its token."""
        found: QuerySet[CannedReply] = super().get_queryset(request)
        return found.select_related("account").defer("account__access_token")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        """Show a preview once there is something to show."""
        shown = ["variables", *(["preview"] if obj else [])]
        return [(None, {"fields": ["account", "shortcut", "title", "text", *shown]})]

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Offer the accounts, their tokens left in the database."""
        if db_field.name == "account":
            accounts = ConnectedAccount.objects.defer("access_token").order_by("username")
            kwargs |= {
                "queryset": accounts,
                "form_class": AccountChoice,
                "empty_label": EVERY_ACCOUNT,
            }
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description="shortcut", ordering="shortcut")
    def shortcut_shown(self, reply: CannedReply) -> str:
        """Show it as it is typed."""
        return str(reply)

    @admin.display(description="title", ordering="title")
    def title_shown(self, reply: CannedReply) -> str:
        """Show the title in one line."""
        return one_line(reply.title)

    @admin.display(description="account", ordering="account__username")
    def account_name(self, reply: CannedReply) -> str:
        """Name the account it is for."""
        return one_line(reply.account) if reply.account else EVERY_ACCOUNT

    @admin.display(description="variables")
    def variables(self, _reply: CannedReply) -> SafeString:
        """List what may stand in braces."""
        rows = [
            (f"{{{{ {name} }}}}", variable.meaning, variable.example)
            for name, variable in VARIABLES.items()
        ]
        return format_html_join("", "<p><code>{}</code> {}, e.g. {}</p>", rows)

    @admin.display(description="preview")
    def preview(self, reply: CannedReply) -> SafeString:
        """Show the messages it becomes, with made-up names, and how long each is."""
        try:
            parts = parts_of(reply.text)
        except DraftError as error:
            return format_html("<p>{} {}</p>", error.message, error.action)
        return format_html_join("", "{}", ((_shown(part),) for part in parts))


def _shown(part: Part) -> SafeString:
    return format_html(
        '<p class="ig-text">{}</p><p class="ig-quiet">{} of {} bytes</p>',
        visible(part.text),
        byte_length(part.text),
        MAX_TEXT_BYTES,
    )
