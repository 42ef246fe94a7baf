"""The documentation names every control call, kind, switch, break and form of a fault."""

from pathlib import Path

import pytest

from social_integrations.emulator.breaks import BREAKS
from social_integrations.emulator.control import ROUTES
from social_integrations.emulator.faults import FORMS
from social_integrations.emulator.play import list_kinds
from social_integrations.emulator.switches import SWITCHES

TEXT = (Path(__file__).parents[3] / "docs" / "emulator.md").read_text()


@pytest.mark.parametrize(("method", "name"), ROUTES)
def test_every_control_call_is_documented(method: str, name: str) -> None:
    assert any(f"`{method} {name}{end}" in TEXT for end in ("`", "?"))


@pytest.mark.parametrize(
    "name", [*SWITCHES, *BREAKS, *FORMS, *(row["kind"] for row in list_kinds())]
)
def test_every_name_of_a_table_is_documented(name: str) -> None:
    assert f"`{name}`" in TEXT
