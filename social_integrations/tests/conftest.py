"""Shared by all tests of the app that talk to Meta's Graph API."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from social_integrations.graph import transport
from social_integrations.tests.graph.answers import FakeMeta, fake_meta


@pytest.fixture
def meta() -> Iterator[FakeMeta]:
    """Meta, answering from fixtures."""
    with fake_meta() as fake:
        yield fake


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come at once; how long they pause is the transport's own test."""
    monkeypatch.setattr(transport, "RETRY_PAUSES", (0.0, 0.0))


@pytest.fixture
def instagram_app(settings: Settings) -> None:
    """Instagram Login is set up as well."""
    settings.INSTAGRAM_LOGIN_APP_ID = "800000000000001"
    settings.INSTAGRAM_LOGIN_APP_SECRET = "instagram-app-secret"
