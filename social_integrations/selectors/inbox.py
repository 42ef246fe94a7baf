"""The list of conversations: filtered, searched, page by page, in a fixed number of statements."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.db.models import IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from social_integrations.access import access_policy
from social_integrations.models import CannedReply, Conversation, Message
from social_integrations.models.conversations import UNREAD

from .cursors import EPOCH, older, place
from .search import in_contacts, in_messages

PAGE = 25
MOST_UNREAD = 100
"""Unread messages are counted up to here, which stands for "more than 99"."""
CANNED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationFilters:
    """Which conversations to list; every field left out narrows nothing."""

    account: int | None = None
    status: str = ""
    assigned_to: int | Literal["me", "none"] | None = None
    unread: bool | None = None
    search: str = ""


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation as lists show it."""

    conversation: Conversation
    last_message: Message | None
    unread_count: int

    @property
    def place(self) -> tuple[Any, int]:
        """Where it stands in the list."""
        return self.conversation.last_message_at, self.conversation.pk


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """Conversations, the one with the newest message first."""

    rows: list[ConversationRow]
    next_cursor: str
    """Where the next page begins; empty on the last one."""


class _Capped(Subquery):
    """Counts the rows of a limited subquery."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) capped)"
    output_field = IntegerField()


def conversations(
    user: PermissionsMixin | AnonymousUser,
    filters: ConversationFilters | None = None,
    *,
    cursor: str = "",
    limit: int = PAGE,
) -> ConversationPage:
    """Return a page of the conversations the user may see; raises `CursorError`.

    Whether they may read at all is for the caller to ask (`AccessPolicy.may_read`). A conversation
    without any message is not listed.
    """
    wanted = filters or ConversationFilters()
    listed = _narrow(access_policy().conversations_for(user), user, wanted)
    if cursor:
        listed = older(listed, "last_message_at", cursor)
    listed = listed.order_by("-last_message_at", "-id")
    rows: dict[int, ConversationRow] = {}
    for part in _searched(listed, user, wanted.search):
        rows |= {row.conversation.pk: row for row in load_rows(part[: limit + 1])}
    found = sorted(rows.values(), key=lambda row: row.place, reverse=True)
    last = found[limit - 1].place if len(found) > limit else None
    return ConversationPage(found[:limit], place(*last) if last else "")


def conversation_row(
    user: PermissionsMixin | AnonymousUser, conversation_id: int
) -> ConversationRow | None:
    """Return a conversation the user may see, as lists show it."""
    seen = access_policy().conversations_for(user).filter(pk=conversation_id)
    return next(iter(load_rows(seen)), None)


def load_rows(listed: QuerySet[Conversation]) -> list[ConversationRow]:
    """Return conversations with their newest messages and unread counts, in two statements."""
    found = list(
        listed.select_related("contact__account", "assigned_to")
        .defer("contact__account__access_token")
        .annotate(newest_message=Subquery(_newest()), unread=Coalesce(_Capped(_unread()), 0))
    )
    newest = [row.newest_message for row in found if row.newest_message]
    messages = Message.objects.select_related("sent_by").in_bulk(newest)
    return list(_rows(found, messages))


def canned_replies(
    user: PermissionsMixin | AnonymousUser, account: int | None = None
) -> list[CannedReply]:
    """Return the canned replies for the accounts the user may see, or for one of them."""
    visible = access_policy().accounts_for(user).values("pk")
    if account is not None:
        visible = visible.filter(pk=account)
    return list(CannedReply.objects.filter(Q(account=None) | Q(account__in=visible))[:CANNED])


def _narrow(
    listed: QuerySet[Conversation],
    user: PermissionsMixin | AnonymousUser,
    wanted: ConversationFilters,
) -> QuerySet[Conversation]:
    """Apply every filter but the search."""
    listed = listed.filter(last_message_at__isnull=False)
    if wanted.account is not None:
        listed = listed.filter(contact__account=wanted.account)
    if wanted.status:
        listed = listed.filter(status=wanted.status)
    if wanted.assigned_to == "none":
        listed = listed.filter(assigned_to=None)
    elif wanted.assigned_to is not None:
        assignee = user.pk if wanted.assigned_to == "me" else wanted.assigned_to
        listed = listed.filter(assigned_to=assignee)
    if wanted.unread is not None:
        listed = listed.filter(UNREAD if wanted.unread else ~UNREAD)
    return listed


def _searched(
    listed: QuerySet[Conversation], user: PermissionsMixin | AnonymousUser, text: str
) -> list[QuerySet[Conversation]]:
    """Return the list itself, or where something is searched: by people, and by texts."""
    text = " ".join(text.split())
    if not text:
        return [listed]
    accounts = access_policy().accounts_for(user)
    return [
        listed.filter(in_contacts(text)),
        listed.filter(pk__in=in_messages(text, accounts)),
    ]


def _newest() -> QuerySet[Message, int]:
    own = Message.objects.filter(conversation=OuterRef("pk"))
    return own.order_by("-sent_at", "-id").values_list("pk", flat=True)[:1]


def _unread() -> QuerySet[Message, int]:
    read_at = Coalesce(OuterRef("staff_read_at"), Value(EPOCH))
    own = Message.objects.filter(
        conversation=OuterRef("pk"), direction=Message.Direction.INBOUND, sent_at__gt=read_at
    )
    return own.order_by("-sent_at", "-id").values_list("pk", flat=True)[:MOST_UNREAD]


def _rows(found: list[Any], messages: dict[int, Message]) -> Iterable[ConversationRow]:
    for conversation in found:
        message = messages.get(conversation.newest_message)
        if message is not None:
            message.conversation = conversation
        yield ConversationRow(conversation, message, conversation.unread)
