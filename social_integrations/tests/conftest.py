"""Shared by all tests of the app that talk to Meta's Graph API."""

from collections.abc import Iterator

import pytest

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
