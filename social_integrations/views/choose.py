"""The picker: which of the accounts Meta granted become connected, and what that changes."""

from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from social_integrations.exceptions import ConfigurationError, ConnectError
from social_integrations.models import OAuthAttempt
from social_integrations.services import pending
from social_integrations.services.connecting import connect_accounts
from social_integrations.services.consent import refuse_unready
from social_integrations.services.grants import Grant
from social_integrations.services.permissions import missing_permissions
from social_integrations.services.reviewing import Choice, Review, review_grant

from .connect_pages import (
    describe_pages,
    fail,
    known_browser_key,
    private_page,
    problem_page,
    show_result,
)

# From this many accounts on, searching is quicker than reading.
SEARCH_FROM = 8


@dataclass(frozen=True, slots=True)
class Selection:
    """The state of the form: what is searched for, and which accounts are ticked."""

    search: str
    ticked: frozenset[str]

    def shows(self, choice: Choice) -> bool:
        """Return whether the search finds an account."""
        instagram = choice.offer.instagram
        name = instagram.name if instagram else ""
        found = f"{choice.username}\n{name}\n{choice.offer.page_name}\n{choice.account_id}"
        return self.search.casefold() in found.casefold()


@require_http_methods(["GET", "POST"])
@private_page("same-origin")
@csrf_protect
@transaction.non_atomic_requests
def choose(request: HttpRequest, key: int) -> HttpResponse:
    """Show what a consent would change, and connect what is ticked."""
    try:
        attempt, grant = pending.find_grant(
            key=key, visitor=request.user, browser_key=known_browser_key(request)
        )
        refuse_unready(attempt.user, attempt.login)
        return _answer(request, key, attempt, grant)
    except ConnectError as error:
        return problem_page(request, error.code, error.detail)
    except ConfigurationError as error:
        return problem_page(request, "not_configured", str(error))


def _answer(request: HttpRequest, key: int, attempt: OAuthAttempt, grant: Grant) -> HttpResponse:
    review = review_grant(user=attempt.user, grant=grant)
    action = request.POST.get("do", "")
    selection = _selection(request, review, action)
    nothing = bool(review.choices) and not selection.ticked
    if action == "cancel":
        pending.use_up_grant(key=key)
        return fail(request, "cancelled", return_url=attempt.redirect_target)
    if action == "connect" and not nothing:
        pending.use_up_grant(key=key)
        connected = connect_accounts(user=attempt.user, grant=grant, chosen=selection.ticked)
        return show_result(request, connected, attempt.redirect_target)
    context = {
        "username": attempt.user.get_username(),
        "missing": missing_permissions(login=grant.login, granted=grant.granted),
        "warn": action == "connect" and nothing,
    }
    return _page(request, review, selection, context)


def _selection(request: HttpRequest, review: Review, action: str) -> Selection:
    """Read the form; at first everything is ticked, as it was in Meta's window."""
    offered = frozenset(choice.account_id for choice in review.choices)
    if request.method != "POST":
        return Selection("", offered)
    search = request.POST.get("search", "").strip()[:100]
    selection = Selection(search, offered & frozenset(request.POST.getlist("account")))
    shown = {choice.account_id for choice in review.choices if selection.shows(choice)}
    changed = {"all": selection.ticked | shown, "none": selection.ticked - shown}
    return Selection(search, changed.get(action, selection.ticked))


def _page(
    request: HttpRequest, review: Review, selection: Selection, context: dict[str, Any]
) -> HttpResponse:
    shown = [choice for choice in review.choices if selection.shows(choice)]
    visible = {choice.account_id for choice in shown}
    context |= {
        "shown": shown,
        "total": len(review.choices),
        "ticked": selection.ticked,
        "ticked_elsewhere": sorted(selection.ticked - visible),
        "search": selection.search,
        "searchable": len(review.choices) >= SEARCH_FROM,
        "withdrawn": review.withdrawn,
        "pages": describe_pages({"unusable": [asdict(page) for page in review.unusable]}),
    }
    status = 400 if context["warn"] else 200
    return render(request, "social_integrations/connect/choose.html", context, status=status)
