"""Locking ledger rows without waiting for other workers."""

from typing import TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)


def skip_locked(rows: QuerySet[M]) -> QuerySet[M]:
    """Lock the rows, leaving out those another worker holds.

    Workers hold ledger rows before they lock conversations. Whoever waited for a ledger row later
    would close a circle. Where the database has no row locks, one writer at a time is the rule.
    """
    if connection.features.has_select_for_update_skip_locked:
        return rows.select_for_update(skip_locked=True)
    return rows
