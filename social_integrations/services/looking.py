"""Look at Meta for a message whose fate is unknown; what is found comes in as every copy does.

The copy settles our row when it is applied (`merging.could_be`). Nothing here decides that a
message did not arrive, except where Meta itself had refused it and does not show it either.
"""

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.utils import timezone

from social_integrations.events.imported import read_imported
from social_integrations.events.types import MessageEvent
from social_integrations.exceptions import GraphRefusedError, PayloadError
from social_integrations.graph.client import GraphReader
from social_integrations.graph.conversations import (
    find_thread,
    has_content,
    read_message,
    read_newest,
)
from social_integrations.graph.errors import explain
from social_integrations.models import ConnectedAccount, Message

from .guarding import guarded
from .importing import paced_client
from .intake import store_imported
from .merging import could_be
from .outbox import lock_conversation, set_error, touch, wake
from .outcomes import MAX_TEMPORARY_TRIES, SEND_AGAIN, fail
from .unknown import LOOKS, NOT_FOUND

Status = Message.Status

# Of messages Meta lists without content, so many of the newest are read one by one.
READ_SINGLY = 6


def look_for(*, message_id: int, look: int = 0, resend: bool = False) -> None:
    """Look for a message of unknown fate among the newest of its conversation at Meta.

    With `resend` it is queued again where Meta does not show it, a few times. Raises `GraphError`
    where another look may help, and `AccountOnHold` while the account has to be connected again.
    """
    message = _unknown(message_id).select_related("conversation__contact__account").first()
    if message is None:
        return
    found = _is_there(message)
    if found:
        return  # applying settles it
    seen = found is False
    with transaction.atomic():
        _not_there(message, resend=resend and seen, is_last=look >= len(LOOKS) or resend)


def _is_there(message: Message) -> bool | None:
    """Return whether Meta shows it, None where Meta does not show the conversation."""
    account = message.conversation.contact.account
    try:
        with guarded(account):
            newest = _read(paced_client(account), account, message.conversation.contact.igsid)
    except GraphRefusedError as error:
        if explain(error.code, error.subcode).retryable:
            raise
        return None
    if newest is None:
        return None
    readable = [(one, event) for one in newest if (event := _understood(account, one))]
    store_imported(account, [one for one, _event in readable])
    mids = {event.mid for _one, event in readable if event.mid}
    known = set(Message.objects.filter(account=account, mid__in=mids).values_list("mid", flat=True))
    return any(
        event.outbound
        and event.mid not in known
        and could_be(message, event, event.occurred_at or timezone.now())
        for _one, event in readable
    )


def _read(
    client: GraphReader, account: ConnectedAccount, igsid: str
) -> list[dict[str, Any]] | None:
    by_page = account.login == ConnectedAccount.Login.FACEBOOK
    thread = find_thread(client, account.page_id if by_page else "me", igsid)
    return list(_with_content(client, account, thread)) if thread else None


def _with_content(
    client: GraphReader, account: ConnectedAccount, thread: str
) -> Iterator[dict[str, Any]]:
    messages = read_newest(client, thread).messages
    bare = [one["id"] for one in messages if not has_content(one)][:READ_SINGLY]
    known = Message.objects.filter(account=account, mid__in=bare).values_list("mid", flat=True)
    to_read = set(bare) - set(known)
    for one in messages:
        if has_content(one):
            yield one
        elif one["id"] in to_read:
            yield read_message(client, one["id"])


def _understood(account: ConnectedAccount, one: dict[str, Any]) -> MessageEvent | None:
    try:
        return read_imported(
            one,
            account.instagram_account_id,
            app_scoped_id=account.app_scoped_id,
            username=account.username,
        )
    except PayloadError:
        return None


def _not_there(looked: Message, *, resend: bool, is_last: bool) -> None:
    """Note that Meta does not show it, unless its echo settled it meanwhile."""
    conversation = lock_conversation(looked.conversation_id)
    message = _unknown(looked.pk).filter(send_started_at=looked.send_started_at).first()
    if message is None or not (resend or is_last):
        return
    if not resend:
        hand_over(message)
    elif message.send_attempts >= MAX_TEMPORARY_TRIES:
        fail(message, message.error_code, message.error_text, SEND_AGAIN)
    else:
        message.status = Status.QUEUED
        message.save()
    touch(conversation)
    wake(conversation)


def hand_over(message: Message) -> None:
    """Leave it to a person to say what became of a message."""
    set_error(message, message.error_code, message.error_text, NOT_FOUND)
    message.save()


def _unknown(message_id: int) -> Any:
    return Message.objects.filter(pk=message_id, status=Status.UNKNOWN)
