"""What `startproject` writes and the README adds, with a database in memory."""

from cryptography.fernet import Fernet

SECRET_KEY = "guest-" + "g" * 60
USE_TZ = True
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "social_integrations.tests.guest.urls"
STATIC_URL = "static/"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
AUTH_USER_MODEL = "guest.Person"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "social_integrations.tests.guest",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "django_htmx",
    "drf_spectacular_sidecar",
    "social_integrations",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "social_integrations.api.schema.OurSchema"}
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "instagram_inbox:list"

INSTAGRAM_APP_ID = "700000000000001"
INSTAGRAM_APP_SECRET = "guest-app-secret-0123456789abcdef"
INSTAGRAM_WEBHOOK_VERIFY_TOKEN = "guest-verify-token-0123456789abcdefgh"
INSTAGRAM_REDIRECT_URI = "https://guest.example/api/social/instagram/oauth/callback/"
INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
