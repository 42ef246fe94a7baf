"""Looking up hundreds of texts or keys at once, whatever the number of rows."""

from collections.abc import Collection
from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL


def among(values: Collection[str] | Collection[int]) -> Any:
    """Return the right side of an `__in` lookup.

    PostgreSQL plans a prepared statement with hundreds of parameters once for all values, then
    reads every row and compares it with one parameter after the other: 500 times slower than
    joining with one array, through the index. And a statement with a parameter for each value is
    another one for every number of values: never prepared, taken apart anew each time.
    """
    if connection.vendor != "postgresql" or not values:  # without values, Django asks nothing
        return list(values)
    if isinstance(next(iter(values)), int):
        return RawSQL("SELECT unnest(%s::bigint[])", [list(values)])
    return RawSQL("SELECT unnest(%s::text[])", [list(values)])
