"""Who asks, whether they may read, and what changed for them: one written-out statement.

Says the same as the policy that comes with the app and Django's own backend; where a host has
another, `can_look` is false and the feed asks them.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connections, router

from social_integrations.access import (
    APP,
    HOLDS,
    READ,
    SEES,
    VIEW_CODENAME,
    can_poll,
    stored_key,
    table_names,
)
from social_integrations.models import ConnectedAccount, Contact, Conversation

LOOK = f"""
SELECT person.password, person.is_superuser OR ({HOLDS} AND {HOLDS}), thread.id, thread.changed_at
FROM {{person}} person
LEFT JOIN (
    {{thread}} thread JOIN {{contact}} contact ON contact.id = thread.contact_id
    JOIN {{account}} account ON account.id = contact.account_id
) ON thread.changed_at > %s AND {SEES}
WHERE person.{{key}} = %s AND person.is_active
ORDER BY thread.changed_at, thread.id LIMIT %s
"""  # noqa: S608 - made of constants
READ_CODENAMES = tuple(name.partition(".")[2] for name in READ)


@dataclass(frozen=True, slots=True)
class Look:
    """A person, and the changes they may know of."""

    password: str
    """As stored, for whoever has to tell whether a token still stands."""
    may_read: bool
    changes: tuple[tuple[int, datetime], ...]
    """Conversations with the moments they changed, the oldest first."""


def can_look() -> bool:
    """Return whether the statement says what the policy says."""
    return can_poll("conversations_for", "may_read")


def look(user_key: Any, since: datetime, limit: int) -> Look | None:
    """Return what changed later than a moment; None where nobody active has the key."""
    connection = connections[router.db_for_read(Conversation)]
    moment = connection.ops.adapt_datetimefield_value(since)
    rights = [value for name in READ_CODENAMES for value in (name, APP)]
    key = stored_key(user_key, connection)
    values = [*rights, moment, VIEW_CODENAME, APP, key, limit]
    with connection.cursor() as cursor:
        cursor.execute(_statement(), values)
        rows = cursor.fetchall()
    if not rows:
        return None
    changes = tuple((row[2], _moment(connection, row[3])) for row in rows if row[2] is not None)
    return Look(rows[0][0], bool(rows[0][1]), changes)


@cache
def _statement() -> str:
    """Return the SQL with this project's tables."""
    tables = {
        "thread": Conversation._meta.db_table,
        "contact": Contact._meta.db_table,
        "account": ConnectedAccount._meta.db_table,
    }
    return LOOK.format(**table_names() | tables)


def _moment(connection: Any, value: Any) -> datetime:
    """Return a moment as Django's own queries do: SQLite has texts."""
    column: Any = Conversation._meta.get_field("changed_at").get_col("thread")
    for convert in connection.ops.get_db_converters(column):
        value = convert(value, column, connection)
    found: datetime = value
    return found
