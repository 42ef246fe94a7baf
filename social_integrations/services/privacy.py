"""Erase what is kept about a person."""

from django.db import transaction
from django.db.models import QuerySet

from social_integrations.models import Contact, Job, WebhookEvent


@transaction.atomic
def erase_contacts(contacts: QuerySet[Contact]) -> int:
    """Delete people with their conversations, messages and ledger items; return how many people."""
    chosen = list(contacts.select_related("account").defer("account__access_token"))
    for contact in chosen:
        account = contact.account
        ids = [found for found in (account.instagram_account_id, account.app_scoped_id) if found]
        WebhookEvent.objects.filter(
            instagram_account_id__in=ids, contact_igsid=contact.igsid
        ).delete()
        Job.objects.filter(payload__contact=contact.pk).delete()
        contact.delete()
    return len(chosen)
