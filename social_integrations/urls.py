"""The app's addresses; include them under `/api/social/instagram/`."""

from django.urls import URLPattern, path

from .api.accounts import AccountDisconnectView, AccountListView, AccountView
from .api.views import ConnectionStatusView
from .views.connect import callback, result, start
from .views.webhook import webhook

app_name = "social_integrations"

webhook_urlpatterns: list[URLPattern] = [path("webhook/", webhook, name="webhook")]

connect_urlpatterns: list[URLPattern] = [
    path("oauth/start/", start, name="oauth-start"),
    path("oauth/callback/", callback, name="oauth-callback"),
    path("oauth/result/", result, name="oauth-result"),
]

api_urlpatterns: list[URLPattern] = [
    path("connection/status/", ConnectionStatusView.as_view(), name="connection-status"),
    path("accounts/", AccountListView.as_view(), name="accounts"),
    path("accounts/<int:pk>/", AccountView.as_view(), name="account"),
    path(
        "accounts/<int:pk>/disconnect/",
        AccountDisconnectView.as_view(),
        name="account-disconnect",
    ),
]

urlpatterns = webhook_urlpatterns + connect_urlpatterns + api_urlpatterns
