"""Safe unless somebody says otherwise: headers, cookies, defaults; every variable documented."""

import ast
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client

from scripts.run_lint import PRODUCTION

ROOT = Path(django_settings.BASE_DIR)
DOCUMENTED_SETTINGS = ROOT / "docs" / "settings.md"
READERS = {"text", "flag", "number", "words"}
PUBLIC_PAGES = [
    "/",
    "/login/",
    "/admin/login/",
    "/legal/privacy/",
    "/legal/terms/",
    "/legal/data-deletion/",
    "/no-such-page/",
    "/health/live/",
    "/api/social/instagram/connection/status/",
]
HANDLER = re.compile(r"<[^>]*\s(on\w+|style)\s*=", re.IGNORECASE)
INLINE = re.compile(r"<style|<script(?![^>]*\bsrc=)(?![^>]*application/json)", re.IGNORECASE)


@pytest.mark.django_db
class TestHeaders:
    @pytest.mark.parametrize("path", PUBLIC_PAGES)
    def test_every_public_page_is_protected(self, client: Client, path: str) -> None:
        response = client.get(path)
        policy = parse_policy(response["Content-Security-Policy"])
        assert policy["default-src"] == policy["object-src"] == policy["base-uri"] == ["'none'"]
        assert policy["frame-ancestors"] == ["'none'"]
        assert policy["script-src"] == policy["style-src"] == ["'self'"]
        assert "unsafe" not in str(policy)
        assert "*" not in str(policy)
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["X-Frame-Options"] == "DENY"
        assert response["Referrer-Policy"] == "same-origin"
        assert response["Cross-Origin-Opener-Policy"] == "same-origin"

    @pytest.mark.parametrize("path", PUBLIC_PAGES)
    def test_no_page_needs_what_the_policy_forbids(self, client: Client, path: str) -> None:
        page = client.get(path).content.decode()
        assert not HANDLER.search(page)
        assert not INLINE.search(page)
        sources = re.findall(r'(?:src|<link[^>]*href)="([^"]+)"', page)
        assert all(source.startswith("/") and source[1] != "/" for source in sources)

    def test_signing_in_may_end_at_metas_dialog(self, client: Client) -> None:
        policy = parse_policy(client.get("/login/")["Content-Security-Policy"])
        assert policy["form-action"] == [
            "'self'",
            "https://www.facebook.com",
            "https://www.instagram.com",
        ]


def parse_policy(header: str) -> dict[str, list[str]]:
    directives = (directive.split() for directive in header.split(";"))
    return {name: values for name, *values in directives}


@cache
def example_variables() -> tuple[str, ...]:
    text = (ROOT / ".env.example").read_text()
    return tuple(re.findall(r"^([A-Z][A-Z0-9_]*)=", text, re.MULTILINE))


