"""Messages nobody can tell the fate of: said so, and looked for at Meta by jobs."""

from datetime import timedelta

from django.utils.translation import gettext_noop

from social_integrations.models import Message

from .jobs import SETTLE_UNKNOWN, NewJob, enqueue_all
from .outbox import set_error

UNKNOWN_CODE = "unknown"
# Kept in English, and translated where they are shown.
NOBODY_KNOWS = gettext_noop(
    "The connection to Instagram broke before it answered, so nobody knows whether this arrived."
)
LOOK_YOURSELF = gettext_noop(
    "It is being looked for at Instagram. If you see it in the conversation there, say that it "
    "arrived; if not, send it again."
)
NOT_FOUND = gettext_noop(
    "It was looked for and not found. If you see it in the conversation at Instagram, say that it "
    "arrived; if not, send it again."
)
SENT_AGAIN = gettext_noop(
    "Nothing to do: it is looked for at Instagram, and sent again if it is not there."
)
# When it is looked for; after that a person decides.
LOOKS = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
LOOK_BEFORE_RESENDING = timedelta(seconds=10)


def mark_unknown(message: Message) -> None:
    """Write that nobody knows what became of a message, and have it looked for.

    Inside a transaction that holds the conversation's lock.
    """
    message.status = Message.Status.UNKNOWN
    set_error(message, UNKNOWN_CODE, NOBODY_KNOWS, LOOK_YOURSELF)
    message.save()
    enqueue_all(_look(message, number, delay) for number, delay in enumerate(LOOKS, start=1))


def mark_refused_for_now(message: Message, code: str, sentence: str) -> None:
    """Write that Meta had a passing fault; it is sent again once Meta does not show it.

    Like `mark_unknown`: such a refusal does not prove that the message did not go out.
    """
    message.status = Message.Status.UNKNOWN
    set_error(message, code, sentence, SENT_AGAIN)
    message.save()
    enqueue_all([_look(message, 0, LOOK_BEFORE_RESENDING, resend=True)])


def _look(message: Message, number: int, delay: timedelta, *, resend: bool = False) -> NewJob:
    started_at = message.send_started_at
    attempt = int(started_at.timestamp() * 1000) if started_at else 0
    return NewJob(
        SETTLE_UNKNOWN,
        {"message": message.pk, "look": number, "resend": resend},
        f"{SETTLE_UNKNOWN}:{message.pk}:{attempt}:{number}",
        delay=delay,
    )
