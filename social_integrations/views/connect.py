"""Connecting an Instagram account in the browser: to Meta, back, and what came of it."""

from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.http import require_GET

from social_integrations.conf import app_settings
from social_integrations.exceptions import ConfigurationError, ConnectError
from social_integrations.models import OAuthAttempt
from social_integrations.services import consent
from social_integrations.services.connecting import connect_accounts
from social_integrations.services.grants import redeem_code
from social_integrations.services.oauth_state import new_browser_key
from social_integrations.services.pending import keep_grant
from social_integrations.services.permissions import explain_permission
from social_integrations.services.reviewing import review_grant

from .connect_pages import (
    RESULT_KEY,
    describe_pages,
    fail,
    keep_browser_key,
    known_browser_key,
    private_page,
    problem_page,
    show_result,
)

LOOPBACK_NAMES = {"localhost", "127.0.0.1", "[::1]"}


@require_GET
@private_page()
def start(request: HttpRequest) -> HttpResponse:
    """Send a signed-in person with the permission to Meta's consent dialog."""
    if elsewhere := _same_page_on_the_callbacks_host(request):
        return HttpResponseRedirect(elsewhere)
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    key = known_browser_key(request) or new_browser_key()
    try:
        login = consent.choose_login(request.GET.get("login", ""))
        return_url = consent.check_return_url(request.GET.get("return_url", ""))
        if not login:
            consent.refuse_unready(request.user, consent.configured_logins()[0])
            return _login_page(request, {"return_url": return_url} if return_url else {})
        dialog = consent.start_consent(
            user=request.user, browser_key=key, login=login, return_url=return_url
        )
    except ConnectError as error:
        return problem_page(request, error.code, error.detail)
    keep_browser_key(request, key)
    return HttpResponseRedirect(dialog)


@require_GET
@private_page()
def open_link(request: HttpRequest) -> HttpResponse:
    """Bind the browser that opens a frontend's one-time link, and send it to Meta's dialog."""
    if elsewhere := _same_page_on_the_callbacks_host(request):
        return HttpResponseRedirect(elsewhere)
    given = _take_query(request)
    ticket, key = given.get("ticket", ""), known_browser_key(request) or new_browser_key()
    try:
        dialog = consent.open_ticket(
            ticket=ticket,
            visitor=request.user,
            browser_key=key,
            login=given.get("login", ""),
        )
    except ConnectError as error:
        return problem_page(request, error.code, error.detail)
    if not dialog:
        return _login_page(request, {"ticket": ticket})
    keep_browser_key(request, key)
    return HttpResponseRedirect(dialog)


def _login_page(request: HttpRequest, query: dict[str, str]) -> HttpResponse:
    """Explain the two logins; the choice leads back here with `?login=`."""
    links = {login: urlencode({**query, "login": login}) for login in consent.configured_logins()}
    return render(request, "social_integrations/connect/logins.html", {"links": links})


def _same_page_on_the_callbacks_host(request: HttpRequest) -> str:
    """Return this page's address under the callback's name for this computer, or the empty text.

    `localhost` and `127.0.0.1` are one computer but two sites to a browser: who starts on one and
    comes back to the other is signed out. Real hosts are left alone, as a proxy may rename them.
    """
    origin = urlsplit(app_settings.REDIRECT_URI)
    host = request.get_host()
    if host == origin.netloc or not {_name(host), _name(origin.netloc)} <= LOOPBACK_NAMES:
        return ""
    return urlunsplit((origin.scheme, origin.netloc, request.path, request.GET.urlencode(), ""))


def _name(host: str) -> str:
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host


@require_GET
@private_page()
@transaction.non_atomic_requests
def callback(request: HttpRequest) -> HttpResponse:
    """Finish what Meta's dialog began, and say in words what came of it."""
    given = _take_query(request)
    return_url = ""
    try:
        answer = _single_values(given)
        attempt = consent.redeem_answer(
            visitor=request.user, browser_key=known_browser_key(request), answer=answer
        )
        return_url = attempt.redirect_target
        code = consent.read_answer(attempt=attempt, answer=answer)
        return _connect(request, attempt, code)
    except ConnectError as error:
        return fail(request, error.code, error.detail, return_url=return_url)
    except ConfigurationError as error:
        return fail(request, "not_configured", str(error), return_url=return_url)


def _connect(request: HttpRequest, attempt: OAuthAttempt, code: str) -> HttpResponse:
    """Connect at once where there is one account; otherwise let the person look at it first."""
    grant = redeem_code(code=code, login=attempt.login)
    if review_grant(user=attempt.user, grant=grant).needs_answer:
        kept = keep_grant(attempt=attempt, grant=grant)
        return redirect("social_integrations:oauth-choose", key=kept.pk)
    connected = connect_accounts(user=attempt.user, grant=grant)
    return show_result(request, connected, attempt.redirect_target)


@require_GET
@private_page()
def result(request: HttpRequest) -> HttpResponse:
    """Show the latest result of this browser; loading it again changes nothing."""
    latest = request.session.get(RESULT_KEY)
    if not latest and not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if not latest:
        return problem_page(request, "no_result")
    context: dict[str, Any] = {
        **latest,
        "pages": describe_pages(latest),
        "missing": [explain_permission(scope) for scope in latest["missing_scopes"]],
        "receiving": any(account["subscribed"] for account in latest["accounts"]),
        "done_url": resolve_url(settings.LOGIN_REDIRECT_URL),
    }
    return render(request, "social_integrations/connect/result.html", context)


def _take_query(request: HttpRequest) -> QueryDict:
    """Return the query and take it off the request: error reports would show code and state."""
    given, request.GET = request.GET, QueryDict()
    request.META["QUERY_STRING"] = ""
    return given


def _single_values(given: QueryDict) -> dict[str, str]:
    """Return the query; two values of one name could mean different things to two readers."""
    if any(len(values) > 1 for _, values in given.lists()):
        raise ConnectError("duplicate_parameters")
    return {name: str(value) for name, value in given.items()}
