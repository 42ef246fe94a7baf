"""The doctor's page for staff: looking costs seconds and calls, so it happens on a button only."""

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from social_integrations.access import VIEW, access_policy
from social_integrations.models import ConnectedAccount
from social_integrations.selectors import without_tokens
from social_integrations.services.doctor.examining import examine, subscribe_again

from .connect_pages import private_page

# In the session: another person may see other accounts.
REPORT_KEY, NOTE_KEY = "social_integrations_doctor", "social_integrations_doctor_note"
# Somebody waits for the page, and a session is no place for a book.
MOST_ACCOUNTS = 20
STATUSES = ConnectedAccount.Status
URGENCY: list[str] = [STATUSES.REAUTH_REQUIRED, STATUSES.CONNECTED, STATUSES.DISCONNECTED]
PAGE = "social_integrations:doctor"
LONGEST_KEY = 18


@require_http_methods(["GET", "HEAD", "POST"])
@private_page("same-origin")
@csrf_protect
@transaction.non_atomic_requests  # it calls Meta, and our own public address
def doctor(request: HttpRequest) -> HttpResponse:
    """Show this person's latest report; POST makes a new one, or subscribes an account again."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if not (request.user.is_staff and request.user.has_perm(VIEW)):
        raise PermissionDenied
    if request.method == "POST":
        return _act(request)
    return render(request, "social_integrations/doctor.html", _context(request))


def _act(request: HttpRequest) -> HttpResponse:
    accounts = _visible(request)
    notes = [_subscribe(request, accounts)] if "subscribe" in request.POST else []
    chosen = sorted(accounts, key=lambda account: URGENCY.index(account.status))
    if left := len(chosen[MOST_ACCOUNTS:]):
        notes.append(f"{left} more accounts were not looked at; the command does them all.")
    request.session[NOTE_KEY] = " ".join(notes)
    request.session[REPORT_KEY] = examine(accounts=chosen[:MOST_ACCOUNTS]).as_json()
    return redirect(PAGE)


def _visible(request: HttpRequest) -> QuerySet[ConnectedAccount]:
    return without_tokens(access_policy().accounts_for(request.user))


def _subscribe(request: HttpRequest, accounts: QuerySet[ConnectedAccount]) -> str:
    """Subscribe the account the button names; return what came of it."""
    key = request.POST["subscribe"]
    is_key = key.isascii() and key.isdecimal() and len(key) <= LONGEST_KEY
    account = accounts.filter(pk=int(key)).first() if is_key else None
    if account is None:
        raise Http404
    if not access_policy().may_manage(request.user, account):
        raise PermissionDenied
    reason = subscribe_again(account=account)
    return f"{account}: {reason}" if reason else f"{account} is subscribed again."


def _context(request: HttpRequest) -> dict[str, Any]:
    report = request.session.get(REPORT_KEY)
    if not report:
        return {"report": None}
    rows = report["rows"]
    policy = access_policy()
    subscribable = {
        account.pk
        for account in _visible(request)
        if account.is_active and policy.may_manage(request.user, account)
    }
    return {
        "report": report,
        "checked_at": parse_datetime(report["checked_at"]),
        "first": next((row for row in rows if row["code"] == report["first"]), None),
        "rows": [
            row | {"can_subscribe": _offers(row) and row["account_id"] in subscribable}
            for row in rows
        ],
        "note": request.session.get(NOTE_KEY, ""),
    }


def _offers(row: dict[str, Any]) -> bool:
    """Return whether subscribing again may mend what the row says."""
    return row["code"] in ("subscription", "last_event") and row["level"] != "grey"
