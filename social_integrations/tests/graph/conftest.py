"""Shared by the tests of the Graph package."""

from collections.abc import Iterator

import pytest

from social_integrations.graph import transport
from social_integrations.graph.client import GraphClient
from social_integrations.tests.graph.answers import GRAPH, FakeMeta, fake_meta


@pytest.fixture
def meta() -> Iterator[FakeMeta]:
    with fake_meta() as fake:
        yield fake


@pytest.fixture
def client() -> GraphClient:
    base_url, _, version = GRAPH.rpartition("/")
    return GraphClient(
        base_url=base_url,
        version=version,
        app_secret="app-secretvalue",
        token="EAABtokensecretvalue",
    )


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "RETRY_PAUSES", (0.0, 0.0))
