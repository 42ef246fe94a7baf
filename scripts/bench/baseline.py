"""L2, what we measure against: a bare Django view, the signature checked, one raw row inserted.

A project as `startproject` makes it (its middleware included) with one view and one table.
"""

import hashlib
import hmac
import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

if not settings.configured:
    settings.configure(
        SECRET_KEY=os.environ["SECRET_KEY"],
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        DATA_UPLOAD_MAX_MEMORY_SIZE=16 * 1024 * 1024,
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "CONN_MAX_AGE": 600,
                "NAME": os.environ["BENCH_DATABASE"],
                "USER": os.environ["BENCH_USER"],
                "HOST": os.environ["BENCH_HOST"],
                "PORT": os.environ["BENCH_PORT"],
            }
        },
    )
    django.setup()

SECRET = os.environ["INSTAGRAM_APP_SECRET"].encode()


@csrf_exempt
def receive(request: HttpRequest) -> HttpResponse:
    """Check the signature, insert the body, answer."""
    body = request.body
    expected = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(request.headers.get("X-Hub-Signature-256", ""), expected):
        return HttpResponse(status=403)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO raw_delivery (body) VALUES (%s)", [body.decode()])
    return HttpResponse("EVENT_RECEIVED")


urlpatterns = [path("api/social/instagram/webhook/", receive)]
application = get_wsgi_application()
