"""A deletion request on its way: parts, interruptions, people staff chose."""

from datetime import timedelta

import pytest
from django.utils import timezone

from social_integrations import tasks
from social_integrations.engine import drain
from social_integrations.graph.signatures import SignedRequest
from social_integrations.models import (
    ConnectedAccount,
    Contact,
    DeletionRequest,
    Job,
    Tombstone,
    WebhookEvent,
)
from social_integrations.services import deletion, jobs, privacy
from social_integrations.tests.factories import (
    make_account,
    make_contact,
    make_conversation,
    make_deletion_request,
    make_event,
    make_message,
)

pytestmark = pytest.mark.django_db

State = DeletionRequest.State
USER = SignedRequest("9000000001", None)


def run_the_next_part() -> bool:
    """Run the erasure's next job, whatever else is due."""
    Job.objects.exclude(name=jobs.ERASE_DATA).delete()
    return tasks.run_next_job()


def test_parts_are_short_and_the_last_one_says_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privacy, "PEOPLE_PER_BATCH", 2)
    account = make_account(meta_user_id=USER.user_id)
    for _ in range(5):
        make_message(conversation=make_conversation(contact=make_contact(account=account)))
    asked = deletion.request_deletion(USER)
    left = []
    while run_the_next_part():
        asked.refresh_from_db()
        left.append((Contact.objects.count(), asked.state))
    assert left == [(3, "working"), (1, "working"), (0, "working"), (0, "done")]
    assert (asked.erased_people, asked.erased_messages, asked.erased_accounts) == (5, 5, 1)
    assert asked.started_at
    assert asked.finished_at


def test_a_part_that_dies_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account(meta_user_id=USER.user_id)
    make_contact(account=account)
    asked = deletion.request_deletion(USER)

    def die(_people: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(privacy, "delete_people", die)
        run_the_next_part()
    asked.refresh_from_db()
    assert asked.state == State.WORKING
    assert Contact.objects.exists()
    Job.objects.update(due_at=timezone.now())
    drain()
    asked.refresh_from_db()
    assert asked.state == State.DONE


def test_an_erasure_whose_job_is_lost_is_taken_up_daily() -> None:
    make_account(meta_user_id=USER.user_id)
    asked = deletion.request_deletion(USER)
    Job.objects.all().delete()
    tasks.housekeeping({})
    drain()
    asked.refresh_from_db()
    assert asked.state == State.DONE
    assert not ConnectedAccount.objects.exists()


def test_several_accounts_of_one_person_go_together() -> None:
    for _ in range(3):
        make_account(meta_user_id=USER.user_id)
    stays = make_account(meta_user_id="somebody else")
    deletion.request_deletion(USER)
    drain()
    assert list(ConnectedAccount.objects.all()) == [stays]


def test_an_empty_id_fits_no_account() -> None:
    make_account(meta_user_id="", app_scoped_id="")
    assert not deletion.accounts_of("").exists()


def test_staff_choose_whom_a_request_is_about() -> None:
    chosen, stays = make_contact(), make_contact()
    asked = make_deletion_request()
    assert deletion.erase_chosen(asked, [chosen])
    assert not deletion.erase_chosen(asked, [stays])  # pressed twice
    drain()
    asked.refresh_from_db()
    assert (asked.state, asked.user_id, asked.erased_people) == (State.DONE, "", 1)
    assert list(Contact.objects.all()) == [stays]
    assert not asked.contacts.exists()
    assert ConnectedAccount.objects.count() == 2


def test_staff_say_that_nothing_is_held() -> None:
    waiting, done = make_deletion_request(), make_deletion_request(state=State.DONE)
    assert deletion.mark_nothing_held(DeletionRequest.objects.all()) == [waiting.pk]
    waiting.refresh_from_db()
    done.refresh_from_db()
    assert (waiting.state, waiting.user_id, done.state) == (State.NOTHING_HELD, "", State.DONE)


def test_a_settled_request_is_not_carried_out_again() -> None:
    account = make_account(meta_user_id="user")
    asked = make_deletion_request(state=State.DONE, user_id="user")
    deletion.carry_out(request_id=asked.pk)
    deletion.carry_out(request_id=asked.pk + 1)
    assert ConnectedAccount.objects.get() == account


def test_housekeeping_forgets_old_tombstones() -> None:
    now = timezone.now()
    Tombstone.objects.create(key_hash="a", erased_at=now, expires_at=now - timedelta(days=1))
    Tombstone.objects.create(key_hash="b", erased_at=now, expires_at=now + timedelta(days=1))
    tasks.housekeeping({})
    assert Tombstone.objects.get().key_hash == "b"


def test_a_ledger_alone_is_something_held() -> None:
    make_event()
    assert deletion.request_deletion(USER).state == State.NEEDS_PERSON
    WebhookEvent.objects.all().delete()
    other = SignedRequest("9000000002", None)
    assert deletion.request_deletion(other).state == State.NOTHING_HELD
