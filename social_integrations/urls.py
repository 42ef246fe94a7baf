"""The app's addresses; include them under `/api/social/instagram/`."""

from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt

from .api.connect import ConnectLinkView
from .api.views import ConnectionStatusView
from .views.choose import choose
from .views.connect import callback, open_link, result, start
from .views.webhook import webhook

app_name = "social_integrations"

make_link = ConnectLinkView.as_view()


@csrf_exempt  # POST knows no cookies, only a token
def start_door(request: HttpRequest) -> HttpResponseBase:
    """Start connecting: GET in a signed-in browser, POST with a frontend's token."""
    return make_link(request) if request.method == "POST" else start(request)


webhook_urlpatterns: list[URLPattern] = [path("webhook/", webhook, name="webhook")]

connect_urlpatterns: list[URLPattern] = [
    path("oauth/start/", start_door, name="oauth-start"),
    path("oauth/open/", open_link, name="oauth-open"),
    path("oauth/callback/", callback, name="oauth-callback"),
    path("oauth/choose/<int:key>/", choose, name="oauth-choose"),
    path("oauth/result/", result, name="oauth-result"),
]

api_urlpatterns: list[URLPattern] = [
    path("connection/status/", ConnectionStatusView.as_view(), name="connection-status"),
]

urlpatterns = webhook_urlpatterns + connect_urlpatterns + api_urlpatterns
