"""Erase what is kept about a person, or about a whole account."""

from django.db import transaction
from django.db.models import QuerySet

from social_integrations.models import ConnectedAccount, Contact, Job, Message, WebhookEvent

from .archiving import purge_copies


@transaction.atomic
def erase_contacts(contacts: QuerySet[Contact]) -> int:
    """Delete people with their conversations, messages and ledger items; return how many people."""
    chosen = list(contacts.select_related("account").defer("account__access_token"))
    for contact in chosen:
        _ledger_of(contact.account).filter(contact_igsid=contact.igsid).delete()
        Job.objects.filter(payload__contact=contact.pk).delete()
        purge_copies(Message.objects.filter(conversation__contact=contact))
        contact.delete()
    return len(chosen)


@transaction.atomic
def erase_account(*, account: ConnectedAccount) -> int:
    """Delete an account, its token and all that was received for it; return how many people.

    Meta is not told: what it still delivers is kept as orphaned until its webhook is switched off.
    """
    people = erase_contacts(account.contacts.all())
    _ledger_of(account).delete()
    account.delete()
    return people


def _ledger_of(account: ConnectedAccount) -> QuerySet[WebhookEvent]:
    ids = [found for found in (account.instagram_account_id, account.app_scoped_id) if found]
    return WebhookEvent.objects.filter(instagram_account_id__in=ids)