def python(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a production set-up; a `.env` file of this checkout has no say."""
    nothing = dict.fromkeys(example_variables(), "")
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **nothing, **changes},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


SHOW = """
import json
from amanati_crm import settings
shown = {name: getattr(settings, name, None) for name in dir(settings) if name.isupper()}
print(json.dumps(shown, default=str))
"""


def settings_for(**changes: str) -> dict[str, Any]:
    done = python("-c", SHOW, **changes)
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


@pytest.fixture(scope="module")
def production() -> dict[str, Any]:
    return settings_for(**PRODUCTION)


class TestProduction:
    def test_djangos_deployment_checks_find_nothing(self) -> None:
        done = python("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
        assert done.returncode == 0, done.stderr
        assert "no issues" in done.stdout

    def test_it_is_safe_unless_somebody_says_otherwise(self, production: dict[str, Any]) -> None:
        assert production["DEBUG"] is False
        assert production["ALLOW_PLAIN_HTTP"] is False
        assert production["SECURE_SSL_REDIRECT"] is True
        assert production["SECURE_HSTS_SECONDS"] >= 31_536_000
        assert "SECURE_PROXY_SSL_HEADER" not in production
        assert production["REST_FRAMEWORK"]["NUM_PROXIES"] == 0
        assert production["ALLOWED_HOSTS"] == ["crm.operator.org"]

    @pytest.mark.parametrize("kind", ["SESSION", "CSRF"])
    def test_cookies_are_for_https_and_not_for_scripts(
        self, production: dict[str, Any], kind: str
    ) -> None:
        assert production[f"{kind}_COOKIE_SECURE"] is True
        assert production[f"{kind}_COOKIE_HTTPONLY"] is True
        assert production[f"{kind}_COOKIE_SAMESITE"] == "Lax"

    def test_no_secret_has_a_default(self) -> None:
        bare = settings_for()
        assert bare["DEBUG"] is False
        assert bare["SECRET_KEY"] == bare["SIMPLE_JWT"]["SIGNING_KEY"] == ""
        assert bare["INSTAGRAM_APP_ID"] == bare["INSTAGRAM_REDIRECT_URI"] == ""
        for name in ("APP_SECRET", "WEBHOOK_VERIFY_TOKEN", "TOKEN_ENCRYPTION_KEYS"):
            assert bare[f"INSTAGRAM_{name}"] == []
        assert "*" not in bare["ALLOWED_HOSTS"]

    def test_without_a_secret_key_nothing_starts(self) -> None:
        done = python("manage.py", "check", **PRODUCTION | {"SECRET_KEY": ""})
        assert done.returncode != 0
        assert "SECRET_KEY" in done.stderr

    def test_switches_for_a_laptop_and_for_proxies_work(self) -> None:
        shown = settings_for(
            **PRODUCTION
            | {
                "ALLOW_PLAIN_HTTP": "yes",
                "TRUST_X_FORWARDED_PROTO": "1",
                "NUM_PROXIES": "2",
                "INSTAGRAM_APP_SECRET": "new-secret, old-secret",
                "DATABASE_URL": "postgres://u:p@db.operator.org:5432/crm",
                "DATABASE_PREPARED_STATEMENTS": "false",
                "JWT_SIGNING_KEY": "of its own",
            }
        )
        assert shown["SESSION_COOKIE_SECURE"] is shown["CSRF_COOKIE_SECURE"] is False
        assert shown["SECURE_SSL_REDIRECT"] is False
        assert shown["SECURE_HSTS_SECONDS"] == 0
        assert shown["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]
        assert shown["REST_FRAMEWORK"]["NUM_PROXIES"] == 2
        assert shown["INSTAGRAM_APP_SECRET"] == ["new-secret", "old-secret"]
        assert shown["SIMPLE_JWT"]["SIGNING_KEY"] == "of its own"
        database = shown["DATABASES"]["default"]
        assert database["HOST"] == "db.operator.org"
        assert database["OPTIONS"]["prepare_threshold"] is None
        assert database["CONN_MAX_AGE"] == 600

    def test_a_form_may_end_on_a_frontends_page(self) -> None:
        pages = "https://app.operator.org/social/,https://crm.operator.org/x/"
        shown = settings_for(**PRODUCTION | {"INSTAGRAM_CONNECT_RETURN_URLS": pages})
        allowed = shown["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]["form-action"]
        assert allowed[-2:] == ["https://app.operator.org", "https://crm.operator.org"]

    def test_a_mistyped_switch_stops_the_start_instead_of_meaning_no(self) -> None:
        done = python("-c", "import amanati_crm.settings", **PRODUCTION | {"DEBUG": "perhaps"})
        assert done.returncode != 0
        assert "DEBUG must be true or false" in done.stderr


def variables_read() -> set[str]:
    """The names settings.py asks the environment for."""
    tree = ast.parse((ROOT / "amanati_crm" / "settings.py").read_text())
    return {
        argument.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in READERS
        and ast.unparse(node.func.value) == "env"
        and isinstance(argument := node.args[0], ast.Constant)
        and isinstance(argument.value, str)
    }


class TestDocumentation:
    def test_the_example_lists_every_variable_once_and_nothing_else(self) -> None:
        assert sorted(example_variables()) == sorted(variables_read())

    def test_every_variable_of_the_example_is_explained(self) -> None:
        commented = False
        for line in (ROOT / ".env.example").read_text().splitlines():
            name = line.partition("=")[0]
            # One comment may stand above several lines that belong together.
            assert not line or line.startswith("#") or commented, name
            commented = bool(line)

    def test_the_example_holds_no_secret(self) -> None:
        text = (ROOT / ".env.example").read_text()
        for name in ("SECRET_KEY", "JWT_SIGNING_KEY", "INSTAGRAM_TOKEN_ENCRYPTION_KEYS"):
            assert re.search(rf"^{name}=$", text, re.MULTILINE)

    def test_the_environment_is_read_in_one_place(self) -> None:
        readers = [
            path.name
            for top in ("amanati_crm", "legal", "social_integrations")
            for path in (ROOT / top).rglob("*.py")
            if "tests" not in path.parts and path.name != "settings_test.py"
            if re.search(
                r"os\.environ\b(?!\.setdefault\(\"DJANGO)|decouple import|getenv", path.read_text()
            )
        ]
        assert readers == ["env.py"]

    @pytest.mark.skipif(not DOCUMENTED_SETTINGS.exists(), reason="docs/settings.md is not there")
    def test_every_setting_of_the_app_is_documented(self) -> None:
        source = (ROOT / "social_integrations" / "conf.py").read_text()
        names = re.findall(r'self\._(?:get|list|url|path)\(\s*"([A-Z_]+)"', source)
        assert len(names) > 15
        text = DOCUMENTED_SETTINGS.read_text()
        missing = [name for name in names if not re.search(rf"\bINSTAGRAM_{name}\b", text)]
        assert missing == []
