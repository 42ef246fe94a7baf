"""Take a conversation over from another app, through the worker."""

import logging

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext

from social_integrations.exceptions import DraftError, SendRefused
from social_integrations.models import ConnectedAccount, Conversation, Job

from .jobs import TAKE_OVER, NewJob, enqueue_all
from .outbox import policy_for

logger = logging.getLogger(__name__)


@transaction.atomic
def take_over(*, conversation: Conversation, by: AbstractBaseUser | None = None) -> None:
    """Ask Meta for control of a conversation another app holds; it shows once Meta has agreed.

    Raises `DraftError` where Meta offers no such call (Instagram Login) and `SendRefused` where the
    account is disconnected.
    """
    account = conversation.contact.account
    if account.login != ConnectedAccount.Login.FACEBOOK:
        raise DraftError(
            "take_over",
            gettext("Through this connection Instagram lets no app take a conversation over."),
            gettext("Answer in the app that holds it, or in the Instagram app."),
        )
    if account.status == ConnectedAccount.Status.DISCONNECTED:
        raise SendRefused(policy_for(conversation))
    logger.info("Conversation %s: user %s takes over", conversation.pk, by.pk if by else "-")
    payload = {"conversation": conversation.pk}
    # What was refused waits minutes for another try, and whoever is impatient presses often.
    Job.objects.filter(state=Job.State.READY, name=TAKE_OVER, payload=payload).delete()
    enqueue_all([NewJob(TAKE_OVER, payload)])
