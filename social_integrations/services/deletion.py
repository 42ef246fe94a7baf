"""Meta's two callbacks about people who leave, and the erasure that follows."""

import logging
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.crypto import get_random_string

from social_integrations.graph.signatures import SignedRequest
from social_integrations.models import ConnectedAccount, Contact, DeletionRequest, WebhookEvent

from . import jobs, privacy
from .disconnecting import disconnect
from .hashing import keyed_hash, keyed_hashes
from .inventory import People

logger = logging.getLogger(__name__)

State = DeletionRequest.State
PURPOSE = "deletion_request"
# 32 of 32 letters and digits nobody mixes up: 160 bits.
CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 32
LATE = timedelta(days=2)
DEAUTHORIZED = (
    "The app was removed at Meta by the person who connected this account. Messages received so "
    "far are kept. Connect the account again to use it."
)
DELETION_ASKED = (
    "Its data is being erased: the person who connected it asked Meta to have it deleted."
)


def deauthorize(signed: SignedRequest) -> int:
    """Disconnect the accounts of whoever removed the app; return how many were connected.

    Meta: the user's tokens are void from now on. It is not asked to confirm.
    """
    _note_lateness("Deauthorisation", signed)
    accounts = list(accounts_of(signed.user_id))
    return sum(disconnect(account=account, reason=DEAUTHORIZED) for account in accounts)


def accounts_of(user_id: str) -> QuerySet[ConnectedAccount]:
    """Return the accounts an id in a `signed_request` stands for, without their tokens.

    Meta: an app-scoped id: who consented (Facebook Login) or, by analogy, the account itself
    (Instagram Login); which of the account's two ids is not documented, so either matches.
    """
    wanted = Q(meta_user_id=user_id) | Q(app_scoped_id=user_id) | Q(instagram_account_id=user_id)
    accounts = ConnectedAccount.objects.defer("access_token").order_by("pk")
    return accounts.filter(wanted) if user_id else accounts.none()


@transaction.atomic
def request_deletion(signed: SignedRequest) -> DeletionRequest:
    """Take down a request and start on it; the same one again gets the same row.

    So does another one of the same user while the first is open. What belongs to a connected
    account is erased by a job; the account is disconnected at once. An id that fits no account
    waits for a person: it may be that of a customer, whom Meta names differently to us.
    """
    known = _known(signed)
    if known is not None:
        return known
    _note_lateness("Deletion request", signed)
    accounts = list(accounts_of(signed.user_id))
    request, created = DeletionRequest.objects.get_or_create(
        user_hash=keyed_hash(PURPOSE, signed.user_id),
        state__in=DeletionRequest.OPEN,
        defaults=_new(signed, matched=bool(accounts)),
    )
    if created and accounts:
        for account in accounts:
            disconnect(account=account, reason=DELETION_ASKED)
        _enqueue(request)
    return request


def erase_chosen(request: DeletionRequest, contacts: Iterable[Contact]) -> bool:
    """Erase the contacts a member of staff chose for a request; return whether it was waiting."""
    with transaction.atomic():
        waiting = DeletionRequest.objects.filter(pk=request.pk, state=State.NEEDS_PERSON)
        if not waiting.update(state=State.RECEIVED):
            return False
        request.contacts.set(contacts)
        _enqueue(request)
    return True


def mark_nothing_held(requests: QuerySet[DeletionRequest]) -> list[int]:
    """Settle requests a member of staff looked into without finding anything; return which."""
    with transaction.atomic():
        waiting = requests.filter(state=State.NEEDS_PERSON).values_list("pk", flat=True)
        return [key for key in waiting if _settle(key, State.NEEDS_PERSON, State.NOTHING_HELD)]


