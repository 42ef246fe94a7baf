"""docs/hooks.md tells the truth: its examples run, its signatures and blocks are the real ones."""

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from social_integrations.models import Contact
from social_integrations.services import conversations, crm_records, sending
from social_integrations.services.crm_records import CrmRecord
from social_integrations.tests.factories import (
    make_contact,
    make_conversation,
    make_message,
    make_staff,
    make_user,
)

DOCS = Path(django_settings.BASE_DIR) / "docs"
PAGE = (DOCS / "hooks.md").read_text(encoding="utf-8")
APP = Path(django_settings.BASE_DIR) / "social_integrations"
TEMPLATES = APP / "templates" / "social_integrations"
HOST = Path(__file__).parent / "hostapp" / "templates"
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SIGNATURES = [
    line
    for block in re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
BLOCK = re.compile(r"{% block (\w+) %}")


def written(function: Any) -> str:
    """Return a signature as people read it: names without their modules."""
    text = str(inspect.signature(function))
    text = re.sub(r"<(\w+\.\w+): '\w+'>", r"\1", text)
    plain = re.sub(r"\b(?:[a-z_]+[.])+(?=[A-Za-z])", "", text)
    return f"{function.__name__}{plain}"


def real_signatures() -> set[str]:
    functions = [
        getattr(module, name)
        for module in (sending, conversations, crm_records)
        for name in vars(module)
    ]
    return {written(one) for one in functions if inspect.isfunction(one)}


@pytest.mark.parametrize("line", SIGNATURES)
def test_every_signature_is_the_real_one(line: str) -> None:
    assert line in real_signatures()


def test_no_function_of_sending_is_left_out() -> None:
    named = {line.partition("(")[0] for line in SIGNATURES}
    inner = {"lock_conversation", "touch", "wake", "takes_any_emoji"}
    assert set(sending.__all__) - inner <= named


@pytest.mark.django_db
@pytest.mark.parametrize("source", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_runs(source: str) -> None:
    contact = make_contact()
    conversation = make_conversation(contact=contact, last_inbound_at=timezone.now())
    ours = {"conversation": conversation, "direction": "outbound", "source": "crm"}
    known = {
        "conversation": conversation,
        "account": contact.account,
        "user": make_user(),
        "failed_message": make_message(**ours, status="failed", author="human"),
        "unknown_message": make_message(**ours, status="unknown", author="human"),
    }
    exec(compile(source, "docs/hooks.md", "exec"), known)  # noqa: S102 - our own page


def test_there_are_examples_of_everything() -> None:
    assert len(EXAMPLES) > 8
    for name in ("send", "preview", "policy_for", "retry", "settle", "reply_privately"):
        assert any(f"sending.{name}(" in source for source in EXAMPLES)


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`(social_integrations(?:\.\w+)+)`", PAGE)))
)
def test_every_import_path_exists(path: str) -> None:
    try:
        import_module(path)
    except ModuleNotFoundError:
        module, _, name = path.rpartition(".")
        assert hasattr(import_module(module), name)


def documented_blocks() -> dict[str, set[str]]:
    """Return the blocks of the page's table by their template."""
    found: dict[str, set[str]] = {}
    template = ""
    table = PAGE.partition("| Template | Block |")[2].partition("\n\n")[0]
    for row in table.splitlines()[2:]:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        template = cells[0].strip("`") or template
        found.setdefault(template, set()).update(re.findall(r"`(\w+)`", cells[1]))
    return found


def test_every_block_of_the_inbox_is_documented_where_it_is_first_defined() -> None:
    real: dict[str, set[str]] = {}
    above: set[str] = set()
    # Base first: pages that extend it only fill its blocks.
    order = sorted((TEMPLATES / "inbox").glob("*.html"), key=lambda path: path.name != "base.html")
    for path in order:
        text = path.read_text(encoding="utf-8")
        if '{% extends "social_integrations/base.html" %}' in text:
            continue  # a page of its own, with the plain pages' blocks
        if new := set(BLOCK.findall(text)) - above:
            real[f"inbox/{path.name}"] = new
            above |= new
    assert documented_blocks() == real


@pytest.fixture
def host(settings: Settings) -> None:
    """A host project whose templates stand before the app's."""
    first = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**first, "DIRS": [HOST, *first["DIRS"]]}]


@pytest.mark.django_db
class TestHost:
    def test_a_block_is_overridden_alone(self, client: Client, host: None) -> None:
        client.force_login(make_staff("view_connectedaccount", "view_conversation", "view_message"))
        conversation = make_conversation(contact=make_contact(name="Nino"))
        make_message(conversation=conversation)
        page = client.get(f"/inbox/{conversation.pk}/").text
        assert "New customer" in page
        assert "In your CRM" in page

    def test_the_example_of_a_template_is_the_one_that_is_tested(self) -> None:
        example = re.search(r"```html\n{# templates/(\S+) #}\n(.*?)```", PAGE, re.DOTALL)
        assert example is not None
        assert (HOST / example[1]).read_text() == example[2]

    def test_the_resolver_is_asked(self, client: Client, settings: Settings) -> None:
        settings.INSTAGRAM_CONTACT_RESOLVER = f"{__name__}.record_of"
        client.force_login(make_staff("view_connectedaccount", "view_conversation", "view_message"))
        conversation = make_conversation(contact=make_contact(crm_reference="C-1"))
        make_message(conversation=conversation)
        assert 'href="/crm/C-1/"' in client.get(f"/inbox/{conversation.pk}/").text


def record_of(contact: Contact) -> CrmRecord | None:
    """Resolve as docs/hooks.md shows it."""
    known: dict[str, Any] = {}
    source = next(one for one in EXAMPLES if "def record_of" in one)
    exec(compile(source, "docs/hooks.md", "exec"), known)  # noqa: S102 - our own page
    found: CrmRecord | None = known["record_of"](contact)
    return found


def test_templates_are_found() -> None:
    assert "si-inbox" in render_to_string("social_integrations/inbox/base.html")
