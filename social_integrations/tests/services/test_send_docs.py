"""docs/what-meta-takes.md prints the tables that are used."""

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings

from social_integrations.services import (
    draft_checks,
    drafting,
    drafts,
    gestures,
    outgoing_media,
    private_replies,
    public_links,
    templates,
    uploads,
)
from social_integrations.services.canned import VARIABLES
from social_integrations.services.outgoing_media import MEGABYTE, REFUSED, TAKEN
from social_integrations.services.send_policy import OPENS_WINDOW, WORDS

PAGE = (Path(settings.BASE_DIR) / "docs" / "what-meta-takes.md").read_text(encoding="utf-8")
CODE = re.compile(r'(?:DraftError\(|_shape\()\s*"([a-z_]+)"')
CHECKS = (
    draft_checks,
    drafting,
    drafts,
    gestures,
    outgoing_media,
    private_replies,
    public_links,
    templates,
    uploads,
)


def test_the_policys_words() -> None:
    rows = [f"| `{code}` | {sentence} | {action} |" for code, (sentence, action) in WORDS.items()]
    assert "\n".join(rows) in PAGE


@pytest.mark.parametrize("what", OPENS_WINDOW)
def test_what_opens_the_window(what: str) -> None:
    assert f"| `{what}` | {'yes' if OPENS_WINDOW[what] else 'no'} |" in PAGE


@pytest.mark.parametrize("kind", TAKEN)
def test_kinds_and_sizes(kind: str) -> None:
    [row] = re.findall(rf"^\| {kind} \| (.+) \| (\d+) MB \|$", PAGE, re.MULTILINE)
    formats, size = row
    assert len(formats.split(", ")) == len(TAKEN[kind].formats)
    assert int(size) * MEGABYTE == TAKEN[kind].max_bytes


@pytest.mark.parametrize("name", REFUSED)
def test_refused_formats(name: str) -> None:
    assert re.search(rf"\b{name}\b", PAGE.partition("Meta does **not** take")[2])


def test_variables() -> None:
    rows = [
        f"| `{{{{ {name} }}}}` | {variable.meaning} | {variable.example} |"
        for name, variable in VARIABLES.items()
    ]
    assert "\n".join(rows) in PAGE


@pytest.mark.parametrize("module", CHECKS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_codes_of_refusals(module: ModuleType) -> None:
    codes = set(CODE.findall(inspect.getsource(module)))
    assert codes, "no refusal found: is the pattern still right?"
    listed = PAGE.partition("## Refusals")[2].partition("\n## ")[0]
    assert {code for code in codes if f"`{code}`" not in listed} == set()
