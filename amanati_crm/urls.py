"""The project's addresses."""

from csp.decorators import csp_update
from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path

from social_integrations.api.docs import docs, schema

from . import views

urlpatterns = [
    path("", views.HomeView.as_view(), name="home"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("login/", auth_views.LoginView.as_view(), name="login"),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("api/social/instagram/", include("social_integrations.urls")),
    path("api/auth/", include("social_integrations.api.auth_urls")),
    path("inbox/", include("social_integrations.inbox_urls")),
    path("api/schema/", schema, name="api-schema"),
    # Its icons are data: images inside our own stylesheet.
    path("api/docs/", csp_update({"img-src": ["data:"]})(docs), name="api-docs"),
    path("legal/", include("legal.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("health/live/", views.live, name="health-live"),
    path("health/ready/", views.ready, name="health-ready"),
]

handler400 = views.bad_request
handler403 = views.permission_denied
handler404 = views.page_not_found
handler500 = views.server_error
