"""Everything the inbox says has a Georgian translation, and what is compiled is what is written."""

import ast
import gettext as gnu
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.translation.template import templatize

from social_integrations.services.send_policy import WORDS
from social_integrations.tests.factories import make_superuser

ROOT = Path(__file__).parents[2]
APP = ROOT / "social_integrations"
CATALOGUES = {"app": APP / "locale", "project": ROOT / "locale"}
MARKS = {"gettext", "gettext_lazy", "gettext_noop", "_", "ngettext", "ngettext_lazy"}
IN_TEMPLATES = re.compile(r"(?<![a-z])n?gettext\((u?'(?:[^'\\]|\\.)*'|u?\"(?:[^\"\\]|\\.)*\")")
PLACEHOLDER = re.compile(r"%\([a-z]+\)[sd]|%[sd]|\{[a-z_]*\}")
MARKUP = re.compile(r"<[^>]+>")


def catalogue(place: str) -> Path:
    return CATALOGUES[place] / "ka" / "LC_MESSAGES" / "django.po"


def written(path: Path) -> dict[str, list[str]]:
    """Read a .po file: message → its translations; obsolete and fuzzy ones do not count."""
    found: dict[str, list[str]] = {}
    for block in path.read_text().split("\n\n"):
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        if "fuzzy" in block.partition("msgid")[0]:
            continue
        entry: list[tuple[str, str]] = []
        for line in lines:
            if line.startswith('"'):
                key, text = entry[-1]
                entry[-1] = (key, text + ast.literal_eval(line))
            elif line:
                key, _space, text = line.partition(" ")
                entry.append((key, ast.literal_eval(text)))
        texts = [text for key, text in entry if key.startswith("msgstr")]
        message = next((text for key, text in entry if key == "msgid"), None)
        if message is not None:
            found[message] = texts
    return found


def compiled(path: Path) -> dict[str, list[str]]:
    with path.with_suffix(".mo").open("rb") as file:
        raw = gnu.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    found: dict[str, list[str]] = {}
    for key in raw:
        message, number = key if isinstance(key, tuple) else (key, 0)
        texts = found.setdefault(message, [])
        texts.insert(number, raw[key])
    return found


def in_python(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
            first = node.args[0]
            if name in MARKS and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def in_template(path: Path) -> Iterator[str]:
    for text in IN_TEMPLATES.findall(templatize(path.read_text())):
        yield str(ast.literal_eval(text.removeprefix("u")))


def marked(place: str) -> set[str]:
    """Return every text somebody marked for translation."""
    if place == "app":
        scripts = [path for path in APP.rglob("*.py") if not {"tests", "emulator"} & {*path.parts}]
        templates = [*(APP / "templates").rglob("*.html")]
    else:
        scripts = [
            path for path in (ROOT / "amanati_crm").rglob("*.py") if "tests" not in path.parts
        ]
        templates = [*(ROOT / "templates").rglob("*.html")]
    found = {text for path in scripts for text in in_python(path)}
    return found | {text for path in templates for text in in_template(path)}


@pytest.mark.parametrize("place", CATALOGUES)
def test_everything_marked_is_translated(place: str) -> None:
    texts = written(catalogue(place))
    assert sorted(text for text in marked(place) if not all(texts.get(text, [""]))) == []


def test_the_search_for_marked_texts_finds_them() -> None:
    assert {"Send", "Try again", "It arrived", "{h} h {m} min left", "Sending…"} < marked("app")
    assert "Sign out" in marked("project")


@pytest.mark.parametrize("place", CATALOGUES)
def test_the_compiled_catalogue_is_the_written_one(place: str) -> None:
    texts = {key: found for key, found in written(catalogue(place)).items() if key}
    compared = {key: found for key, found in compiled(catalogue(place)).items() if key}
    assert compared == texts


@pytest.mark.parametrize("place", CATALOGUES)
def test_placeholders_and_markup_are_kept(place: str) -> None:
    for message, texts in written(catalogue(place)).items():
        for number, text in enumerate(texts if message else []):
            assert sorted(MARKUP.findall(text)) == sorted(MARKUP.findall(message)), message
            # The plural may name a number its singular leaves out.
            if number == 0:
                assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(message))


def test_nothing_is_marked_as_doubtful() -> None:
    for place in CATALOGUES:
        assert "#, fuzzy" not in catalogue(place).read_text()


def test_the_reasons_of_the_policy_are_translated() -> None:
    with translation.override("ka"):
        for sentence, action in WORDS.values():
            assert re.search("[ა-ჰ]", str(sentence))
            assert not action or re.search("[ა-ჰ]", str(action))


@pytest.mark.django_db
def test_the_inbox_speaks_the_language_chosen(client: Client) -> None:
    client.force_login(make_superuser())
    address = reverse("instagram_inbox:list")
    assert '<html lang="en"' in client.get(address).text
    chosen = client.post(reverse("set_language"), {"language": "ka", "next": address})
    assert (chosen.status_code, chosen.headers["Location"]) == (302, address)
    shown = client.get(address).text
    assert '<html lang="ka"' in shown
    assert "შემოსულები" in shown
    assert "English" in shown


@pytest.mark.django_db
def test_a_browser_that_asks_for_georgian_gets_it() -> None:
    client = Client(headers={"Accept-Language": "ka,en;q=0.5"})
    assert "შესვლა" in client.get(reverse("login")).text
