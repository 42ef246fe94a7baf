"""Imports point down, secrets are compared in constant time, and nothing grows too long."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest

ROOT = Path(__file__).parents[2]
APP = "social_integrations"
OURS = ("amanati_crm", "legal", "scripts", APP)
# From the ground up. A part may import its own layer and those below it.
LAYERS = (
    {"conf", "exceptions", "logs"},
    {"graph", "events", "media"},
    {"models", "fields", "signals"},
    {"services", "selectors", "access", "representations", "showing"},
    {"tasks"},
    {"engine"},
    {"views", "api", "admin", "management"},
    {"templatetags"},
    {"apps", "urls", "inbox_urls", "checks"},
)
LEVELS = {part: level for level, parts in enumerate(LAYERS) for part in parts}
# Neighbours of these layers do not know each other.
APART = {LEVELS["graph"], LEVELS["views"]}
IMPURE = ("django.db", "django.conf", f"{APP}.models", f"{APP}.conf")
EMULATOR = f"{APP}.emulator"
EMULATOR_COMMAND = f"{APP}.management.commands.meta_emulator"
MODULE_LINES = 350
FUNCTION_LINES = 50
AUTHENTICATORS = ("signature", "digest")

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
IMPORTS = (ast.Import, ast.ImportFrom)


@dataclass(frozen=True, slots=True)
class Module:
    """A file of ours; a package's own code is called `package.__init__`."""

    name: str
    source: str
    tree: ast.Module

    @property
    def package(self) -> str:
        return self.name.rpartition(".")[0]

    def imports(self) -> Iterator[tuple[str, int]]:
        """Every import, with the imported name at its end, and its line."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                origin = self._origin(node)
                yield from ((f"{origin}.{alias.name}", node.lineno) for alias in node.names)

    def _origin(self, node: ast.ImportFrom) -> str:
        parts = self.name.split(".")[: -node.level] if node.level else []
        return ".".join([*parts, *(node.module or "").split(".")]).strip(".")


Rule: TypeAlias = Callable[[Module], Iterator[tuple[int, str]]]


def parse(name: str, source: str) -> Module:
    return Module(name, source, ast.parse(source))


@cache
def modules() -> tuple[Module, ...]:
    """Everything of ours except tests and migrations."""
    found = [ROOT / "manage.py", *(path for top in OURS for path in (ROOT / top).rglob("*.py"))]
    return tuple(
        parse(".".join(path.relative_to(ROOT).with_suffix("").parts), path.read_text())
        for path in sorted(found)
        if not {"tests", "migrations"} & set(path.relative_to(ROOT).parts)
    )


def inside(name: str, package: str) -> bool:
    return f"{name}.".startswith(f"{package}.")


def part_of(name: str) -> str:
    return f"{name}..".split(".")[1]


def imports_point_down(module: Module) -> Iterator[tuple[int, str]]:
    if not inside(module.name, APP) or inside(module.name, EMULATOR):
        return
    part = part_of(module.name)
    if part not in (*LEVELS, "__init__"):
        yield 1, f"{part} has no layer yet"
        return
    for target, line in module.imports():
        if inside(target, APP) and not inside(target, EMULATOR) and _upward(part, part_of(target)):
            yield line, f"imports {target}"


def _upward(part: str, target: str) -> bool:
    level, other = LEVELS.get(part, -1), LEVELS.get(target, len(LAYERS))
    return other > level or (other == level and level in APART and part != target)


def the_app_knows_no_project(module: Module) -> Iterator[tuple[int, str]]:
    for target, line in module.imports():
        others = (top for top in OURS if top != APP)
        if inside(module.name, APP) and any(inside(target, top) for top in others):
            yield line, f"imports {target}"


def graph_and_events_are_pure(module: Module) -> Iterator[tuple[int, str]]:
    if any(inside(module.name, f"{APP}.{part}") for part in ("graph", "events", "media")):
        for target, line in module.imports():
            if any(inside(target, impure) for impure in IMPURE):
                yield line, f"imports {target}"


def legal_stands_alone(module: Module) -> Iterator[tuple[int, str]]:
    for target, line in module.imports():
        others = (top for top in OURS if top != "legal")
        if inside(module.name, "legal") and any(inside(target, top) for top in others):
            yield line, f"imports {target}"


def the_emulator_shares_no_code(module: Module) -> Iterator[tuple[int, str]]:
    if not inside(module.name, EMULATOR):
        return
    for target, line in module.imports():
        ours = any(inside(target, top) for top in OURS) and not inside(target, EMULATOR)
        if ours or inside(target, "django") or inside(target, "rest_framework"):
            yield line, f"imports {target}"


def only_its_command_starts_the_emulator(module: Module) -> Iterator[tuple[int, str]]:
    if inside(module.name, EMULATOR) or module.name == EMULATOR_COMMAND:
        return
    for target, line in module.imports():
        if inside(target, EMULATOR):
            yield line, f"imports {target}"


def imports_stand_at_the_top(module: Module) -> Iterator[tuple[int, str]]:
    for function in functions(module):
        if function.name == "ready" and module.name.endswith(".apps"):
            continue
        for node in ast.walk(function):
            if isinstance(node, IMPORTS):
                yield node.lineno, f"{function.name} hides an import"


def modules_are_short(module: Module) -> Iterator[tuple[int, str]]:
    lines = len(module.source.splitlines())
    if lines > MODULE_LINES:
        yield lines, f"has {lines} lines"


def functions_are_short(module: Module) -> Iterator[tuple[int, str]]:
    for function in functions(module):
        lines = (function.end_lineno or 0) - function.lineno + 1
        if lines > FUNCTION_LINES:
            yield function.lineno, f"{function.name} has {lines} lines"


def signatures_are_compared_in_constant_time(module: Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Compare) and any(
            isinstance(operator, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for operator in node.ops
        ):
            for side in (node.left, *node.comparators):
                if any(word in _name(side).lower() for word in AUTHENTICATORS):
                    yield node.lineno, f"compares {_name(side)}; use hmac.compare_digest"


def _name(node: ast.expr) -> str:
    """Return what an operand is called: `x`, `a.x`, `x()`, `a.x()` and `a["x"]` are all x."""
    if isinstance(node, ast.Call):
        return _name(node.func)
    if isinstance(node, ast.Subscript):
        return f"{_name(node.value)} {_name(node.slice)}"
    found = getattr(node, "id", None) or getattr(node, "attr", None)
    return str(found or (node.value if isinstance(node, ast.Constant) else ""))


def functions(module: Module) -> Iterator[Function]:
    return (node for node in ast.walk(module.tree) if isinstance(node, FUNCTIONS))


RULES: tuple[Rule, ...] = (
    imports_point_down,
    the_app_knows_no_project,
    graph_and_events_are_pure,
    legal_stands_alone,
    the_emulator_shares_no_code,
    only_its_command_starts_the_emulator,
    imports_stand_at_the_top,
    modules_are_short,
    functions_are_short,
    signatures_are_compared_in_constant_time,
)


@pytest.mark.parametrize("rule", RULES)
def test_our_code_keeps_the_rule(rule: Rule) -> None:
    broken = [f"{module.name}:{line} {text}" for module in modules() for line, text in rule(module)]
    assert broken == []


def test_the_rules_see_all_of_our_code() -> None:
    names = {module.name for module in modules()}
    assert {"manage", "legal.views", "scripts.demo", f"{APP}.models.__init__", EMULATOR_COMMAND} < (
        names
    )
    assert not any(".tests" in name or ".migrations" in name for name in names)


def body(lines: int) -> str:
    return "def long():\n" + "    pass\n" * (lines - 1)


CAUGHT: list[tuple[Rule, str, str]] = [
    (imports_point_down, "conf", "from social_integrations.models import Job"),
    (imports_point_down, "conf", "from social_integrations import models"),
    (imports_point_down, "conf", "import social_integrations.models.jobs"),
    (imports_point_down, "conf", "from .models import Job"),
    (imports_point_down, "models.jobs", "from ..services.jobs import claim"),
    (imports_point_down, "models.__init__", "from .. import tasks"),
    (imports_point_down, "services.jobs", "from social_integrations.tasks import sweep"),
    (imports_point_down, "services.jobs", "if True:\n    from social_integrations import engine"),
    (imports_point_down, "tasks", "from .engine import drain"),
    (imports_point_down, "engine", "from .views.webhook import webhook"),
    (imports_point_down, "views.webhook", "from social_integrations.api import views"),
    (imports_point_down, "admin.jobs", "from social_integrations.management import commands"),
    (imports_point_down, "views.webhook", "from social_integrations.urls import urlpatterns"),
    (imports_point_down, "graph.client", "from social_integrations.events import kinds"),
    (imports_point_down, "views.webhook", "from social_integrations import a_new_part"),
    (imports_point_down, "a_new_part", ""),
    (the_app_knows_no_project, "services.jobs", "from amanati_crm import env"),
    (the_app_knows_no_project, "emulator.http", "import legal"),
    (graph_and_events_are_pure, "graph.client", "from ..conf import app_settings"),
    (graph_and_events_are_pure, "graph.client", "from django.conf import settings"),
    (graph_and_events_are_pure, "events.kinds", "from social_integrations.models import Job"),
    (graph_and_events_are_pure, "events.kinds", "import django.db.models"),
    (graph_and_events_are_pure, "media.links", "from ..conf import app_settings"),
    (the_emulator_shares_no_code, "emulator.http", "from ..graph.signatures import sign"),
    (the_emulator_shares_no_code, "emulator.http", "from django.http import HttpRequest"),
    (the_emulator_shares_no_code, "emulator.http", "import social_integrations"),
    (only_its_command_starts_the_emulator, "views.webhook", "from ..emulator import ids"),
    (only_its_command_starts_the_emulator, "apps", "import social_integrations.emulator"),
    (imports_stand_at_the_top, "services.jobs", "def f():\n    import json"),
    (imports_stand_at_the_top, "services.jobs", "def ready():\n    import json"),
    (imports_stand_at_the_top, "apps", "async def f():\n    from . import checks"),
    (modules_are_short, "conf", "x = 1\n" * (MODULE_LINES + 1)),
    (functions_are_short, "conf", body(FUNCTION_LINES + 1)),
    (functions_are_short, "conf", "class A:\n    async " + body(60).replace("\n", "\n    ")),
    (signatures_are_compared_in_constant_time, "views.webhook", "signature == expected"),
    (signatures_are_compared_in_constant_time, "views.webhook", "given != request.signature"),
    (signatures_are_compared_in_constant_time, "views.webhook", "given == mac.hexdigest()"),
    (signatures_are_compared_in_constant_time, "views.webhook", "given in signatures"),
    (signatures_are_compared_in_constant_time, "views.webhook", "h['X-Hub-Signature'] == x"),
]


@pytest.mark.parametrize(("rule", "name", "source"), CAUGHT)
def test_what_breaks_a_rule_is_caught(rule: Rule, name: str, source: str) -> None:
    assert list(rule(parse(f"{APP}.{name}", source)))


@pytest.mark.parametrize(
    "source",
    ["import social_integrations", "from amanati_crm.env import text", "from scripts import demo"],
)
def test_legal_importing_us_is_caught(source: str) -> None:
    assert list(legal_stands_alone(parse("legal.views", source)))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("services.jobs", "from social_integrations.models import Job\nfrom .failures import x"),
        ("models.__init__", "from .jobs import Job"),
        ("models.accounts", "from social_integrations.fields import EncryptedTextField"),
        ("urls", "from .views.webhook import webhook\nfrom .api.views import x"),
        ("management.commands.instagram_worker", "from social_integrations.engine import drain"),
        ("management.commands.meta_emulator", "from social_integrations.emulator import server"),
        ("emulator.http", "from .errors import MetaError\nimport json"),
        ("apps", "class A:\n    def ready(self):\n        from . import checks"),
        ("graph.signatures", "hmac.compare_digest(given, digest)"),
        ("conf", body(FUNCTION_LINES) + "x = 1\n" * (MODULE_LINES - FUNCTION_LINES)),
    ],
)
def test_what_keeps_the_rules_passes(name: str, source: str) -> None:
    module = parse(f"{APP}.{name}", source)
    assert [found for rule in RULES for found in rule(module)] == []