def carry_out(*, request_id: int) -> None:
    """Erase the next part of what a request asks for; the last part settles it.

    Each part is short and enqueues the next in its own transaction, so that a killed worker costs
    one part and `done` is written with the last row gone. Must run outside a transaction.
    """
    request = DeletionRequest.objects.filter(
        pk=request_id, state__in=(State.RECEIVED, State.WORKING)
    ).first()
    if request is None:
        return
    _start(request)
    accounts = list(accounts_of(request.user_id))
    chosen = request.contacts.values("pk")
    contacts = Contact.objects.filter(Q(account__in=accounts) | Q(pk__in=chosen)).order_by("pk")
    people = People(contacts[: privacy.PEOPLE_PER_BATCH])
    if people.contacts:
        with transaction.atomic():
            _count(request, privacy.delete_people(people))
            _enqueue(request, again=True)
        return
    for account in accounts:
        _count(request, privacy.erase_events(account))
    with transaction.atomic():
        for account in accounts:
            _count(request, privacy.delete_account(account))
        _settle(request.pk, State.WORKING, State.DONE)
    logger.info("Deletion request %s is done", request.pk)


def resume() -> None:
    """Enqueue open erasures again, in case their job was given up or deleted; once a day."""
    open_requests = DeletionRequest.objects.filter(state__in=(State.RECEIVED, State.WORKING))
    today = f"{timezone.now():%Y-%m-%d}"
    jobs.enqueue_all(
        jobs.NewJob(jobs.ERASE_DATA, {"request": pk}, f"{jobs.ERASE_DATA}:{pk}:{today}")
        for pk in open_requests.values_list("pk", flat=True)
    )


def _known(signed: SignedRequest) -> DeletionRequest | None:
    """Return the open request of the user, or the very same one, whatever became of it.

    A replayed request so erases nothing of what came after it.
    """
    same = Q(issued_at=signed.issued_at) if signed.issued_at else Q(pk__in=[])
    hashes = keyed_hashes(PURPOSE, signed.user_id)
    requests = DeletionRequest.objects.filter(user_hash__in=hashes)
    return requests.filter(Q(state__in=DeletionRequest.OPEN) | same).first()


def _new(signed: SignedRequest, *, matched: bool) -> dict[str, object]:
    now = timezone.now()
    values: dict[str, object] = {
        "confirmation_code": get_random_string(CODE_LENGTH, CODE_LETTERS),
        "issued_at": signed.issued_at,
        "received_at": now,
    }
    if matched:
        return {**values, "state": State.RECEIVED, "user_id": signed.user_id}
    if _anything_held():
        return {**values, "state": State.NEEDS_PERSON, "user_id": signed.user_id}
    return {**values, "state": State.NOTHING_HELD, "finished_at": now}


def _anything_held() -> bool:
    return any(model.objects.exists() for model in (ConnectedAccount, Contact, WebhookEvent))


def _enqueue(request: DeletionRequest, *, again: bool = False) -> None:
    key = None if again else f"{jobs.ERASE_DATA}:{request.pk}"
    jobs.enqueue_all([jobs.NewJob(jobs.ERASE_DATA, {"request": request.pk}, key)])


def _start(request: DeletionRequest) -> None:
    fresh = DeletionRequest.objects.filter(pk=request.pk, state=State.RECEIVED)
    fresh.update(state=State.WORKING, started_at=timezone.now())


def _count(request: DeletionRequest, erased: privacy.Erased) -> None:
    DeletionRequest.objects.filter(pk=request.pk).update(
        erased_accounts=F("erased_accounts") + erased.accounts,
        erased_people=F("erased_people") + erased.people,
        erased_messages=F("erased_messages") + erased.messages,
        erased_events=F("erased_events") + erased.events,
    )


def _settle(key: int, before: str, after: str) -> bool:
    """Close a request and forget who asked."""
    requests = DeletionRequest.objects.filter(pk=key, state=before)
    settled = requests.update(state=after, finished_at=timezone.now(), user_id="")
    DeletionRequest.contacts.through.objects.filter(deletionrequest=key).delete()
    return bool(settled)


def _note_lateness(what: str, signed: SignedRequest) -> None:
    now = timezone.now()
    age = now - (signed.issued_at or now)
    if abs(age) > LATE:
        logger.warning("%s written %d hours ago", what, round(age / timedelta(hours=1)))
