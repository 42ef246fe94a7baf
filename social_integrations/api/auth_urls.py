"""The token doors; include them under `/api/auth/`."""

from django.urls import URLPattern, path

from .views import TokenRefreshView, TokenView

urlpatterns: list[URLPattern] = [
    path("token/", TokenView.as_view(), name="token"),
    path("token/refresh/", TokenRefreshView.as_view(), name="token-refresh"),
]
