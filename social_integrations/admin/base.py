"""What the admin pages share: read-only rows, cheap counting, an audit trail without content."""

import json
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import BadRequest, ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.functional import cached_property

from social_integrations.models import ConnectedAccount

from .rendering import one_line

COUNT_LIMIT = 5_000


class CappedPaginator(Paginator):
    """Counts no further than 5,000 rows: a list is searched, not paged to its end."""

    @cached_property
    def count(self) -> int:
        """Return how many rows can be paged through."""
        rows: Any = self.object_list
        return rows.order_by()[:COUNT_LIMIT].count()  # type: ignore[no-any-return]


class AuditedAdmin(admin.ModelAdmin):
    """Logs changes under the row's number: names and texts of people stay out of the history."""

    def response_action(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Carry out an action; answer 400 to a choice that is no row's key, not Django's 500."""
        key: Any = self.opts.pk
        try:
            for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME):
                key.run_validators(key.to_python(chosen))
        except ValidationError:
            raise BadRequest("What is chosen is no row.") from None
        return super().response_action(request, *args, **kwargs)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        """Log one change."""
        return self.log_changes(request, [obj.pk], message)[0]

    def log_changes(
        self, request: HttpRequest, keys: Iterable[Any], message: Any
    ) -> list[LogEntry]:
        """Log the same change of several rows."""
        kind = ContentType.objects.get_for_model(self.model, for_concrete_model=False)
        entries = [
            LogEntry(
                user_id=request.user.pk,  # type: ignore[misc]
                content_type=kind,
                object_id=str(key),
                object_repr=f"{self.opts.verbose_name} {key}",
                action_flag=CHANGE,
                # Django translates the list of changed fields from JSON.
                change_message=json.dumps(message) if isinstance(message, list) else message,
            )
            for key in keys
        ]
        return LogEntry.objects.bulk_create(entries)

    def confirmation(
        self, request: HttpRequest, template: str, chosen: Iterable[Any], **more: Any
    ) -> TemplateResponse:
        """Ask before an action is carried out on the chosen rows, named by their keys."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Are you sure?",
            "opts": self.opts,
            "chosen": list(chosen),
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "media": self.media,
            **more,
        }
        name = f"admin/social_integrations/{self.opts.model_name}/{template}"
        return TemplateResponse(request, name, context)


class ReadOnlyAdmin(AuditedAdmin):
    """Rows to look at; change permission lets staff run actions, never edit."""

    paginator = CappedPaginator
    show_full_result_count = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:  # noqa: ARG002
        """Show every field and edit none."""
        return flatten_fieldsets(self.fieldsets or [(None, {"fields": self.fields or []})])

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - inlines pass obj
        """Nobody adds rows by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Allow actions on the list; a single row opens read-only."""
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Nobody deletes rows by hand."""
        return False


class KindFilter(admin.SimpleListFilter):
    """Filter by kind from a fixed list: asking the table which kinds it holds reads all of it."""

    title = "kind"
    parameter_name = "kind"
    kinds: tuple[str, ...] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """List the kinds this version knows."""
        return [(kind, kind) for kind in self.kinds]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """Keep the rows of the chosen kind; any other may be asked for in the address."""
        return queryset.filter(kind=self.value()) if self.value() is not None else queryset


class AccountFilter(admin.SimpleListFilter):
    """Filter by account without loading accounts, hence without touching tokens."""

    title = "account"
    parameter_name = "account"
    path = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """List the accounts by name."""
        rows = ConnectedAccount.objects.values_list("pk", "username", "instagram_account_id")
        return [(str(pk), one_line(f"@{name}" if name else meta_id)) for pk, name, meta_id in rows]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """Keep the rows of the chosen account."""
        if self.value() is None:
            return queryset
        known = {key for key, _name in self.lookup_choices}
        if self.value() not in known:
            return queryset.none()
        return queryset.filter(**{self.path: self.value()})
