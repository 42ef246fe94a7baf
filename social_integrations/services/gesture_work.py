"""The worker's side of reactions, typing, reading and taking over: one call to Meta each."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from social_integrations.exceptions import (
    AccountOnHold,
    GraphError,
    GraphPausedError,
    GraphRefusedError,
)
from social_integrations.graph.client import GraphClient
from social_integrations.graph.errors import explain
from social_integrations.graph.sends import (
    MESSAGES,
    TAKE_THREAD_CONTROL,
    reaction_body,
    sender_action_body,
    take_over_body,
)
from social_integrations.models import ConnectedAccount, Conversation, Message, Reaction

from . import budget
from .clients import app_credentials, client_for_account, flavour_of
from .delivering import family_of, heed
from .gestures import MARK_SEEN
from .guarding import guarded
from .outbox import lock_conversation, touch, wake

# After so long a gesture would say what is no longer true.
FRESH = {MARK_SEEN: timedelta(minutes=5)}
FRESH_TYPING = timedelta(seconds=10)
GIVEN_UP_AFTER = timedelta(hours=1)
NOT_TAKEN = gettext_noop("Instagram did not take this reaction.")


def send_reaction(*, message_id: int) -> None:
    """Bring Meta the reaction the business wants to a message now; repeating it is harmless."""
    found = Message.objects.filter(pk=message_id).select_related("conversation__contact__account")
    message = found.first()
    if message is None or not message.mid:
        return
    account = message.conversation.contact.account
    wanted = _queued(account, message)
    if wanted is None:
        return
    emoji = "" if wanted.removed_at else wanted.emoji
    body = reaction_body(
        message.conversation.contact.igsid, message.mid, emoji, flavour_of(account.login)
    )
    try:
        _call(account, MESSAGES, body)
    except GraphRefusedError as error:
        row = explain(error.code, error.subcode)
        if row.retryable:
            raise
        _note(message, wanted, Reaction.Delivery.FAILED, row.sentence)
    else:
        _note(message, wanted, Reaction.Delivery.SENT)


def give_up_reactions() -> None:
    """Fail reactions that have waited too long for a job that was given up."""
    before = timezone.now() - GIVEN_UP_AFTER
    connected = ConnectedAccount.Status.CONNECTED
    waiting = Reaction.objects.filter(
        delivery=Reaction.Delivery.QUEUED, reacted_at__lt=before, message__account__status=connected
    )
    for reaction in waiting.select_related("message"):
        _note(reaction.message, reaction, Reaction.Delivery.FAILED, NOT_TAKEN)


def send_sender_action(*, conversation_id: int, action: str, at: datetime) -> None:
    """Show typing or reading, once and only while it is true."""
    if timezone.now() - at > FRESH.get(action, FRESH_TYPING):
        return
    found = Conversation.objects.filter(pk=conversation_id).select_related("contact__account")
    conversation = found.first()
    if conversation is None or not conversation.contact.account.is_active:
        return
    contact = conversation.contact
    try:
        # The right to it may be missing where the right to answer is not.
        _call(
            contact.account, MESSAGES, sender_action_body(contact.igsid, action), permissions=False
        )
    except (GraphError, AccountOnHold):
        return


def carry_out_take_over(*, conversation_id: int) -> None:
    """Ask Meta for control of a thread; what was refused for it can be sent once it is ours."""
    found = Conversation.objects.filter(pk=conversation_id).select_related("contact__account")
    conversation = found.first()
    if conversation is None:
        return
    account, igsid = conversation.contact.account, conversation.contact.igsid
    client = _call(account, f"{account.page_id}/{TAKE_THREAD_CONTROL}", take_over_body(igsid))
    with transaction.atomic():
        locked = lock_conversation(conversation.pk)
        touch(
            locked,
            thread_owner=app_credentials(account.login).app_id,
            thread_owner_at=client.date or timezone.now(),
        )
        wake(locked)


def _call(
    account: ConnectedAccount, path: str, body: dict[str, object], *, permissions: bool = True
) -> GraphClient:
    """Call Meta in the account's turn. Raises `GraphPausedError` where it throttles."""
    with guarded(account, permissions=permissions):
        client = client_for_account(account)
        budget.wait_for_turn(account_id=account.pk, family=family_of(account, "text"))
        try:
            client.post_json(path, body)
        except GraphError as error:
            heed(client, account, error)
            if budget.is_throttled(client.usage, error):
                raise GraphPausedError(budget.pause_after(client.usage, error)) from None
            raise
        heed(client, account)
    return client


def _queued(account: ConnectedAccount, message: Message) -> Reaction | None:
    own = Reaction.objects.filter(message=message, actor_id=account.instagram_account_id)
    return own.filter(delivery=Reaction.Delivery.QUEUED).first()


def _note(message: Message, sent: Reaction, delivery: str, error_text: str = "") -> None:
    """Note what became of a reaction, unless another one is wanted by now."""
    with transaction.atomic():
        conversation = lock_conversation(message.conversation_id)
        same = Reaction.objects.filter(
            pk=sent.pk, reacted_at=sent.reacted_at, delivery=Reaction.Delivery.QUEUED
        )
        if same.update(delivery=delivery, error_text=error_text):
            touch(conversation)
