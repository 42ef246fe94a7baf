"""What changed since a page was loaded, as pieces of the page to put in place."""

from django.http import HttpRequest, HttpResponse

from .guard import inbox_view


@inbox_view("GET")
def updates(request: HttpRequest) -> HttpResponse:
    """Answer 204."""
    return HttpResponse(status=204)
