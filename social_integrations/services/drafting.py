"""What of a draft only the database knows: the message it quotes, the files it sends."""

from dataclasses import replace

from django.contrib.auth.models import AbstractBaseUser
from django.utils.translation import gettext

from social_integrations.exceptions import DraftError
from social_integrations.models import Conversation

from . import uploads
from .draft_checks import checked, quote_gone
from .draft_types import Draft
from .texts import is_id

MAX_REFERENCE = 64


def check_reference(reference: str) -> None:
    """Raise `DraftError` for a client reference no row could hold."""
    if reference and not is_id(reference, MAX_REFERENCE):
        raise DraftError(
            "client_reference",
            gettext("A client reference has at most {limit} plain characters.").format(
                limit=MAX_REFERENCE
            ),
            gettext("Use a random one for each answer."),
        )


def looked_up(
    *, conversation: Conversation, draft: Draft, sent_by: AbstractBaseUser | None
) -> Draft:
    """Return the draft with its files as their rows describe them; `conversation` is locked.

    Raises `DraftError` where it quotes a message that is not in this conversation, was taken back
    or has no id of Meta's yet, and where a file cannot be sent.
    """
    clean = checked(draft)
    quoted = clean.reply_to_mid
    if quoted and not conversation.messages.filter(mid=quoted, unsent_at=None).exists():
        raise quote_gone()
    files = uploads.take(conversation=conversation, files=clean.files, sent_by=sent_by)
    return replace(clean, files=files)
