"""Print what the conversations of accounts show, whatever rows are numbered and when they came."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django

django.setup()

from django.db.models import Model  # noqa: E402 - Django must be set up first

from social_integrations.models import Contact, Message, WebhookEvent  # noqa: E402

# Our clock and our fingerprints: they differ between two accounts that were told the same.
OURS = frozenset(
    {"id", "received_at", "changed_at", "checked_at", "file", "origin", "ledger_keys", "event_key"}
    | {"profile_fetched_at", "profile_state", "client_reference"}
)


def plain(row: Model) -> str:
    """Return everything a row says of itself, in one line."""
    told = {
        field.name: str(value)
        for field in row._meta.concrete_fields
        if not field.is_relation and field.name not in OURS
        if (value := field.value_from_object(row)) not in (None, "", 0)
    }
    return f"{type(row).__name__} {json.dumps(told, sort_keys=True)}"


def message(row: Message) -> str:
    """Return a message with what hangs on it."""
    parts: list[Any] = [*row.attachments.all(), *row.reactions.all(), *row.versions.all()]
    return " | ".join([plain(row), *sorted(map(plain, parts))])


def state(account_id: str) -> list[str]:
    """Return the end state of one account, line by line, its own id taken out."""
    contacts = Contact.objects.filter(account__instagram_account_id=account_id)
    lines = [
        f"{contact.igsid}: {line}"
        for contact in contacts.select_related("conversation")
        for line in [plain(contact), plain(contact.conversation)]
    ]
    messages = Message.objects.filter(account__instagram_account_id=account_id)
    lines += [
        f"{row.conversation.contact.igsid}: {message(row)}"
        for row in messages.select_related("conversation__contact")
    ]
    ledger = WebhookEvent.objects.filter(instagram_account_id=account_id)
    counts = Counter(ledger.values_list("kind", "status"))
    lines += [f"ledger {kind} {status}: {count}" for (kind, status), count in counts.items()]
    return sorted(line.replace(account_id, "ACCOUNT") for line in lines)


if __name__ == "__main__":
    print(json.dumps([state(account_id) for account_id in sys.argv[1:]]))
