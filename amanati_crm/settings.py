"""Settings of the demo CRM, read from the environment or a `.env` file.

Every variable is explained in `.env.example`; what the Instagram app reads is listed in
`docs/settings.md`. DEBUG is off and cookies need HTTPS unless the environment says otherwise.
"""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from whitenoise.compress import Compressor

import social_integrations
from amanati_crm import env

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Core ---------------------------------------------------------------------------------------

SECRET_KEY = env.text("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
DEBUG = env.flag("DEBUG", default=False)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
ROOT_URLCONF = "amanati_crm.urls"
WSGI_APPLICATION = "amanati_crm.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "amanati_crm",
    "social_integrations",
    "legal",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "amanati_crm.middleware.WebhookFirstMiddleware",
    "amanati_crm.middleware.PollFirstMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "amanati_crm.middleware.OddInputMiddleware",
    "amanati_crm.middleware.DatabaseRecoveryMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database -----------------------------------------------------------------------------------

# How long a statement waits for a lock on PostgreSQL; 0 leaves it to the server (and to poolers
# that refuse start-up options).
LOCK_TIMEOUT_MS = env.number("DATABASE_LOCK_TIMEOUT_MS", 2000)
DATABASES = {
    "default": dj_database_url.parse(
        env.text("DATABASE_URL", f"sqlite:///{BASE_DIR / 'db.sqlite3'}"),
        # Connecting for every request costs a factor of ten; a broken connection is noticed and
        # replaced by DatabaseRecoveryMiddleware and by the webhook's own retry instead of by a
        # `SELECT 1` before every delivery.
        conn_max_age=env.number("DATABASE_CONN_MAX_AGE", 600),
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 4,  # seconds to wait for another writer; Meta waits five for an answer
        # FULL: a delivery we answered with 200 survives a power cut, not only a crash.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
elif DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        connect_timeout=2,
        # Where packets are swallowed the connection breaks after four seconds: Meta waits five.
        tcp_user_timeout=4000,  # milliseconds; the next two are seconds
        keepalives_idle=3,
        keepalives_interval=1,
        options=f"-c lock_timeout={LOCK_TIMEOUT_MS}" if LOCK_TIMEOUT_MS else "",
        # Spares PostgreSQL from scanning a whole delivery as part of the statement's text.
        server_side_binding=True,
        # Some transaction-mode poolers cannot keep prepared statements: an option, not a must.
        prepare_threshold=5 if env.flag("DATABASE_PREPARED_STATEMENTS", default=True) else None,
    )

# --- Sign-in and API ----------------------------------------------------------------------------

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["social_integrations.api.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["social_integrations.api.parsers.StrictJSONParser"],
    "EXCEPTION_HANDLER": "social_integrations.api.errors.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "social_integrations.api.schema.OurSchema",
    "DEFAULT_THROTTLE_RATES": {
        "token": env.text("TOKEN_THROTTLE_RATE", "20/min"),
        # Of each person.
        "instagram_read": env.text("API_READ_RATE", "600/min"),
        "instagram_write": env.text("API_WRITE_RATE", "240/min"),
        "instagram_send": env.text("API_SEND_RATE", "60/min"),
        "instagram_upload": env.text("API_UPLOAD_RATE", "60/min"),
    },
    # How many proxies of ours stand in front; client addresses are taken that many hops from the
    # right of X-Forwarded-For. 0 ignores the header, which anybody can write.
    "NUM_PROXIES": env.number("NUM_PROXIES", 0),
}
SPECTACULAR_SETTINGS = {
    "TITLE": "EchoDesk",
    "DESCRIPTION": "Instagram Direct in a CRM: read, answer, follow. See docs/api.md.",
    "VERSION": social_integrations.__version__,
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "MessageStatusEnum": "social_integrations.models.Message.Status",
        "ConversationStatusEnum": "social_integrations.models.Conversation.Status",
        "AccountStatusEnum": "social_integrations.models.ConnectedAccount.Status",
    },
}
SIMPLE_JWT = {
    "SIGNING_KEY": env.text("JWT_SIGNING_KEY") or SECRET_KEY,
    "ALGORITHM": "HS256",
    "ISSUER": "echodesk",
    "AUDIENCE": "echodesk-api",
    "LEEWAY": timedelta(seconds=10),
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "CHECK_REVOKE_TOKEN": True,
    "UPDATE_LAST_LOGIN": True,
}

# --- Web security -------------------------------------------------------------------------------

# For a laptop without HTTPS (the demo): cookies over HTTP, no redirect, no HSTS.
ALLOW_PLAIN_HTTP = env.flag("ALLOW_PLAIN_HTTP", default=DEBUG)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not ALLOW_PLAIN_HTTP
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
# Lax, not Strict: the browser must bring the session along when Meta sends it back to us.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=not ALLOW_PLAIN_HTTP)
SECURE_HSTS_SECONDS = 0 if ALLOW_PLAIN_HTTP else env.number("SECURE_HSTS_SECONDS", 31536000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not ALLOW_PLAIN_HTTP
SECURE_CONTENT_TYPE_NOSNIFF = True
# Not no-referrer: browsers then send forms with `Origin: null`, which Django refuses.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if env.flag("TRUST_X_FORWARDED_PROTO", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Instagram ----------------------------------------------------------------------------------

INSTAGRAM_APP_ID = env.text("INSTAGRAM_APP_ID")
INSTAGRAM_APP_SECRET = env.words("INSTAGRAM_APP_SECRET")
INSTAGRAM_WEBHOOK_VERIFY_TOKEN = env.words("INSTAGRAM_WEBHOOK_VERIFY_TOKEN")
INSTAGRAM_REDIRECT_URI = env.text("INSTAGRAM_REDIRECT_URI")
INSTAGRAM_PUBLIC_URL = env.text("INSTAGRAM_PUBLIC_URL")
INSTAGRAM_SCOPES = env.words(
    "INSTAGRAM_SCOPES",
    "instagram_basic,instagram_manage_messages,pages_show_list,pages_read_engagement,"
    "pages_manage_metadata,business_management",
)
INSTAGRAM_TOKEN_ENCRYPTION_KEYS = env.words("INSTAGRAM_TOKEN_ENCRYPTION_KEYS")
INSTAGRAM_GRAPH_VERSION = env.text("INSTAGRAM_GRAPH_VERSION", "v26.0")
INSTAGRAM_FACEBOOK_GRAPH_URL = env.text(
    "INSTAGRAM_FACEBOOK_GRAPH_URL", "https://graph.facebook.com"
)
INSTAGRAM_FACEBOOK_DIALOG_URL = env.text(
    "INSTAGRAM_FACEBOOK_DIALOG_URL", "https://www.facebook.com"
)
INSTAGRAM_FACEBOOK_DIALOG_PATH = env.text("INSTAGRAM_FACEBOOK_DIALOG_PATH", "dialog/oauth")
INSTAGRAM_FACEBOOK_TOKEN_PATH = env.text("INSTAGRAM_FACEBOOK_TOKEN_PATH", "oauth/access_token")
INSTAGRAM_FACEBOOK_CONFIG_ID = env.text("INSTAGRAM_FACEBOOK_CONFIG_ID")
INSTAGRAM_LOGIN_APP_ID = env.text("INSTAGRAM_LOGIN_APP_ID")
INSTAGRAM_LOGIN_APP_SECRET = env.words("INSTAGRAM_LOGIN_APP_SECRET")
INSTAGRAM_LOGIN_SCOPES = env.words(
    "INSTAGRAM_LOGIN_SCOPES", "instagram_business_basic,instagram_business_manage_messages"
)
INSTAGRAM_LOGIN_SUBSCRIBED_FIELDS = env.words(
    "INSTAGRAM_LOGIN_SUBSCRIBED_FIELDS",
    "messages,messaging_postbacks,message_reactions,message_edit,messaging_seen,"
    "messaging_referral,messaging_handover,standby",
)
INSTAGRAM_LOGIN_GRAPH_VERSION = env.text("INSTAGRAM_LOGIN_GRAPH_VERSION")
INSTAGRAM_LOGIN_GRAPH_URL = env.text("INSTAGRAM_LOGIN_GRAPH_URL", "https://graph.instagram.com")
INSTAGRAM_LOGIN_TOKEN_URL = env.text("INSTAGRAM_LOGIN_TOKEN_URL", "https://api.instagram.com")
INSTAGRAM_LOGIN_DIALOG_URL = env.text("INSTAGRAM_LOGIN_DIALOG_URL", "https://www.instagram.com")
INSTAGRAM_LOGIN_DIALOG_PATH = env.text("INSTAGRAM_LOGIN_DIALOG_PATH", "oauth/authorize")
INSTAGRAM_LOGIN_DIALOG_SWITCHES = env.words(
    "INSTAGRAM_LOGIN_DIALOG_SWITCHES", "force_reauth=true,enable_fb_login=false"
)
INSTAGRAM_LOGIN_TOKEN_PATH = env.text("INSTAGRAM_LOGIN_TOKEN_PATH", "oauth/access_token")
INSTAGRAM_LOGIN_EXTEND_PATH = env.text("INSTAGRAM_LOGIN_EXTEND_PATH", "access_token")
INSTAGRAM_WEBHOOK_REFUSED_RATE = env.text("INSTAGRAM_WEBHOOK_REFUSED_RATE", "300/min")
INSTAGRAM_LEDGER_DAYS = env.number("INSTAGRAM_LEDGER_DAYS", 30)
INSTAGRAM_WATCH_SECONDS = env.number("INSTAGRAM_WATCH_SECONDS", 30)
INSTAGRAM_WARN_EMAILS = env.words("INSTAGRAM_WARN_EMAILS")
INSTAGRAM_CONNECT_RETURN_URL = env.text("INSTAGRAM_CONNECT_RETURN_URL")
INSTAGRAM_CONNECT_RETURN_URLS = env.words("INSTAGRAM_CONNECT_RETURN_URLS")
INSTAGRAM_HUMAN_AGENT = env.flag("INSTAGRAM_HUMAN_AGENT", default=False)
INSTAGRAM_CONTACT_RESOLVER = env.text("INSTAGRAM_CONTACT_RESOLVER")
INSTAGRAM_INBOX_SSE = env.flag("INSTAGRAM_INBOX_SSE", default=False)
INSTAGRAM_ARCHIVE_MEDIA = env.flag("INSTAGRAM_ARCHIVE_MEDIA", default=False)
INSTAGRAM_MEDIA_HOSTS = env.words(
    "INSTAGRAM_MEDIA_HOSTS", "lookaside.fbsbx.com,*.fbcdn.net,*.cdninstagram.com,*.fbsbx.com"
)
INSTAGRAM_MEDIA_MAX_BYTES = env.number("INSTAGRAM_MEDIA_MAX_BYTES", 25 * 1024 * 1024)

# --- E-mail -------------------------------------------------------------------------------------

EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.number("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=False)
EMAIL_TIMEOUT = 10  # seconds; a silent mail server must not hold up a worker
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "webmaster@localhost")

# --- Legal pages --------------------------------------------------------------------------------

LEGAL_OPERATOR_NAME = env.text("LEGAL_OPERATOR_NAME")
LEGAL_OPERATOR_ADDRESS = env.text("LEGAL_OPERATOR_ADDRESS")
LEGAL_CONTACT_EMAIL = env.text("LEGAL_CONTACT_EMAIL")
LEGAL_EFFECTIVE_DATE = env.text("LEGAL_EFFECTIVE_DATE")

# --- Content security policy --------------------------------------------------------------------

# Browsers apply form-action to the redirects after a form as well: signing in on the way to
# "connect" ends at Meta's dialog, and choosing accounts on the frontend's page.
_after_forms = [
    f"{address.scheme}://{address.netloc}"
    for address in map(
        urlsplit,
        [
            INSTAGRAM_FACEBOOK_DIALOG_URL,
            INSTAGRAM_LOGIN_DIALOG_URL,
            INSTAGRAM_CONNECT_RETURN_URL,
            *INSTAGRAM_CONNECT_RETURN_URLS,
        ],
    )
    if address.netloc
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "media-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF, *dict.fromkeys(_after_forms)],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Static files, cache, language, logs --------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = env.text("STATIC_ROOT", str(BASE_DIR / "staticfiles"))
# Copies of media, where they are kept at all; served by the app's own door only, never as files.
MEDIA_ROOT = env.text("MEDIA_ROOT", str(BASE_DIR / "media"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Source maps are read by developers only; compressing them took as long as all the rest.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")
CACHES = {
    "default": {
        # Holds throttle counters only. One process: local memory. Several: a shared cache.
        "BACKEND": env.text("CACHE_BACKEND", "django.core.cache.backends.locmem.LocMemCache"),
        "LOCATION": env.text("CACHE_LOCATION"),
    }
}
# Session storage: notices set no cookie of their own.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
LANGUAGE_CODE = "en"
# What the inbox is translated to; people choose on any page, else their browser does.
LANGUAGES = [("en", "English"), ("ka", "ქართული")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["amanati_crm.formats"]
LANGUAGE_COOKIE_SECURE = not ALLOW_PLAIN_HTTP
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "social_integrations.logs.RedactingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        },
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    # It warns whenever a request waits for a thread at all, which under load is always.
    "loggers": {"waitress.queue": {"level": "ERROR"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
}
