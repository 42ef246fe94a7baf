"""Meta's `fields=` language: names, nested expansion, and the answer cut to size."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .errors import MetaError
from .forms import read_json


@dataclass(slots=True)
class Wanted:
    """How one field was asked for: what stands in its braces, and its modifiers."""

    nested: "FieldTree" = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)


FieldTree = dict[str, Wanted]
Reader = Callable[[Wanted], Any]
"""Produces one field's value for how it was asked for. None leaves the field out."""

TOKEN = re.compile(r"\s*([A-Za-z0-9_]+(?:\.[a-z_]+\([^)]*\))*|[{},])\s*")
MODIFIER = re.compile(r"\.([a-z_]+)\(([^)]*)\)")


def parse_fields(text: str) -> FieldTree:
    """Read `id,messages.limit(5){id,from}` into a tree."""
    root: FieldTree = {}
    stack, last, position = [root], root, 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise MetaError("fields_syntax", position=position)
        position, word = match.end(), match[1]
        if word == "{":
            stack.append(last)
        elif word == "}" and len(stack) > 1:
            stack.pop()
        elif word == "}":
            raise MetaError("fields_syntax", position=position)
        elif word != ",":
            name, dot, modifiers = word.partition(".")
            wanted = stack[-1].setdefault(name, Wanted())
            wanted.arguments |= dict(MODIFIER.findall(dot + modifiers))
            last = wanted.nested
    if len(stack) > 1:
        raise MetaError("fields_syntax", position=position)
    return root


def wanted_fields(params: Mapping[str, Any]) -> FieldTree:
    """Read the parameter `fields`: a text, a list, or a list in JSON."""
    given = params.get("fields") or ""
    if isinstance(given, str) and given.startswith("["):
        given = listing(given)
    return parse_fields(",".join(map(str, given)) if isinstance(given, list) else str(given))


def write_fields(tree: FieldTree) -> str:
    """Write a tree as text again, for the address of a next page."""
    return ",".join(
        name
        + "".join(f".{key}({value})" for key, value in wanted.arguments.items())
        + (f"{{{write_fields(wanted.nested)}}}" if wanted.nested else "")
        for name, wanted in tree.items()
    )


def pick(readers: Mapping[str, Reader], wanted: FieldTree, default: str) -> dict[str, Any]:
    """Answer the wanted fields, or the defaults when none were named; `id` always comes along."""
    tree = wanted or parse_fields(default)
    for name in tree:
        if name not in readers:
            raise MetaError("field", field=name)
    values = {name: readers[name](tree[name]) for name in tree}
    if "id" in readers:
        values.setdefault("id", readers["id"](Wanted()))
    return {name: value for name, value in values.items() if value is not None}


def constant(value: object) -> Reader:
    """Answer the same however it is asked for."""
    return lambda _wanted: value


def constants(values: Mapping[str, object]) -> dict[str, Reader]:
    """Turn plain values into readers."""
    return {name: constant(value) for name, value in values.items()}


def unfilled(*names: str) -> dict[str, Reader]:
    """Know fields nobody here has filled in: Meta leaves such out of its answer."""
    return dict.fromkeys(names, constant(None))


def listing(value: object) -> list[str]:
    """Read a list parameter: a comma list, a JSON list in a string, or a real list."""
    if isinstance(value, str) and value.startswith("["):
        with suppress(ValueError):
            value = read_json(value)
    if isinstance(value, list):
        return [str(item) for item in value]
    text = str(value or "").strip().strip("[]")
    return [item.strip().strip("\"'") for item in text.split(",") if item.strip()]
