"""What became of the messages we send, and the two decisions that are left to people."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from social_integrations.access import access_policy
from social_integrations.exceptions import DraftError, SendRefused
from social_integrations.models import Message
from social_integrations.services.send_overview import UNKNOWN, WAITING, failed_lately
from social_integrations.services.sending import retry, settle

from .base import AuditedAdmin
from .rendering import one_line, pretty_json, state_html, visible

Act = Callable[[Message], Message]

CHOICES: dict[str, tuple[str, Callable[[], Q]]] = {
    "waiting": ("Waiting to be sent", lambda: WAITING),
    "unknown": ("Outcome unknown", lambda: UNKNOWN),
    "failed": ("Failed in the last seven days", failed_lately),
}
# Words of the refusals of one action, at most; the rest is counted.
MOST_REFUSALS = 3


class SendingFilter(admin.SimpleListFilter):
    """The queue: what waits, what nobody knows, what failed."""

    title = "sending"
    parameter_name = "sending"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """List the states somebody may have to look at."""
        return [(name, label) for name, (label, _condition) in CHOICES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:  # noqa: ARG002
        """Keep the chosen ones."""
        choice = CHOICES.get(self.value() or "")
        return queryset.filter(choice[1]()) if choice else queryset


class SendingAdmin(AuditedAdmin):
    """Shows how a message was sent, and lets whoever may answer decide what is left to people."""

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may send messages."""
        return access_policy().may_send(request.user)

    @admin.action(permissions=["send"], description="Send again (failed)")
    def send_again(self, request: HttpRequest, queryset: QuerySet[Message]) -> HttpResponse | None:
        """Ask once, then queue what failed again."""
        return self._decide(
            request,
            queryset.filter(status=Message.Status.FAILED),
            lambda message: retry(message=message, by=_user(request)),
            "send_again_confirmation.html",
            "queued again",
        )

    @admin.action(permissions=["send"], description="It arrived (outcome unknown)")
    def it_arrived(self, request: HttpRequest, queryset: QuerySet[Message]) -> HttpResponse | None:
        """Ask once, then note that somebody saw it at Instagram."""
        return self._decide(
            request,
            queryset.filter(status=Message.Status.UNKNOWN),
            lambda message: settle(message=message, arrived=True, by=_user(request)),
            "it_arrived_confirmation.html",
            "noted as sent",
        )

    @admin.action(permissions=["send"], description="It did not arrive: send again (unknown)")
    def it_did_not(self, request: HttpRequest, queryset: QuerySet[Message]) -> HttpResponse | None:
        """Ask once, then queue what did not arrive again."""
        return self._decide(
            request,
            queryset.filter(status=Message.Status.UNKNOWN),
            lambda message: settle(message=message, arrived=False, by=_user(request)),
            "it_did_not_confirmation.html",
            "queued again",
        )

    def _decide(
        self, request: HttpRequest, fitting: QuerySet[Message], act: Act, template: str, done: str
    ) -> HttpResponse | None:
        """Ask about the messages the action fits, then act on each by itself."""
        found = list(fitting.order_by("sent_at", "id"))
        if not found:
            self.message_user(request, "None of them is in that state.", messages.WARNING)
            return None
        if not request.POST.get("post"):
            rows = [(_person(one), one_line(one.text, 80) or one_line(one.kind)) for one in found]
            return self.confirmation(request, template, [one.pk for one in found], rows=rows)
        decided, refusals = [], []
        for message in found:
            if not access_policy().may_send(request.user, message.conversation):
                refusals.append("You may not answer in this conversation.")
                continue
            try:
                act(message)
                decided.append(message.pk)
            except DraftError as error:
                # The parts of an answer go together: an earlier one may have taken it along.
                if error.code != "not_failed":
                    refusals.append(error.message)
            except SendRefused as error:
                refusals.append(f"{error.decision.sentence} {error.decision.action}".strip())
        self.log_changes(request, decided, f"{done.capitalize()}.")
        self._report(request, len(decided), done, refusals)
        return None

    def _report(self, request: HttpRequest, count: int, done: str, refusals: Iterable[str]) -> None:
        if count:
            words = f"{count} message{'' if count == 1 else 's'} {done}."
            self.message_user(request, words, messages.SUCCESS)
        different = list(dict.fromkeys(refusals))
        for refusal in different[:MOST_REFUSALS]:
            self.message_user(request, refusal, messages.WARNING)

    @admin.display(description="state", ordering="status")
    def state(self, message: Message) -> str | SafeString:
        """Colour how far an outgoing message has come."""
        if message.direction == Message.Direction.INBOUND:
            return ""
        status = message.delivery_status
        return state_html(f"send-{status}", Message.Status(status).label)

    @admin.display(description="error")
    def shown_error(self, message: Message) -> str | SafeString:
        """Show why sending failed, and what to do."""
        if not (message.error_text or message.error_code):
            return "-"
        code = f" ({message.error_code})" if message.error_code else ""
        return format_html(
            "{}{} <strong>{}</strong>",
            visible(message.error_text),
            visible(code),
            visible(message.error_action),
        )

    @admin.display(description="why it may go out")
    def policy(self, message: Message) -> str:
        """Say what Meta's rules said when it was queued."""
        said = message.send_policy
        if not said:
            return "-"
        ends = _moment(said.get("human_agent_until" if message.tag else "closes_at"))
        sentence = str(said.get("sentence") or "")
        return visible(until(sentence, ends) if ends else sentence)

    @admin.display(description="parts")
    def parts(self, message: Message) -> str | SafeString:
        """Lead to the other messages of the same answer."""
        first = message.first_part_id or message.pk
        rows = Message.objects.filter(Q(pk=first) | Q(first_part=first)).order_by("part")
        numbers = list(rows.values_list("part", "pk", "status"))
        if len(numbers) < 2:
            return "-"
        links = [
            (reverse("admin:social_integrations_message_change", args=[pk]), part, status)
            for part, pk, status in numbers
        ]
        return format_html_join(", ", '<a href="{}">{}</a> ({})', links)

    @admin.display(description="written by")
    def writer(self, message: Message) -> str:
        """Say who is answerable: a person, by name, or automation."""
        if message.direction == Message.Direction.INBOUND:
            return "-"
        kind = message.get_author_display() if message.author else message.get_source_display()
        return f"{kind}: {message.sent_by}" if message.sent_by else str(kind)

    @admin.display(description="buttons sent along")
    def buttons(self, message: Message) -> SafeString | str:
        """Lay out quick replies and a template."""
        given = {"quick_replies": message.quick_replies, "template": message.template}
        found = {name: value for name, value in given.items() if value}
        return pretty_json(lambda: found) if found else "-"


def until(sentence: str, ends: str) -> str:
    """Say until when a sentence holds."""
    return f"{sentence.rstrip('.')} (until {ends})."


def _user(request: HttpRequest) -> Any:
    return request.user


def _person(message: Message) -> str:
    return one_line(message.conversation.contact.display_name, 60)


def _moment(text: Any) -> str:
    try:
        moment = parse_datetime(str(text)) if text else None
    except ValueError:
        return ""
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT") if moment else ""
