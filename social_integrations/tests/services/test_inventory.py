"""Every table is accounted for, and the documentation prints the table that is used."""

from pathlib import Path

from django.apps import apps
from django.conf import settings

from social_integrations.services.inventory import NOT_ABOUT_CUSTOMERS, STORES

PAGE = Path(settings.BASE_DIR) / "docs" / "privacy.md"


def test_every_model_stands_in_one_of_the_tables() -> None:
    listed = [store.model for store in STORES if store.model] + list(NOT_ABOUT_CUSTOMERS)
    assert len(listed) == len(set(listed))
    assert set(listed) == set(apps.get_app_config("social_integrations").get_models())


def test_the_documentation_prints_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = [f"| {store.name} | {store.holds} | {store.erased} |" for store in STORES]
    start = page.index(rows[0])
    assert page[start : start + len("\n".join(rows))] == "\n".join(rows)
