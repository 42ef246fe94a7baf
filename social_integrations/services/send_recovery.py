"""What the sweep does for sending: nothing that is queued, half sent or held is ever forgotten."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from social_integrations.models import ConnectedAccount, Conversation, Job, Message, PrivateReply

from .delivering import LONGEST_CALL, claim_next
from .gesture_work import give_up_reactions
from .jobs import SEND_MESSAGES, SEND_PRIVATE_REPLY, UNFINISHED, NewJob, enqueue_all
from .looking import hand_over
from .outbox import lock_conversation, policy_for, touch
from .send_policy import WINDOW, Author
from .unknown import LOOKS, NOT_FOUND

Status = Message.Status

AT_ONCE = 500
# So long a new job is left alone: it may simply not have been reached yet.
PATIENCE = timedelta(seconds=5)


def recover() -> None:
    """Wake what lost its job, settle what a dead worker left, fail what waited too long."""
    wake_forgotten()
    wake_private_replies()
    fail_expired()
    hand_over_unknown()
    give_up_reactions()


def wake_forgotten() -> int:
    """Give conversations with unsent messages a job where none is under way; return how many."""
    now = timezone.now()
    stale = Q(status=Status.SENDING, send_started_at__lt=now - LONGEST_CALL)
    queued = Q(status=Status.QUEUED, received_at__lt=now - PATIENCE) & ~Q(_waits_for_part())
    waiting = Message.objects.filter(stale | queued).order_by("conversation")
    ids = set(waiting.values_list("conversation", flat=True).distinct()[:AT_ONCE])
    lost = ids - _named(SEND_MESSAGES, "conversation")
    enqueue_all(NewJob(SEND_MESSAGES, {"conversation": pk}) for pk in sorted(lost))
    return len(lost)


def wake_private_replies() -> int:
    """Do the same for private replies."""
    now = timezone.now()
    stale = Q(status=Status.SENDING, send_started_at__lt=now - LONGEST_CALL)
    queued = Q(status=Status.QUEUED, created_at__lt=now - PATIENCE)
    waiting = PrivateReply.objects.filter(stale | queued).values_list("pk", "account")[:AT_ONCE]
    known = _named(SEND_PRIVATE_REPLY, "private_reply")
    lost = [(pk, account) for pk, account in waiting if pk not in known]
    enqueue_all(
        NewJob(SEND_PRIVATE_REPLY, {"account": account, "private_reply": pk})
        for pk, account in lost
    )
    return len(lost)


def fail_expired() -> int:
    """Fail messages whose time ran out while their account was on hold; return in how many threads.

    Whoever wrote them has to hear of it then, not when the account is connected again.
    """
    on_hold = ConnectedAccount.Status.REAUTH_REQUIRED
    held = Message.objects.filter(
        conversation=OuterRef("pk"), status=Status.QUEUED, account__status=on_hold
    )
    late = Conversation.objects.filter(
        Exists(held), contact__account__status=on_hold, last_inbound_at__lt=timezone.now() - WINDOW
    ).select_related("contact__account")
    expired = [one for one in late[:AT_ONCE] if _has_refused(one)]
    for conversation in expired:
        with transaction.atomic():
            claim_next(conversation.pk, conversation.contact.account)
    return len(expired)


def hand_over_unknown() -> None:
    """Leave what could not even be looked for to a person."""
    before = timezone.now() - 3 * LOOKS[-1]
    unknown = Message.objects.filter(status=Status.UNKNOWN, send_started_at__lt=before)
    for pk, conversation_id in unknown.exclude(error_action=NOT_FOUND).values_list(
        "pk", "conversation"
    )[:AT_ONCE]:
        with transaction.atomic():
            conversation = lock_conversation(conversation_id)
            message = unknown.filter(pk=pk).first()
            if message is not None:
                hand_over(message)
                touch(conversation)


def _has_refused(conversation: Conversation) -> bool:
    authors = Message.objects.filter(conversation=conversation, status=Status.QUEUED)
    return any(
        not policy_for(conversation, author=Author(author or Author.HUMAN)).is_allowed
        for author in set(authors.values_list("author", flat=True))
    )


def _waits_for_part() -> Exists:
    """Match a part that waits until it is known what became of one before it."""
    same_answer = Q(pk=OuterRef("first_part")) | Q(first_part=OuterRef("first_part"))
    return Exists(Message.objects.filter(same_answer, status=Status.UNKNOWN))


def _named(job: str, subject: str) -> set[int]:
    jobs: QuerySet[Job] = Job.objects.filter(name=job, state__in=UNFINISHED)
    return {int(pk) for pk in jobs.values_list(f"payload__{subject}", flat=True) if pk}
