"""Find the ledger items about people: by id, by their messages, and by searching the text."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import TypeAlias

from django.db.models import F, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat, Substr

from social_integrations.models import ConnectedAccount, Contact, Message, WebhookEvent

KEYS_PER_QUERY = 1000
# Shorter or odder ids are not searched for in texts: they would be found in other people's.
SEARCHABLE_ID = re.compile(r"[0-9A-Za-z_]{6,64}", re.ASCII)

Events: TypeAlias = QuerySet[WebhookEvent]


def account_ids(account: ConnectedAccount) -> list[str]:
    """Return the ids Meta may name the account by."""
    return [found for found in (account.instagram_account_id, account.app_scoped_id) if found]


def of_account(account: ConnectedAccount) -> Iterator[Events]:
    """Yield all items of an account, also unreadable ones that contain its id."""
    yield WebhookEvent.objects.filter(instagram_account_id__in=account_ids(account))
    yield _containing(account_ids(account), [""])


def separable(contacts: Collection[Contact]) -> Iterator[Events]:
    """Yield the items that are about these people and nobody else."""
    yield _naming(contacts)
    messages = Message.objects.filter(conversation__contact__in=[each.pk for each in contacts])
    yield from _holding(messages)
    yield _awaiting(messages, contacts)


def inseparable(contacts: Collection[Contact]) -> Iterator[Events]:
    """Yield items that name no person but contain one's id: a body nobody could take apart.

    They may be about others as well.
    """
    accounts = {found for each in contacts for found in account_ids(each.account)}
    yield _containing([each.igsid for each in contacts], ["", *sorted(accounts)])


def _naming(contacts: Collection[Contact]) -> Events:
    wanted = Q(pk__in=[])
    for ids, igsids in _by_account(contacts):
        wanted |= Q(instagram_account_id__in=ids, contact_igsid__in=igsids)
    return WebhookEvent.objects.filter(wanted)


def _by_account(contacts: Collection[Contact]) -> Iterator[tuple[list[str], list[str]]]:
    igsids: dict[ConnectedAccount, list[str]] = defaultdict(list)
    for contact in contacts:
        igsids[contact.account].append(contact.igsid)
    for account, found in igsids.items():
        yield account_ids(account), found


def _holding(messages: QuerySet[Message]) -> Iterator[Events]:
    """Yield the items messages were made of; an edit may name no person but its message."""
    keys: set[str] = set()
    for listed in messages.order_by().values_list("ledger_keys", flat=True).iterator():
        keys.update(listed)
    ordered = sorted(keys)
    for start in range(0, len(ordered), KEYS_PER_QUERY):
        yield WebhookEvent.objects.filter(event_key__in=ordered[start : start + KEYS_PER_QUERY])
    unnamed = messages.order_by().exclude(event_key=None).values("event_key")
    shown = messages.order_by().exclude(origin="").annotate(key=Substr("origin", 2)).values("key")
    yield WebhookEvent.objects.filter(Q(event_key__in=unnamed) | Q(event_key__in=shown))


def _awaiting(messages: QuerySet[Message], contacts: Collection[Contact]) -> Events:
    """Return the items that wait for one of the messages, or for one of the people."""
    named = messages.order_by().exclude(mid=None)
    mids = named.annotate(awaited=Concat(Value("mid:"), F("mid"))).values("awaited")
    accounts = {each.account_id for each in contacts}
    people = [f"contact:{each.igsid}" for each in contacts]
    waiting = WebhookEvent.objects.filter(account__in=accounts).exclude(awaits="")
    return waiting.filter(Q(awaits__in=mids) | Q(awaits__in=people))


def _containing(ids: Collection[str], accounts: Collection[str]) -> Events:
    """Return the items of the accounts that name no person and contain one of the ids as a word."""
    words = [found for found in ids if SEARCHABLE_ID.fullmatch(found)]
    if not words:
        return WebhookEvent.objects.none()
    pattern = rf"(^|[^0-9A-Za-z_])({'|'.join(words)})([^0-9A-Za-z_]|$)"
    unnamed = WebhookEvent.objects.filter(contact_igsid="", instagram_account_id__in=accounts)
    return unnamed.alias(content=Cast("payload", TextField())).filter(content__regex=pattern)
