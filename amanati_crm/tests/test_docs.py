"""The documents hold together: links lead somewhere, named tests exist, nothing stands twice."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
TEXTS = {path: path.read_text() for path in DOCUMENTS}
LINKS = [
    pytest.param(path, target, id=f"{path.name} {target}")
    for path, text in TEXTS.items()
    for target in re.findall(r"\]\(([^)\s]+)\)", text)
    if "://" not in target
]
FENCES = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
SETTING = re.compile(r"`(INSTAGRAM_[A-Z_]+)`")
# Written out, and not cut where a sentence only shows the shape of a name.
TEST_NAME = re.compile(r"`(?:[\w/]+\.py::)?(test_[a-z0-9_]{9,})`")


def anchors(text: str) -> set[str]:
    """Return what headings can be linked by, as GitHub makes it."""
    headings = re.findall(r"^#+ (.+)$", FENCES.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def defined_tests() -> set[str]:
    paths = [
        path
        for top in ("amanati_crm", "legal", "scripts", "social_integrations")
        for path in (ROOT / top).rglob("test_*.py")
    ]
    return {name for path in paths for name in re.findall(r"def (test_\w+)", path.read_text())}


@pytest.mark.parametrize(("path", "target"), LINKS)
def test_every_link_leads_somewhere(path: Path, target: str) -> None:
    name, _, anchor = target.partition("#")
    found = (path.parent / name).resolve() if name else path
    assert found.exists()
    assert not anchor or anchor in anchors(TEXTS[found])


def test_every_test_that_is_named_exists() -> None:
    named = {name for text in TEXTS.values() for name in TEST_NAME.findall(text)}
    assert len(named) > 20
    assert named - defined_tests() == set()


def test_every_setting_has_one_row() -> None:
    table = TEXTS[ROOT / "docs" / "settings.md"].partition("## Environment variables")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    counts = Counter(name for row in rows for name in SETTING.findall(row))
    assert len(counts) > 30
    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_no_section_stands_twice(path: Path) -> None:
    places: Counter[tuple[str, ...]] = Counter()
    above: list[str] = []
    for marks, title in re.findall(r"^(#+) (.+)$", FENCES.sub("", TEXTS[path]), re.MULTILINE):
        above = [*above[: len(marks) - 1], title]
        places[tuple(above)] += 1
    assert [place for place, count in places.items() if count > 1] == []
