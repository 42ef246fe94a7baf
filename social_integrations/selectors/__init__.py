"""Read queries shared by the API, the inbox and the admin; none of them loads a stored token."""

from .accounts import (
    Problem,
    account_problems,
    is_usable,
    latest_run,
    missed_by_meta,
    without_tokens,
)
from .cursors import CursorError
from .feed import FeedPage, changes, feed_start, nothing_new
from .inbox import (
    ConversationFilters,
    ConversationPage,
    ConversationRow,
    canned_replies,
    conversation_row,
    conversations,
)
from .ledger import ledger_counts, oldest_waiting
from .threads import (
    THREAD_LENGTH,
    MessagePage,
    answer_messages,
    messages_page,
    notes,
    quoted_messages,
    thread,
    visible_attachment,
    visible_message,
    visible_upload,
)

__all__ = [
    "THREAD_LENGTH",
    "ConversationFilters",
    "ConversationPage",
    "ConversationRow",
    "CursorError",
    "FeedPage",
    "MessagePage",
    "Problem",
    "account_problems",
    "answer_messages",
    "canned_replies",
    "changes",
    "conversation_row",
    "conversations",
    "feed_start",
    "is_usable",
    "latest_run",
    "ledger_counts",
    "messages_page",
    "missed_by_meta",
    "notes",
    "nothing_new",
    "oldest_waiting",
    "quoted_messages",
    "thread",
    "visible_attachment",
    "visible_message",
    "visible_upload",
    "without_tokens",
]
