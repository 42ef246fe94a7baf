"""Settings: read when they are used, forgiving in form, safe when nobody set them."""

from typing import Any

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from social_integrations.conf import (
    DEFAULT_LOGIN_SCOPES,
    DEFAULT_LOGIN_SUBSCRIBED_FIELDS,
    DEFAULT_MEDIA_HOSTS,
    DEFAULT_SCOPES,
    DEFAULT_SUBSCRIBED_FIELDS,
    app_settings,
)
from social_integrations.media.fetching import DOWNLOAD_LIMITS

DEFAULTS: dict[str, Any] = {
    "APP_ID": "",
    "APP_SECRETS": (),
    "WEBHOOK_VERIFY_TOKENS": (),
    "REDIRECT_URI": "",
    "SCOPES": DEFAULT_SCOPES,
    "SUBSCRIBED_FIELDS": DEFAULT_SUBSCRIBED_FIELDS,
    "TOKEN_ENCRYPTION_KEYS": (),
    "GRAPH_VERSION": "v26.0",
    "FACEBOOK_GRAPH_URL": "https://graph.facebook.com",
    "FACEBOOK_DIALOG_URL": "https://www.facebook.com",
    "FACEBOOK_DIALOG_PATH": "dialog/oauth",
    "FACEBOOK_TOKEN_PATH": "oauth/access_token",
    "FACEBOOK_CONFIG_ID": "",
    "LOGIN_APP_ID": "",
    "LOGIN_APP_SECRETS": (),
    "ALL_APP_SECRETS": (),
    "LOGIN_SCOPES": DEFAULT_LOGIN_SCOPES,
    "LOGIN_SUBSCRIBED_FIELDS": DEFAULT_LOGIN_SUBSCRIBED_FIELDS,
    "LOGIN_GRAPH_VERSION": "v26.0",
    "LOGIN_GRAPH_URL": "https://graph.instagram.com",
    "LOGIN_TOKEN_URL": "https://api.instagram.com",
    "LOGIN_DIALOG_URL": "https://www.instagram.com",
    "LOGIN_DIALOG_PATH": "oauth/authorize",
    "LOGIN_DIALOG_SWITCHES": (("force_reauth", "true"), ("enable_fb_login", "false")),
    "LOGIN_TOKEN_PATH": "oauth/access_token",
    "LOGIN_EXTEND_PATH": "access_token",
    "CONNECT_RETURN_URLS": (),
    "GRAPH_TIMEOUT": (3.05, 10.0),
    "WEBHOOK_MAX_BYTES": 8 * 1024 * 1024,
    "WEBHOOK_REFUSED_RATE": "300/min",
    "CONNECT_RETURN_URL": "",
    "ACCESS_POLICY": "social_integrations.access.AccessPolicy",
    "APPLY_BATCH_SIZE": 500,
    "WORKER_POLL_SECONDS": 0.3,
    "JOB_MAX_ATTEMPTS": 8,
    "JOB_LEASE_SECONDS": 80,
    "HUMAN_AGENT": False,
    "UPLOAD_LINK_SECONDS": 3600,
    "ARCHIVE_MEDIA": False,
    "MEDIA_HOSTS": DEFAULT_MEDIA_HOSTS,
    "MEDIA_MAX_BYTES": 25 * 1024 * 1024,
}
LISTS = {
    "APP_SECRETS": "INSTAGRAM_APP_SECRET",
    "LOGIN_APP_SECRETS": "INSTAGRAM_LOGIN_APP_SECRET",
    "WEBHOOK_VERIFY_TOKENS": "INSTAGRAM_WEBHOOK_VERIFY_TOKEN",
    "TOKEN_ENCRYPTION_KEYS": "INSTAGRAM_TOKEN_ENCRYPTION_KEYS",
}


@pytest.fixture
def nothing_set(settings: Settings) -> None:
    for name in dir(django_settings):
        if name.startswith("INSTAGRAM_"):
            delattr(settings, name)


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.usefixtures("nothing_set")
def test_a_host_project_may_leave_it_out(name: str) -> None:
    assert getattr(app_settings, name) == DEFAULTS[name]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("one", ("one",)),
        (["one", "two"], ("one", "two")),
        (("one",), ("one",)),
        (["", "one", None], ("one",)),
        ("", ()),
        ([""], ()),
        (None, ()),
    ],
)
def test_secrets_are_a_text_or_a_list_and_nothing_is_no_secret(
    settings: Settings, name: str, value: Any, expected: tuple[str, ...]
) -> None:
    setattr(settings, LISTS[name], value)
    assert getattr(app_settings, name) == expected


def test_a_change_counts_at_once(settings: Settings) -> None:
    settings.INSTAGRAM_APP_ID = "1"
    assert app_settings.APP_ID == "1"
    settings.INSTAGRAM_APP_ID = 2
    assert app_settings.APP_ID == "2"


@pytest.mark.parametrize("name", ["FACEBOOK_GRAPH_URL", "FACEBOOK_DIALOG_URL"])
def test_a_slash_at_the_end_of_a_host_does_no_harm(settings: Settings, name: str) -> None:
    setattr(settings, f"INSTAGRAM_{name}", "http://127.0.0.1:9009/")
    assert getattr(app_settings, name) == "http://127.0.0.1:9009"


@pytest.mark.parametrize("rate", ["", "off"])
def test_the_limit_of_refusals_can_be_switched_off(settings: Settings, rate: str) -> None:
    settings.INSTAGRAM_WEBHOOK_REFUSED_RATE = rate
    assert app_settings.WEBHOOK_REFUSED_RATE is None


@pytest.mark.parametrize("given", ["true", "True", 1, "false", None, [True]])
def test_nothing_but_true_promises_metas_approval(settings: Settings, given: Any) -> None:
    settings.INSTAGRAM_HUMAN_AGENT = given
    assert app_settings.HUMAN_AGENT is False
    settings.INSTAGRAM_HUMAN_AGENT = True
    assert app_settings.HUMAN_AGENT is True


def test_numbers_may_be_written_as_text(settings: Settings) -> None:
    settings.INSTAGRAM_WEBHOOK_MAX_BYTES = "100"
    settings.INSTAGRAM_APPLY_BATCH_SIZE = "5"
    settings.INSTAGRAM_WORKER_POLL_SECONDS = "0.5"
    settings.INSTAGRAM_GRAPH_TIMEOUT = ["1", 2]
    assert app_settings.WEBHOOK_MAX_BYTES == 100
    assert app_settings.APPLY_BATCH_SIZE == 5
    assert app_settings.WORKER_POLL_SECONDS == 0.5
    assert app_settings.GRAPH_TIMEOUT == (1.0, 2.0)


def test_the_lease_outlives_a_jobs_longest_call() -> None:
    connect, read = DEFAULTS["GRAPH_TIMEOUT"]
    assert DEFAULTS["JOB_LEASE_SECONDS"] > 3 * (connect + read)
    assert DEFAULTS["JOB_LEASE_SECONDS"] > 2 * DOWNLOAD_LIMITS.total_seconds


def test_the_secrets_of_both_logins_sign(settings: Settings) -> None:
    settings.INSTAGRAM_APP_SECRET = ["meta", "meta-old"]
    settings.INSTAGRAM_LOGIN_APP_SECRET = "instagram"
    assert app_settings.ALL_APP_SECRETS == ("meta", "meta-old", "instagram")
