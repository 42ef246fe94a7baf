"""Shared by the tests of the Graph package."""

import pytest

from social_integrations.graph.client import GraphClient
from social_integrations.tests.graph.answers import GRAPH


@pytest.fixture
def client() -> GraphClient:
    base_url, _, version = GRAPH.rpartition("/")
    return GraphClient(
        base_url=base_url,
        version=version,
        app_secret="app-secretvalue",
        token="EAABtokensecretvalue",
    )
