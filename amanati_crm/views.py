"""The front page, the health answers, and the errors Django answers by itself."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.templatetags.static import static
from django.views import defaults
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.generic import TemplateView
from rest_framework import exceptions

from social_integrations.api.errors import answer_without_view


class HomeView(TemplateView):
    """The front page: where to go."""

    template_name = "home.html"


@require_safe
def favicon(_request: HttpRequest) -> HttpResponseRedirect:
    """Lead browsers to the icon wherever a page, like the admin's, does not name one."""
    return HttpResponseRedirect(static("amanati_crm/favicon.svg"))


@require_safe
@never_cache
def live(_request: HttpRequest) -> JsonResponse:
    """Say that the process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(_request: HttpRequest) -> JsonResponse:
    """Say whether the database answers: 200, or 503 with Retry-After."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse(
            {"status": "unavailable", "database": "unreachable"},
            status=503,
            headers={"Retry-After": "5"},
        )
    return JsonResponse({"status": "ok", "database": "ok"})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400 to what no view could be asked for."""
    if _asks_the_api(request):
        return answer_without_view(exceptions.ParseError)
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403."""
    if _asks_the_api(request):
        return answer_without_view(exceptions.PermissionDenied)
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404."""
    if _asks_the_api(request):
        return answer_without_view(exceptions.NotFound)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500, and nothing about what went wrong."""
    if _asks_the_api(request):
        return answer_without_view(exceptions.APIException)
    return defaults.server_error(request)


def _asks_the_api(request: HttpRequest) -> bool:
    """Return whether a program calls the API; some addresses below it are pages for people."""
    is_below = request.path_info.startswith("/api/")
    return is_below and "text/html" not in request.headers.get("Accept", "")
