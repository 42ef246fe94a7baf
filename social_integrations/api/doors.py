"""What the views of conversations share: who may do what, and which rows they see."""

from collections.abc import Callable
from typing import Any, TypeAlias

from django.http import Http404
from rest_framework.exceptions import PermissionDenied
from rest_framework.throttling import BaseThrottle

from social_integrations.access import access_policy
from social_integrations.models import Conversation, Message
from social_integrations.selectors import ConversationRow, conversation_row, visible_message

from .accounts import AccountsDoorView
from .throttles import ReadThrottle, WriteThrottle

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
Allowed: TypeAlias = Callable[[Any, Conversation | None], bool]


class ConversationsDoorView(AccountsDoorView):
    """A view on conversations.

    What the caller does not see is not there (404), whether it exists or not; what they see but
    may not do is refused (403).
    """

    write_throttle: type[BaseThrottle] = WriteThrottle

    def get_throttles(self) -> list[BaseThrottle]:
        """Count looking and doing apart."""
        reading = self.request.method in SAFE
        return [ReadThrottle() if reading else self.write_throttle()]

    def demand(self, allowed: Allowed, conversation: Conversation | None = None) -> None:
        """Raise 403 unless the policy lets the caller do this."""
        if not allowed(self.request.user, conversation):
            raise PermissionDenied

    def find_row(self, pk: int, allowed: Allowed | None = None) -> ConversationRow:
        """Return a conversation the caller sees, and may read or whatever else is asked for."""
        row = conversation_row(self.request.user, pk)
        if row is None:
            raise Http404
        self.demand(allowed or access_policy().may_read, row.conversation)
        return row

    def find_conversation(self, pk: int, allowed: Allowed | None = None) -> Conversation:
        """Return a conversation alone, with contact and account."""
        seen = access_policy().conversations_for(self.request.user)
        rows = seen.select_related("contact__account").defer("contact__account__access_token")
        found = rows.filter(pk=pk).first()
        if found is None:
            raise Http404
        self.demand(allowed or access_policy().may_read, found)
        return found

    def find_message(self, pk: int, allowed: Allowed | None = None) -> Message:
        """Return a message of a conversation the caller sees."""
        found = visible_message(user=self.request.user, message_id=pk)
        if found is None:
            raise Http404
        self.demand(allowed or access_policy().may_read, found.conversation)
        return found
