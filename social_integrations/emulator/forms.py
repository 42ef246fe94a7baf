"""Parameters as Graph's clients write them: brackets in names, and JSON as people type it."""

import json
import re
from collections.abc import Iterable
from typing import Any

# Deeper than any call of Meta's; a name with more brackets is only a name.
BRACKETED = re.compile(r"\w+(\[\w*\]){1,20}")
# A string in either quotes, the name of a property without quotes, a comma too many.
LOOSE = re.compile(
    r"""("(?:[^"\\]|\\.)*")|'((?:[^'\\]|\\.)*)'|([A-Za-z_]\w*)(?=\s*:)|,(?=\s*[}\]])"""
)


def read_pairs(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Read names and values; `recipient[id]=1`, as PHP's clients write it, is an object."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        spot, key = tree, name
        if BRACKETED.fullmatch(name):
            key, *parts = name.replace("]", "").split("[")
            for part in parts:
                if not isinstance(spot.get(key), dict):
                    spot[key] = {}
                spot = spot[key]
                key = part or str(len(spot))
        spot[key] = value
    return {name: _settled(value) for name, value in tree.items()}


def _settled(value: Any) -> Any:
    """Turn an object whose names count from 0 into a list."""
    if not isinstance(value, dict):
        return value
    inner = {name: _settled(part) for name, part in value.items()}
    counted = list(inner) == [str(index) for index in range(len(inner))]
    return list(inner.values()) if counted else inner


def read_json(text: str) -> Any:
    """Read the JSON in a form's field, or raise `ValueError`, also for what is nested too deeply.

    Meta's own examples write `{id:123}` and `{text:'Hi'}`, and leave commas behind.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError:
        return json.loads(LOOSE.sub(_strict, text))


def _strict(match: re.Match[str]) -> str:
    if match[1] is not None:
        return match[1]
    if match[2] is not None:
        return json.dumps(match[2].replace("\\'", "'"))
    return f'"{match[3]}"' if match[3] else ""
