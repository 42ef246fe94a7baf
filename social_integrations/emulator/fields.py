"""Meta's `fields=` language: names, nested expansion, and the answer cut to size."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from .errors import MetaError

FieldTree = dict[str, "FieldTree"]
Reader = Callable[[FieldTree], Any]
"""Produces one field's value; gets the nested fields asked for. None leaves the field out."""

TOKEN = re.compile(r"\s*([A-Za-z0-9_]+(?:\.[a-z_]+\([^)]*\))*|[{},])\s*")


def parse_fields(text: str) -> FieldTree:
    """Read `id,account{id,username}` into a tree; modifiers such as `.limit(5)` are ignored."""
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
            last = stack[-1].setdefault(word.partition(".")[0], {})
    if len(stack) > 1:
        raise MetaError("fields_syntax", position=position)
    return root


def pick(readers: Mapping[str, Reader], wanted: FieldTree, default: str) -> dict[str, Any]:
    """Answer the wanted fields, or the defaults when none were named; `id` always comes along."""
    tree = wanted or parse_fields(default)
    for name in tree:
        if name not in readers:
            raise MetaError("field", field=name)
    values = {name: readers[name](tree[name]) for name in tree}
    if "id" in readers:
        values.setdefault("id", readers["id"]({}))
    return {name: value for name, value in values.items() if value is not None}


def constant(value: object) -> Reader:
    """Answer the same whatever is nested."""
    return lambda _nested: value


def constants(values: Mapping[str, object]) -> dict[str, Reader]:
    """Turn plain values into readers."""
    return {name: constant(value) for name, value in values.items()}


def listing(value: object) -> list[str]:
    """Read a list parameter: a comma list, a JSON list in a string, or a real list."""
    if isinstance(value, list):
        return [str(item) for item in value]
    text = str(value or "").strip().strip("[]")
    return [item.strip().strip('"') for item in text.split(",") if item.strip()]
