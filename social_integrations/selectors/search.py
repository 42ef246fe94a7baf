"""Finding conversations by who somebody is, and by what was written.

On PostgreSQL both are looked up in indexes (migration 0004) made of the rows themselves: a text
that was unsent or erased is gone from them with its row. Elsewhere the rows are read.
"""

from typing import Any

from django.db import connection
from django.db.models import BooleanField, F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Lower

from social_integrations.models import ConnectedAccount, Contact, Message

# The newest messages that hold the words; what lies further back is found by more words.
MOST_MATCHES = 500
MAX_WORDS = 8
KNOWN_BY = ("username", "name", "igsid", "crm_reference")


class KnownBy(Func):
    """Everything a person is known by, in small letters, one a line: the indexed expression."""

    template = "lower(%(expressions)s)"
    arg_joiner = " || chr(10) || "
    output_field = TextField()


class HoldsWords(Func):
    """Whether a text holds all words of a query; its left side is the indexed expression.

    Only the beginning of a text is indexed: PostgreSQL refuses rows with more than a megabyte of
    words, and what Meta delivers is not ours to limit.
    """

    template = "to_tsvector('simple'::regconfig, left(%(expressions)s)"
    arg_joiner = ", 4000)) @@ to_tsquery('simple'::regconfig, "
    output_field = BooleanField()


def in_contacts(text: str) -> Q:
    """Return a condition on conversations: something the person is known by holds the text."""
    if not is_indexed():
        found = ((f"contact__{name}__icontains", text) for name in KNOWN_BY)
        return Q(*found, _connector=Q.OR)
    people = Contact.objects.annotate(known_by=KnownBy(*map(F, KNOWN_BY)))
    return Q(contact__in=people.filter(known_by__contains=Lower(Value(text))).values("pk"))


def in_messages(text: str, accounts: QuerySet[ConnectedAccount]) -> QuerySet[Any, Any]:
    """Return the conversations of the newest messages that hold the words of a text.

    On PostgreSQL each must begin a word there; elsewhere the text must be found as it is.
    """
    seen = Message.objects.filter(account__in=accounts)
    if is_indexed():
        seen = seen.filter(HoldsWords(F("text"), Value(words_query(text))))
    else:
        seen = seen.filter(text__icontains=text)
    return seen.order_by("-sent_at", "-id").values("conversation")[:MOST_MATCHES]


def words_query(text: str) -> str:
    """Return PostgreSQL's query for texts with all of the words, or words that begin like them."""
    words = (word.replace("\\", "").replace("'", "''") for word in text.split()[:MAX_WORDS])
    return " & ".join(f"'{word}':*" for word in words if word)


def is_indexed() -> bool:
    """Return whether the database has the indexes."""
    return connection.vendor == "postgresql"
