"""Fetch messages from Meta that were never delivered, and put them into the ledger."""

from collections.abc import Collection

from django.db.models import Q, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from social_integrations.exceptions import GraphRefusedError
from social_integrations.graph.conversations import read_message
from social_integrations.graph.errors import explain
from social_integrations.models import ConnectedAccount, Message, WebhookEvent

from .budget import CONVERSATIONS, PacedClient
from .clients import client_for_account
from .guarding import guarded
from .intake import store_imported

# Items that will be applied without anybody's doing.
WAITING = (WebhookEvent.Status.RECEIVED, WebhookEvent.Status.ORPHANED)
# Where a ledger payload keeps the id of its message: an item, a change, one read from Graph.
# As text of its own, because a lookup inside JSON takes its right side for JSON too.
MID_PLACES = {
    "in_item": Cast(KT("payload__message__mid"), TextField()),
    "in_change": Cast(KT("payload__value__message__mid"), TextField()),
    "imported": Cast(KT("payload__id"), TextField()),
}


def paced_client(account: ConnectedAccount) -> PacedClient:
    """Return a client for the account's conversations that keeps to Meta's two calls a second."""
    return PacedClient(client_for_account(account), account_id=account.pk, family=CONVERSATIONS)


def known_mids(account: ConnectedAccount, mids: Collection[str]) -> set[str]:
    """Return which messages we have: stored, or waiting in the ledger to be applied."""
    stored = Message.objects.filter(account=account, mid__in=mids)
    ids = [found for found in (account.instagram_account_id, account.app_scoped_id) if found]
    waiting = WebhookEvent.objects.filter(status__in=WAITING, instagram_account_id__in=ids)
    known = {mid for mid in stored.values_list("mid", flat=True) if mid}
    anywhere = Q(*((f"{place}__in", mids) for place in MID_PLACES), _connector=Q.OR)
    found = waiting.annotate(**MID_PLACES).filter(anywhere).values_list(*MID_PLACES)
    return known | {mid for places in found for mid in places if mid in mids}


def fetch_message(*, account_id: int, mid: str) -> None:
    """Read one message from Meta into the ledger, unless we have it; what is gone ends quietly.

    Meta: a `message_edit` with `num_edit` 0 may be all that is delivered of a new message. Raises
    GraphError where another try may help, and `AccountOnHold` while the account has to be connected
    again.
    """
    account = ConnectedAccount.objects.defer("access_token").filter(pk=account_id).first()
    if account is None or not account.is_active or known_mids(account, [mid]):
        return
    try:
        with guarded(account):
            if not account.access_token:
                return
            message = read_message(paced_client(account), mid)
    except GraphRefusedError as error:
        if explain(error.code, error.subcode).retryable:
            raise
    else:
        store_imported(account, [message])
