"""The addresses of the README."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/social/instagram/", include("social_integrations.urls")),
    path("api/auth/", include("social_integrations.api.auth_urls")),
    path("inbox/", include("social_integrations.inbox_urls")),
]
