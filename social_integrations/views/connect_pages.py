"""What the pages around connecting share: privacy, the browser's key, and how they end."""

from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from social_integrations.conf import app_settings
from social_integrations.services.connect_problems import describe_problem
from social_integrations.services.connecting import ConnectResult
from social_integrations.services.page_problems import PAGE_PROBLEMS

View: TypeAlias = Callable[..., HttpResponse]
Words: TypeAlias = dict[str, str]

BROWSER_KEY = "social_integrations_browser"
RESULT_KEY = "social_integrations_result"


def private_page(policy: str = "no-referrer") -> Callable[[View], View]:
    """Keep a page out of every cache, and its address, which may hold a code, out of Referer.

    A page with a form needs `same-origin`: browsers send `Origin: null` with it otherwise.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, **arguments: Any) -> HttpResponse:
            response = view(request, **arguments)
            response.headers["Referrer-Policy"] = policy
            return response

        return never_cache(wrapped)

    return decorate


def known_browser_key(request: HttpRequest) -> str:
    """Return this browser's key; empty where it has none."""
    return str(request.session.get(BROWSER_KEY, ""))


def keep_browser_key(request: HttpRequest, key: str) -> None:
    """Keep the key a consent was bound to in the browser's session."""
    if known_browser_key(request) != key:
        request.session[BROWSER_KEY] = key


def show_result(request: HttpRequest, connected: ConnectResult, return_url: str) -> HttpResponse:
    """End with what came of it, on the frontend's page or on ours."""
    if connected.problem:
        pages = describe_pages(asdict(connected))
        return fail(request, connected.problem, return_url=return_url, pages=pages)
    request.session[RESULT_KEY] = asdict(connected)
    if address := return_url or app_settings.CONNECT_RETURN_URL:
        return HttpResponseRedirect(_with_answer(address, instagram="connected"))
    return redirect("social_integrations:oauth-result")


def fail(
    request: HttpRequest,
    code: str,
    detail: str = "",
    *,
    return_url: str = "",
    pages: list[Words] | None = None,
) -> HttpResponse:
    """End with a problem, on the frontend's page or on ours."""
    if address := return_url or app_settings.CONNECT_RETURN_URL:
        return HttpResponseRedirect(_with_answer(address, instagram_error=code))
    return problem_page(request, code, detail, pages)


def problem_page(
    request: HttpRequest, code: str, detail: str = "", pages: list[Words] | None = None
) -> HttpResponse:
    """Show a problem on a page of ours."""
    problem = describe_problem(code, detail)
    context = {"code": code, "problem": problem, "pages": pages or []}
    template = "social_integrations/connect/problem.html"
    return render(request, template, context, status=problem.status)


def describe_pages(connected: dict[str, Any]) -> list[Words]:
    """Return the Pages that were left alone, with the words for each."""
    return [
        {"name": page["page_name"], **asdict(PAGE_PROBLEMS[page["code"]])}
        for page in connected["unusable"]
        if page["code"] in PAGE_PROBLEMS
    ]


def _with_answer(address: str, **extra: str) -> str:
    """Return a frontend's address with our answer added to its query."""
    parts = urlsplit(address)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *extra.items()])
    return urlunsplit(parts._replace(query=query))
