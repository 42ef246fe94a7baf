"""Answer a comment privately: the one message to somebody who has not written.

Meta (section 4.7): one for each comment, within seven days of it; it opens no window.
"""

from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from social_integrations.events import kinds
from social_integrations.exceptions import DraftError, SendRefused
from social_integrations.models import ConnectedAccount, Message, PrivateReply, WebhookEvent

from .jobs import SEND_PRIVATE_REPLY, NewJob, enqueue_all
from .outbox import STANDINGS
from .send_policy import Author, Facts, Standing, decide
from .texts import MAX_TEXT_BYTES, byte_length, clean_text, is_blank, is_id

TIME_TO_ANSWER = timedelta(days=7)
COMMENT_ID_LENGTH = 255


@transaction.atomic
def reply_privately(
    *,
    account: ConnectedAccount,
    comment_id: str,
    text: str,
    by: AbstractBaseUser | None = None,
    author: Author = Author.HUMAN,
) -> PrivateReply:
    """Queue a direct message to whoever wrote a comment; return its row.

    `status`, `error_text` and, once Meta has answered, `message` say what became of it. One that
    failed may be written again. Raises `DraftError` where Meta would refuse it and `SendRefused`
    where the account is disconnected.
    """
    text = clean_text(text).strip()
    if is_blank(text):
        nothing, write = gettext("There is nothing to send yet."), gettext("Write something first.")
        raise DraftError("text", nothing, write)
    if byte_length(text) > MAX_TEXT_BYTES:
        sentence = gettext("A private reply needs a text of at most {limit} bytes.")
        raise DraftError("text", sentence.format(limit=MAX_TEXT_BYTES), gettext("Shorten it."))
    if not is_id(comment_id, COMMENT_ID_LENGTH):
        raise DraftError(
            "comment",
            gettext("This is not the id of a comment."),
            gettext("Choose the comment again."),
        )
    _check_standing(account, author)
    commented_at = comment_time(account, comment_id)
    if commented_at and timezone.now() >= commented_at + TIME_TO_ANSWER:
        raise DraftError(
            "comment_too_old",
            gettext(
                "The comment is older than seven days, so Instagram allows no private reply to it."
            ),
            gettext("Answer below the comment instead."),
        )
    reply = _row(account, comment_id)
    reply.text, reply.author = text, author.value
    reply.sent_by_id = by.pk if by else None
    reply.status, reply.send_attempts = Message.Status.QUEUED, 0
    reply.error_code = reply.error_text = reply.error_action = ""
    reply.save()
    enqueue_all([NewJob(SEND_PRIVATE_REPLY, {"account": account.pk, "private_reply": reply.pk})])
    return reply


def comment_time(account: ConnectedAccount, comment_id: str) -> datetime | None:
    """Return when a comment was written, None where Meta never told us of it."""
    named = Q(payload__value__id=comment_id) | Q(payload__value__comment_id=comment_id)
    rows = WebhookEvent.objects.filter(named, account=account, kind__in=kinds.COMMENTS)
    row = rows.order_by("-id").only("occurred_at", "received_at").first()
    return (row.occurred_at or row.received_at) if row else None


def _row(account: ConnectedAccount, comment_id: str) -> PrivateReply:
    """Return the row of a comment, locked: new, or failed before.

    Of two who answer at once the second waits here until the first has committed.
    """
    made, is_new = PrivateReply.objects.get_or_create(account=account, comment_id=comment_id)
    reply = PrivateReply.objects.select_for_update().get(pk=made.pk)
    if not is_new and reply.status != Message.Status.FAILED:
        raise DraftError(
            "comment_answered",
            gettext("Instagram allows one private reply to a comment, and it was sent."),
            gettext("Answer below the comment instead."),
        )
    return reply


def _check_standing(account: ConnectedAccount, author: Author) -> None:
    """Refuse for an account that was disconnected; a private reply needs no open window."""
    now = timezone.now()
    standing = STANDINGS[ConnectedAccount.Status(account.status)]
    if standing == Standing.GONE:
        raise SendRefused(decide(Facts(author=author, now=now, opened_at=now, standing=standing)))
