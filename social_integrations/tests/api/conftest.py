"""Shared by the tests of the API."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def nobody_called_yet() -> Iterator[None]:
    """Row numbers begin again in every test, the counters of the throttles would go on."""
    cache.clear()
    yield
    cache.clear()
