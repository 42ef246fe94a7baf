"""Tell a person what is kept about them."""

from typing import Any

from django.core import serializers
from django.db.models import Model, QuerySet
from django.utils import timezone

from social_integrations.models import Contact, Note

from .inventory import STORES, People

# Staff are other people: who was assigned, who answered, who chose a file, who wrote a note.
OTHERS = frozenset({"assigned_to", "sent_by", "uploaded_by"})
NOTE_OTHERS = OTHERS | {"author"}


def export_contact(*, contact_id: int) -> dict[str, Any]:
    """Return everything held about a contact, by kind of row; raise `Contact.DoesNotExist`.

    Ledger items that are about others as well are counted, not shown.
    """
    contact = Contact.objects.select_related("account").defer("account__access_token")
    found = contact.get(pk=contact_id)
    people = People(Contact.objects.filter(pk=contact_id))
    shared = 0
    held: dict[str, list[dict[str, Any]]] = {}
    for store in STORES:
        if store.model is None or store.find is None:
            continue
        rows = {row.pk: row for rows in store.find(people) for row in rows}
        held[store.model._meta.model_name or ""] = [_fields(row) for row in rows.values()]
        if store.others_too:
            shared += sum(_beside(rows, others) for others in store.others_too(people))
    return {
        "exported_at": timezone.now(),
        "account": {
            "instagram_account_id": found.account.instagram_account_id,
            "username": found.account.username,
        },
        "held": held,
        "ledger_items_shared_with_others": shared,
    }


def _beside(rows: dict[int, Model], others: QuerySet[Any]) -> int:
    return others.exclude(pk__in=list(rows)).count()


def _fields(row: Model) -> dict[str, Any]:
    """Return a row's own fields as Django's serializers give them."""
    others = NOTE_OTHERS if isinstance(row, Note) else OTHERS
    names = [field.name for field in row._meta.concrete_fields if field.name not in others]
    [plain] = serializers.serialize("python", [row], fields=names)
    return {"id": row.pk, **plain["fields"]}
