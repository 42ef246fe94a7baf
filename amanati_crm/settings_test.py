"""Settings of the test suite: fixed secrets, quick hashing, `TEST_DATABASE_URL` or SQLite."""

import os
from pathlib import Path

from cryptography.fernet import Fernet

os.environ.update(
    SECRET_KEY="test-" + "s" * 60,
    DATABASE_URL=os.environ.get("TEST_DATABASE_URL") or "sqlite:///.artifacts/tests.sqlite3",
    ALLOW_PLAIN_HTTP="true",
    DEBUG="false",
    INSTAGRAM_APP_ID="700000000000001",
    INSTAGRAM_APP_SECRET="test-app-secret-0123456789abcdef",
    INSTAGRAM_WEBHOOK_VERIFY_TOKEN="test-verify-token-0123456789abcdefgh",
    INSTAGRAM_REDIRECT_URI="https://testserver/api/social/instagram/oauth/callback/",
    INSTAGRAM_TOKEN_ENCRYPTION_KEYS=Fernet.generate_key().decode(),
    JWT_SIGNING_KEY="test-jwt-" + "k" * 40,
    LEGAL_OPERATOR_NAME="Test Operator Ltd",
    LEGAL_OPERATOR_ADDRESS="1 Test Street, Testville",
    LEGAL_CONTACT_EMAIL="privacy@operator.org",
    LEGAL_EFFECTIVE_DATE="2026-11-23",
)

from amanati_crm.settings import *  # noqa: F403

ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Every client of a test would read all of it again, where a demo or a deployment collected it.
STATIC_ROOT = str(BASE_DIR / ".artifacts" / "no-static-files")  # noqa: F405
# Tests that look at accounts say so.
INSTAGRAM_WATCH_SECONDS = 0
# A file, not memory: threads of one test get connections of their own, as in production.
(BASE_DIR / ".artifacts").mkdir(exist_ok=True)  # noqa: F405
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    _file = "test_" + Path(DATABASES["default"]["NAME"]).name  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": str(BASE_DIR / ".artifacts" / _file)}  # noqa: F405
