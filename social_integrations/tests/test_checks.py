"""Every missing or insecure setting is named when it should be, and only then."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.checks import CheckMessage, Tags, run_checks
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper
from pytest_django import Settings

from social_integrations.checks import is_placeholder

SECRET = "0123456789abcdef0123456789abcdef"
TOKEN = "a-long-random-text-of-forty-characters-00"
KEY = Fernet.generate_key().decode()
COMPLETE: dict[str, Any] = {
    "DEBUG": False,
    "INSTAGRAM_APP_SECRET": [SECRET],
    "INSTAGRAM_WEBHOOK_VERIFY_TOKEN": [TOKEN],
    "INSTAGRAM_TOKEN_ENCRYPTION_KEYS": [KEY],
    "INSTAGRAM_REDIRECT_URI": "https://crm.operator.org/api/social/instagram/oauth/callback/",
    "INSTAGRAM_FACEBOOK_GRAPH_URL": "https://graph.facebook.com",
    "INSTAGRAM_FACEBOOK_DIALOG_URL": "https://www.facebook.com",
}
APP_SECRET, VERIFY_TOKEN = "INSTAGRAM_APP_SECRET", "INSTAGRAM_WEBHOOK_VERIFY_TOKEN"
APP_ID = "INSTAGRAM_APP_ID"
LOGIN_ID, LOGIN_SECRET = "INSTAGRAM_LOGIN_APP_ID", "INSTAGRAM_LOGIN_APP_SECRET"
RETURNS = "INSTAGRAM_CONNECT_RETURN_URLS"
LOGIN_HOSTS = [f"INSTAGRAM_LOGIN_{name}_URL" for name in ("GRAPH", "TOKEN", "DIALOG")]
KEYS, REDIRECT = "INSTAGRAM_TOKEN_ENCRYPTION_KEYS", "INSTAGRAM_REDIRECT_URI"
MEDIA_HOSTS = "INSTAGRAM_MEDIA_HOSTS"
GRAPH, DIALOG = "INSTAGRAM_FACEBOOK_GRAPH_URL", "INSTAGRAM_FACEBOOK_DIALOG_URL"
PLACEHOLDERS = [
    "changeme",
    "CHANGE_ME",
    "change-me-please",
    "your_instagram_app_secret_here",
    "your-secret",
    "<secret>",
    "...",
    "xxxx",
    "todo",
    "Secret",
    "password",
    "test",
    "example-secret",
    "placeholder",
    "  ",
]


@pytest.fixture(autouse=True)
def complete(settings: Settings) -> None:
    for name, value in COMPLETE.items():
        setattr(settings, name, value)


def messages(*, deploy: bool = False) -> list[CheckMessage]:
    found = run_checks(tags=[Tags.security], include_deployment_checks=deploy)
    return [one for one in found if str(one.id).startswith("social_integrations.")]


def found(*, deploy: bool = False) -> list[str]:
    return [str(one.id).rpartition(".")[2] for one in messages(deploy=deploy)]


def test_a_complete_set_up_is_silent() -> None:
    assert found(deploy=True) == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (APP_SECRET, "", ["E001"]),
        (APP_SECRET, [], ["E001"]),
        (APP_SECRET, None, ["E001"]),
        (APP_SECRET, [SECRET, "changeme"], ["E002"]),
        (APP_SECRET, ["changeme", "todo"], ["E002"]),
        (APP_ID, "", ["W006"]),
        (MEDIA_HOSTS, ["127.0.0.1:9009"], ["W007"]),
        (MEDIA_HOSTS, ["lookaside.fbsbx.com", "localhost:9009"], ["W007"]),
        (MEDIA_HOSTS, ["https://cdn.example/"], ["W008"]),
        (MEDIA_HOSTS, ["*", "*.fbcdn.net"], ["W008"]),
        (MEDIA_HOSTS, ["*.fbcdn.net", "cdn.example"], []),
        (MEDIA_HOSTS, [], []),
        (APP_ID, "your_instagram_app_id_here", ["W006"]),
        (VERIFY_TOKEN, "", ["E003"]),
        (VERIFY_TOKEN, "<token>", ["E004"]),
        (VERIFY_TOKEN, SECRET, ["E005"]),
        (VERIFY_TOKEN, [TOKEN, SECRET], ["E005"]),
        (KEYS, [], ["E006"]),
        (KEYS, "", ["E006"]),
        (KEYS, [KEY, "not-a-key", "é"], ["E007", "E007"]),
        (REDIRECT, "", ["W001"]),
        (REDIRECT, "https://your-domain.com/callback/", ["W001"]),
        (REDIRECT, "http://localhost:8000/callback/", ["W002"]),
        (REDIRECT, "http://127.0.0.1:8000/callback/", ["W002"]),
        (REDIRECT, "http://[::1]:8000/callback/", ["W002"]),
        (REDIRECT, "http://crm.operator.org/callback/", ["E008"]),
        (REDIRECT, "http://localhost.evil.example/callback/", ["E008"]),
        (GRAPH, "http://127.0.0.1:9009", ["W003"]),
        (GRAPH, "http://graph.facebook.com", ["W003"]),
        (GRAPH, "https://graph.facebook.com.evil.example", ["W003"]),
        (DIALOG, "https://facebook.com", ["W003"]),
    ],
)
def test_one_fault_gives_one_finding(
    settings: Settings, name: str, value: Any, expected: list[str]
) -> None:
    setattr(settings, name, value)
    assert found() == expected
    assert all(name in one.msg for one in messages())
    assert all(one.hint for one in messages())


@pytest.mark.parametrize(
    ("app_id", "secrets", "expected", "named"),
    [
        ("800", ["i" * 32], [], ""),
        ("800", [], ["E010"], LOGIN_SECRET),
        ("", ["i" * 32], ["E010"], LOGIN_ID),
        ("your_app_id", ["i" * 32], ["E011"], LOGIN_ID),
        ("800", ["i" * 32, "changeme"], ["E011"], LOGIN_SECRET),
        ("700000000000001", ["i" * 32], ["E012"], LOGIN_ID),
        ("800", SECRET, ["E012"], LOGIN_SECRET),
        ("800", TOKEN, ["E005"], VERIFY_TOKEN),
    ],
)
def test_instagram_login_needs_a_pair_of_its_own(
    settings: Settings, app_id: str, secrets: Any, expected: list[str], named: str
) -> None:
    settings.INSTAGRAM_LOGIN_APP_ID, settings.INSTAGRAM_LOGIN_APP_SECRET = app_id, secrets
    assert found() == expected
    assert all(named in one.msg for one in messages())


def test_instagram_login_alone_is_enough(settings: Settings) -> None:
    settings.INSTAGRAM_LOGIN_APP_ID, settings.INSTAGRAM_LOGIN_APP_SECRET = "800", "i" * 32
    settings.INSTAGRAM_APP_ID, settings.INSTAGRAM_APP_SECRET = "", ""
    assert found() == []


@pytest.mark.parametrize("name", LOGIN_HOSTS)
def test_another_host_than_instagrams_is_told(settings: Settings, name: str) -> None:
    setattr(settings, name, "http://127.0.0.1:9009")
    assert found() == ["W003"]
    assert name in messages()[0].msg


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://app.operator.org/social/", []),
        ("http://localhost:3000/", []),
        ("/settings/", ["E013"]),
        ("//app.operator.org/", ["E013"]),
        ("javascript:alert(1)", ["E013"]),
        ("https://app.operator.org/?a=b", ["E013"]),
        ("https://app.operator.org/#a", ["E013"]),
        ("https://app.operator.org@evil.example/", ["E013"]),
    ],
)
def test_return_addresses_are_plain(settings: Settings, url: str, expected: list[str]) -> None:
    setattr(settings, RETURNS, [url])
    assert found() == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("HUMAN_AGENT", True, []),
        ("HUMAN_AGENT", False, []),
        ("HUMAN_AGENT", None, []),
        ("HUMAN_AGENT", "true", ["W009"]),
        ("HUMAN_AGENT", 1, ["W009"]),
        ("CONTACT_RESOLVER", "", []),
        ("CONTACT_RESOLVER", "social_integrations.services.exporting.export_contact", []),
        ("CONTACT_RESOLVER", "social_integrations.services.exporting.nothing", ["E014"]),
        ("CONTACT_RESOLVER", "nowhere.at.all", ["E014"]),
        ("CONTACT_RESOLVER", "plain", ["E014"]),
        ("CONTACT_RESOLVER", "social_integrations.checks.MINIMUM_TOKEN_LENGTH", ["E014"]),
        ("UPLOAD_LINK_SECONDS", 300, []),
        ("UPLOAD_LINK_SECONDS", 299, ["W010"]),
        ("LEDGER_DAYS", 3, []),
        ("LEDGER_DAYS", 2, ["W011"]),
        ("LEDGER_DAYS", -1, ["W011"]),
        ("LEDGER_DAYS", 0, []),
    ],
)
def test_settings_for_answering_and_keeping(
    settings: Settings, name: str, value: Any, expected: list[str]
) -> None:
    setattr(settings, f"INSTAGRAM_{name}", value)
    assert found() == expected


@pytest.mark.parametrize("name", [APP_SECRET, VERIFY_TOKEN, KEYS, REDIRECT])
def test_a_setting_nobody_made_is_named(settings: Settings, name: str) -> None:
    delattr(settings, name)
    [message] = messages()
    assert f"{name} is missing" in message.msg


def test_hosts_nobody_set_are_metas(settings: Settings) -> None:
    del settings.INSTAGRAM_FACEBOOK_GRAPH_URL
    del settings.INSTAGRAM_FACEBOOK_DIALOG_URL
    assert found() == []


def test_everything_wrong_at_once_is_all_named(settings: Settings) -> None:
    settings.INSTAGRAM_APP_SECRET = settings.INSTAGRAM_WEBHOOK_VERIFY_TOKEN = "changeme"
    settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = ["x"]
    settings.INSTAGRAM_REDIRECT_URI = "http://crm.operator.org/"
    settings.INSTAGRAM_FACEBOOK_GRAPH_URL = settings.INSTAGRAM_FACEBOOK_DIALOG_URL = "http://evil/"
    assert found() == ["E002", "E004", "E005", "E007", "E008", "W003", "W003"]


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_samples_of_guides_are_no_secrets(settings: Settings, value: str) -> None:
    assert is_placeholder(value)
    settings.INSTAGRAM_APP_SECRET = [value]
    assert found() == ["E002"]


@pytest.mark.parametrize("value", [SECRET, TOKEN, "testing-4c1f", "secretary-of-state-99", "xyx"])
def test_real_secrets_that_resemble_samples_pass(value: str) -> None:
    assert not is_placeholder(value)


def test_development_may_use_http_and_the_emulator(settings: Settings) -> None:
    settings.DEBUG = True
    settings.INSTAGRAM_REDIRECT_URI = "http://crm.test/callback/"
    settings.INSTAGRAM_FACEBOOK_GRAPH_URL = "http://127.0.0.1:9009"
    settings.INSTAGRAM_MEDIA_HOSTS = ["127.0.0.1:9009"]
    assert found() == []


@pytest.mark.parametrize("token", ["t" * 31, "instagram_webhook_verify_token_2024"])
def test_a_guessable_verify_token_is_an_error_once_strangers_can_reach_us(
    settings: Settings, token: str
) -> None:
    settings.INSTAGRAM_WEBHOOK_VERIFY_TOKEN = [TOKEN, token]
    assert found() == []
    assert found(deploy=True) == ["E009"]
    assert token not in str(messages(deploy=True))


def test_a_verify_token_of_32_characters_is_enough(settings: Settings) -> None:
    settings.INSTAGRAM_WEBHOOK_VERIFY_TOKEN = "t" * 32
    assert found(deploy=True) == []


@pytest.mark.parametrize("name", [APP_SECRET, VERIFY_TOKEN, KEYS])
def test_no_message_repeats_a_secret(settings: Settings, name: str) -> None:
    marker = "your-marker-4711"
    settings.INSTAGRAM_APP_SECRET = [marker]
    setattr(settings, name, [marker])
    texts = "".join(f"{one!r}{one}" for one in messages(deploy=True))
    assert texts
    assert marker not in texts


@contextmanager
def postgresql(**values: Any) -> Iterator[None]:
    """Put a PostgreSQL connection, which is never opened, in the place of the database."""
    ours = connections["default"]
    connections["default"] = DatabaseWrapper({**ours.settings_dict, "OPTIONS": {}, **values})
    try:
        yield
    finally:
        connections["default"] = ours


@pytest.mark.parametrize(
    ("asgi", "values", "expected"),
    [
        ("", {"CONN_MAX_AGE": 0}, ["W004"]),
        ("", {"CONN_MAX_AGE": 600}, []),
        ("", {"CONN_MAX_AGE": None}, []),
        ("", {"CONN_MAX_AGE": 0, "OPTIONS": {"pool": True}}, []),
        ("project.asgi.application", {"CONN_MAX_AGE": 0}, []),
        ("project.asgi.application", {"CONN_MAX_AGE": 600}, ["W005"]),
        ("project.asgi.application", {"CONN_MAX_AGE": None}, ["W005"]),
        ("project.asgi.application", {"CONN_MAX_AGE": 0, "OPTIONS": {"pool": True}}, []),
    ],
)
def test_connections_that_cost_a_factor_of_ten_are_told(
    settings: Settings, asgi: str, values: dict[str, Any], expected: list[str]
) -> None:
    settings.ASGI_APPLICATION = asgi
    with postgresql(**values):
        assert found() == expected
