"""Stop acting for an account: the part that needs nothing from Meta."""

from functools import partial

from django.db import transaction
from django.db.models import QuerySet

from social_integrations.models import (
    Attachment,
    ConnectedAccount,
    Contact,
    Conversation,
    Job,
    Message,
)
from social_integrations.signals import account_disconnected

from . import jobs

NOT_SENT = "It was not sent: the account was disconnected."


@transaction.atomic
def disconnect(*, account: ConnectedAccount, reason: str) -> bool:
    """Erase the token, cancel the account's jobs and say why; return whether it was connected.

    What was received stays, and what still comes is still taken in. Meta is not told. Doing it
    again changes nothing. After the commit: the signal `account_disconnected`.
    """
    accounts = ConnectedAccount.objects.defer("access_token").select_for_update()
    found = accounts.filter(pk=account.pk).first()
    if found is None:
        return False
    was_connected = found.status != ConnectedAccount.Status.DISCONNECTED
    if was_connected:
        found.status = ConnectedAccount.Status.DISCONNECTED
        found.status_reason = reason
    # Also where it stands as disconnected already: no token may survive in such a row.
    found.access_token = ""
    found.token_expires_at = found.webhook_subscribed_at = None
    found.save(
        update_fields=[
            "access_token",
            "token_expires_at",
            "webhook_subscribed_at",
            "status",
            "status_reason",
        ]
    )
    jobs.cancel(jobs_of(found))
    Message.objects.filter(account=found, status=Message.Status.QUEUED).update(
        status=Message.Status.FAILED, error_code="disconnected", error_text=NOT_SENT
    )
    if was_connected:
        transaction.on_commit(
            partial(
                account_disconnected.send_robust,
                sender=ConnectedAccount,
                account=found,
                reason=reason,
            )
        )
    return was_connected


def jobs_of(account: ConnectedAccount) -> QuerySet[Job]:
    """Return the jobs about an account, or about anything it received."""
    return jobs.about(
        {
            "account": ConnectedAccount.objects.filter(pk=account.pk),
            "contact": Contact.objects.filter(account=account),
            "conversation": Conversation.objects.filter(contact__account=account),
            "message": Message.objects.filter(account=account),
            "attachment": Attachment.objects.filter(message__account=account),
        }
    )
