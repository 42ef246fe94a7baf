"""Looking up hundreds of texts at once, whatever the number of rows."""

from collections.abc import Collection
from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL


def among(texts: Collection[str]) -> Any:
    """Return the right side of an `__in` lookup.

    PostgreSQL plans a prepared statement with hundreds of parameters once for all values, then
    reads every row and compares it with one parameter after the other: 500 times slower than
    joining with one array, through the index.
    """
    if connection.vendor != "postgresql":
        return list(texts)
    return RawSQL("SELECT unnest(%s::text[])", [list(texts)])
