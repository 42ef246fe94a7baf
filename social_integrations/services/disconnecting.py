"""Disconnect an account: forget its token, stop its work, keep its messages, tell Meta."""

import logging
from functools import partial

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.db.models import QuerySet

from social_integrations.exceptions import SocialIntegrationsError
from social_integrations.graph.client import GraphClient
from social_integrations.models import (
    Attachment,
    ConnectedAccount,
    Contact,
    Conversation,
    Job,
    Message,
)

from . import jobs
from .clients import client_for_account
from .states import TRANSITIONS, Event, Words, move
from .subscribing import unsubscribe

logger = logging.getLogger(__name__)

NOT_TOLD = (
    "Meta could not be told and may go on delivering; remove the app in the account's own settings "
    "at Instagram or Facebook."
)


def disconnect(
    *, account: ConnectedAccount, reason: str, by: AbstractBaseUser | AnonymousUser | None = None
) -> bool:
    """Disconnect the account here; return whether it was connected. Meta is not told.

    `reason` is a key of `states.TRANSITIONS`, or a sentence of the caller's own. The token is
    erased, and unfinished jobs and unsent messages are given up, in one transaction. What was
    received stays, and what still comes is still taken in. After the commit: the signal
    `account_disconnected`.
    """
    event, words = _understood(reason)
    with transaction.atomic():
        jobs.cancel(jobs_of(account))
        _give_up_unsent(account)
        # Also where it stands as disconnected already: no token may survive in such a row.
        ConnectedAccount.objects.filter(pk=account.pk).update(
            access_token="",
            token_expires_at=None,
            refresh_leased_until=None,
            webhook_subscribed_at=None,
        )
        return move(account=account, event=event, words=words, facts={"by": by})


def _give_up_unsent(account: ConnectedAccount) -> None:
    """Let the worker fail what is queued: each write needs the lock of its conversation.

    The account may be locked here, and applying locks conversations first.
    """
    queued = Message.objects.filter(account_id=account.pk, status=Message.Status.QUEUED)
    ids = sorted(set(queued.values_list("conversation", flat=True)))
    jobs.enqueue_all(jobs.NewJob(jobs.SEND_MESSAGES, {"conversation": pk}) for pk in ids)


def jobs_of(account: ConnectedAccount) -> QuerySet[Job]:
    """Return the jobs about an account, or about anything it received."""
    return jobs.about(
        {
            "account": ConnectedAccount.objects.filter(pk=account.pk),
            "contact": Contact.objects.filter(account_id=account.pk),
            "conversation": Conversation.objects.filter(contact__account_id=account.pk),
            "message": Message.objects.filter(account_id=account.pk),
            "attachment": Attachment.objects.filter(message__account_id=account.pk),
        }
    )


def disconnect_at_meta(
    *, account: ConnectedAccount, reason: str, by: AbstractBaseUser | AnonymousUser | None = None
) -> None:
    """Disconnect the account here, then ask Meta to deliver no more, as well as it goes.

    Meta is called after the commit, so never inside a transaction. What it answers cannot undo
    anything; where it could not be told, the account says so.
    """
    if account.status == ConnectedAccount.Status.DISCONNECTED:
        return
    client = _last_client(account)  # built now: the token is about to be erased
    disconnect(account=account, reason=reason, by=by)
    transaction.on_commit(partial(_tell_meta, account, client))


def _last_client(account: ConnectedAccount) -> GraphClient | None:
    try:
        return client_for_account(account, even_on_hold=True) if account.access_token else None
    except SocialIntegrationsError as error:  # no key fits the token, or there is no app secret
        logger.warning("Account %s: %s", account.instagram_account_id, type(error).__name__)
        return None


def _tell_meta(account: ConnectedAccount, client: GraphClient | None) -> None:
    if client is None or not unsubscribe(client, account=account):
        disconnected = ConnectedAccount.Status.DISCONNECTED
        ConnectedAccount.objects.filter(pk=account.pk, status=disconnected).update(
            status_action=NOT_TOLD
        )


def _understood(reason: str) -> tuple[Event, Words | None]:
    if reason in set(Event):
        return Event(reason), None
    return Event.DISCONNECTED, Words(reason, TRANSITIONS[Event.DISCONNECTED].action)
