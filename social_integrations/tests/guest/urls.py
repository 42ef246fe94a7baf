"""The addresses of the README and of docs/api.md."""

from django.contrib import admin
from django.urls import include, path

from social_integrations.api.docs import docs, schema

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/social/instagram/", include("social_integrations.urls")),
    path("api/auth/", include("social_integrations.api.auth_urls")),
    path("inbox/", include("social_integrations.inbox_urls")),
    path("api/schema/", schema, name="api-schema"),
    path("api/docs/", docs, name="api-docs"),
]
