"""Connecting an Instagram account in the browser: to Meta, back, and what came of it."""

from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from social_integrations.conf import app_settings
from social_integrations.exceptions import ConfigurationError, ConnectError
from social_integrations.services.connect_problems import PAGE_PROBLEMS, describe_problem
from social_integrations.services.connecting import ConnectResult, connect_accounts
from social_integrations.services.consent import finish_consent, start_consent
from social_integrations.services.oauth_state import new_browser_key

View = Callable[[HttpRequest], HttpResponse]

BROWSER_KEY = "social_integrations_browser"
RESULT_KEY = "social_integrations_result"
LOOPBACK_NAMES = {"localhost", "127.0.0.1", "[::1]"}


def private_page(view: View) -> View:
    """Keep a page out of every cache, and its address, which holds a code, out of Referer."""

    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        response = view(request)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return never_cache(wrapped)


@require_GET
@private_page
def start(request: HttpRequest) -> HttpResponse:
    """Send a signed-in person with the permission to Meta's consent dialog."""
    if elsewhere := _same_page_on_the_callbacks_host(request):
        return HttpResponseRedirect(elsewhere)
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    browser_key = request.session.setdefault(BROWSER_KEY, new_browser_key())
    try:
        return HttpResponseRedirect(start_consent(user=request.user, browser_key=browser_key))
    except ConnectError as error:
        return _problem_page(request, error.code, error.detail)


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
@private_page
@transaction.non_atomic_requests
def callback(request: HttpRequest) -> HttpResponse:
    """Finish what Meta's dialog began, and say in words what came of it."""
    given = _take_query(request)
    if not request.user.is_authenticated:
        return _problem_page(request, "signed_out")
    try:
        code = finish_consent(
            user=request.user,
            browser_key=request.session.get(BROWSER_KEY, ""),
            answer=_single_values(given),
        )
        connected = connect_accounts(user=request.user, code=code)
    except ConnectError as error:
        return _failed(request, error.code, error.detail)
    except ConfigurationError as error:
        return _failed(request, "not_configured", str(error))
    if connected.problem:
        return _failed(request, connected.problem, pages=_pages(asdict(connected)))
    return _succeeded(request, connected)


@require_GET
@private_page
def result(request: HttpRequest) -> HttpResponse:
    """Show the latest result of this browser; loading it again changes nothing."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    latest = request.session.get(RESULT_KEY)
    if not latest:
        return _problem_page(request, "no_result")
    context = {
        **latest,
        "pages": _pages(latest),
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


def _succeeded(request: HttpRequest, connected: ConnectResult) -> HttpResponse:
    request.session[RESULT_KEY] = asdict(connected)
    if app_settings.CONNECT_RETURN_URL:
        return HttpResponseRedirect(_return_url(instagram="connected"))
    return redirect("social_integrations:oauth-result")


def _failed(
    request: HttpRequest, code: str, detail: str = "", pages: list[dict[str, str]] | None = None
) -> HttpResponse:
    if app_settings.CONNECT_RETURN_URL:
        return HttpResponseRedirect(_return_url(instagram_error=code))
    return _problem_page(request, code, detail, pages)


def _problem_page(
    request: HttpRequest, code: str, detail: str = "", pages: list[dict[str, str]] | None = None
) -> HttpResponse:
    problem = describe_problem(code, detail)
    context = {"code": code, "problem": problem, "pages": pages or []}
    template = "social_integrations/connect/problem.html"
    return render(request, template, context, status=problem.status)


def _pages(connected: dict[str, Any]) -> list[dict[str, str]]:
    """Return the Pages that were left alone, with the words for each."""
    return [
        {"name": page["page_name"], **asdict(PAGE_PROBLEMS[page["code"]])}
        for page in connected["unusable"]
        if page["code"] in PAGE_PROBLEMS
    ]


def _return_url(**extra: str) -> str:
    """Return the configured frontend address with our answer added to its query."""
    parts = urlsplit(app_settings.CONNECT_RETURN_URL)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *extra.items()])
    return urlunsplit(parts._replace(query=query))
