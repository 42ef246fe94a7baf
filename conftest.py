"""Hypothesis profiles, the language tests begin in, and which of them depend on the database.

`normal`; `brief` with half of the examples, for the second database; `long` with 1,000
(`make laws`).
"""

import os
from collections.abc import Iterator

import pytest
from django.utils import translation
from hypothesis import settings

DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences"}

settings.register_profile("brief", max_examples=15, deadline=None, print_blob=True)
settings.register_profile("normal", max_examples=30, deadline=None, print_blob=True)
settings.register_profile("long", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "normal"))


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """Begin every test in the project's language: a request leaves its own to the thread."""
    yield
    translation.deactivate()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what has to run on every database."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if item.get_closest_marker("django_db") or fixtures & DATABASE_FIXTURES:
            item.add_marker("database")
