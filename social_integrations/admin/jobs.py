"""Background jobs: what waits, what was given up, and running it again."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from social_integrations.models import Job
from social_integrations.services.jobs import run_again

from .base import ReadOnlyAdmin
from .rendering import one_line, pretty_json, state_html, visible


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Work for Meta in the background; rows hold ids, no content."""

    list_display = ["id", "name", "coloured_state", "due_at", "attempts", "first_error"]
    list_filter = ["state", "name"]
    fields = [
        "name",
        "coloured_state",
        "shown_error",
        "shown_payload",
        "attempts",
        "due_at",
        "leased_until",
        "held",
        "created_at",
        "finished_at",
        "dedupe_key",
    ]
    actions = ["run_again"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        """Read the account a job is held for along, without its token."""
        jobs: QuerySet[Job] = super().get_queryset(request)
        return jobs.select_related("held_for").defer("held_for__access_token")

    class Media:
        css = {"all": ["social_integrations/admin.css"]}

    @admin.action(permissions=["change"], description="Run again")
    def run_again(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Put finished or given-up jobs back in line."""
        ended = queryset.filter(state__in=[Job.State.DONE, Job.State.DEAD])
        keys = list(ended.values_list("pk", flat=True))
        count = run_again(Job.objects.filter(pk__in=keys))
        self.log_changes(request, keys, "Put back to be run again.")
        left = queryset.count() - count
        self.message_user(
            request,
            f"{count} job{'' if count == 1 else 's'} put back in line."
            + (f" {left} left alone: not finished yet." if left else ""),
            messages.SUCCESS if count else messages.WARNING,
        )

    @admin.display(description="state", ordering="state")
    def coloured_state(self, job: Job) -> SafeString:
        """Colour the state."""
        return state_html(job.state, job.get_state_display())

    @admin.display(description="error")
    def first_error(self, job: Job) -> str:
        """Show the first line of the error."""
        return one_line(job.error.lstrip().partition("\n")[0])

    @admin.display(description="error")
    def shown_error(self, job: Job) -> str | SafeString:
        """Show the whole error."""
        if not job.error:
            return "None"
        return format_html('<pre class="ig-pre">{}</pre>', visible(job.error, 20_000))

    @admin.display(description="held for")
    def held(self, job: Job) -> str:
        """Name the account that has to be connected again first."""
        return one_line(job.held_for) if job.held_for else "-"

    @admin.display(description="payload")
    def shown_payload(self, job: Job) -> SafeString:
        """Lay the ids out."""
        return pretty_json(lambda: job.payload)
