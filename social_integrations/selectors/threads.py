"""One conversation: its messages, page by page, and what hangs on them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.db.models import QuerySet

from social_integrations.access import access_policy
from social_integrations.models import Attachment, Conversation, Message, Note, Upload

from .cursors import older, place

THREAD_LENGTH = 200
PAGE = 50


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Messages of a conversation, newest first."""

    messages: list[Message]
    next_cursor: str
    """Where older ones begin; empty where there are none."""


def messages_page(
    conversation: Conversation, *, before: str = "", limit: int = PAGE
) -> MessagePage:
    """Return messages with all that hangs on them, whatever their number in five statements.

    `conversation` should have its contact loaded. Raises `CursorError`.
    """
    rows = complete(conversation.messages.order_by("-sent_at", "-id"))
    if before:
        rows = older(rows, "sent_at", before)
    found = list(rows[: limit + 1])
    shown = found[:limit]
    for message in shown:
        message.conversation = conversation
    last = shown[-1] if len(found) > limit else None
    return MessagePage(shown, place(last.sent_at, last.pk) if last else "")


def complete(messages: QuerySet[Message]) -> QuerySet[Message]:
    """Load along all that is shown of messages."""
    return messages.select_related("sent_by").prefetch_related(
        "attachments__upload", "reactions", "versions"
    )


def quoted_messages(messages: Iterable[Message]) -> dict[str, Message]:
    """Return the messages of the same conversations that these quote, by Meta's id."""
    listed = list(messages)
    mids = {message.reply_to_mid for message in listed if message.reply_to_mid}
    if not mids:
        return {}
    conversations = {message.conversation_id for message in listed}
    accounts = {message.account_id for message in listed}
    found = Message.objects.filter(
        account__in=accounts, mid__in=mids, conversation__in=conversations
    ).prefetch_related("attachments")
    return {message.mid: message for message in found if message.mid}


def notes(conversation: Conversation) -> list[Note]:
    """Return the newest internal notes of a conversation, the oldest of them first."""
    newest = conversation.notes.select_related("author").order_by("-created_at", "-id")
    return list(newest[:THREAD_LENGTH])[::-1]


def thread(conversation: Conversation, limit: int = THREAD_LENGTH) -> tuple[list[Message], bool]:
    """Return the newest messages of a conversation, oldest first, and whether older ones exist."""
    newest = (
        conversation.messages.select_related("sent_by")
        .prefetch_related("attachments", "reactions", "versions")
        .order_by("-sent_at", "-id")[: limit + 1]
    )
    found = list(newest)
    # Within one moment of Meta's clock the row number would tell the order of arrival.
    shown = sorted(found[:limit], key=lambda message: (message.sent_at, message.mid or ""))
    return shown, len(found) > limit


def visible_message(*, user: PermissionsMixin | AnonymousUser, message_id: int) -> Message | None:
    """Return a message of a conversation the user may see, with all that is shown of it."""
    seen = Message.objects.filter(conversation__in=access_policy().conversations_for(user))
    return _with_account(seen).filter(pk=message_id).first()


def answer_messages(messages: Iterable[Message]) -> list[Message]:
    """Return the messages of an answer as they stand now, with all that is shown of them."""
    own = Message.objects.filter(pk__in=[message.pk for message in messages])
    return list(_with_account(own).order_by("part"))


def _with_account(messages: QuerySet[Message]) -> QuerySet[Message]:
    found = complete(messages).select_related("conversation__contact__account")
    return found.defer("conversation__contact__account__access_token")


def visible_attachment(
    *, user: PermissionsMixin | AnonymousUser, attachment_id: int
) -> Attachment | None:
    """Return an attachment with its message, if the user may read the conversation."""
    seen = Attachment.objects.filter(
        message__conversation__in=access_policy().conversations_for(user), message__unsent_at=None
    )
    found = seen.select_related("message__conversation").filter(pk=attachment_id).first()
    if found is None or not access_policy().may_read(user, found.message.conversation):
        return None
    return found


def visible_upload(*, user: PermissionsMixin | AnonymousUser, upload_id: int) -> Upload | None:
    """Return a file staff sent, if the user may read the conversation.

    One that is not sent yet has none: whoever may read in its account may look at it.
    """
    policy = access_policy()
    accounts = policy.accounts_for(user)
    found = Upload.objects.filter(account__in=accounts, pk=upload_id).first()
    if found is None or not policy.may_read(user):
        return None
    sent_in = Conversation.objects.filter(messages__attachments__upload=found)
    if not sent_in.exists():
        return found
    seen = policy.conversations_for(user).filter(pk__in=sent_in).first()
    return found if seen is not None and policy.may_read(user, seen) else None
