"""Erasing leaves nothing, takes nobody else along, and late deliveries do not undo it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, models
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from social_integrations.models import (
    Attachment,
    ConnectedAccount,
    Contact,
    Job,
    Message,
    MessageEdit,
    PrivateReply,
    Reaction,
    Reconciliation,
    Tombstone,
    Upload,
    WebhookEvent,
)
from social_integrations.services.inventory import STORES, People
from social_integrations.services.privacy import (
    Sighting,
    erase_account,
    erase_contacts,
    erased,
    prune_tombstones,
)
from social_integrations.tests.factories import (
    NOON,
    make_account,
    make_attachment,
    make_contact,
    make_conversation,
    make_event,
    make_job,
    make_message,
    make_note,
    make_upload,
)

pytestmark = pytest.mark.django_db

MARKER = "zqx-marker"
IGSID = "1020304050607080"
# What ties rows together keeps its value while everything else is overwritten with the marker.
TIES = {"igsid", "mid", "instagram_account_id", "contact_igsid", "event_key", "awaits", "payload"}
TIES |= {"ledger_keys", "origin", "file", "app_scoped_id", "access_token", "actor_id"}


def everything() -> Iterator[str]:
    """Every row of every table as text."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            yield from (f"{table}: {row}" for row in cursor.fetchall())


def traces_of(*words: str) -> list[str]:
    return [row for row in everything() if any(word in row for word in words)]


def overwrite(row: models.Model) -> None:
    """Put the marker into every text of a row."""
    for field in row._meta.concrete_fields:
        if field.name in TIES or field.choices or field.remote_field:
            continue
        if isinstance(field, models.JSONField):
            setattr(row, field.name, {"deep": [MARKER]})
        elif isinstance(field, models.CharField | models.TextField):
            # Numbered, as some are unique; cut, as some are short.
            setattr(row, field.name, f"{MARKER} {row.pk}"[: field.max_length])
    row.save()


def seed(contact: Contact) -> None:
    """Store one of everything about a person, full of the marker."""
    account = contact.account
    conversation = make_conversation(contact=contact)
    ours = {"instagram_account_id": account.instagram_account_id, "payload": {"text": MARKER}}
    edit, shown = make_event(kind="message_edit", **ours), make_event(**ours)
    message = make_message(
        conversation=conversation,
        mid="m-seeded",
        ledger_keys=[edit.event_key],
        origin=f"1{shown.event_key}",
    )
    attachment = make_attachment(message, upload=make_upload(account=account))
    attachment.file.save("a.jpg", ContentFile(MARKER.encode()))
    MessageEdit.objects.create(message=message, number=1, edited_at=NOON)
    Reaction.objects.create(message=message, actor_id=contact.igsid)
    PrivateReply.objects.create(
        account=contact.account, comment_id=contact.igsid, text="x", message=message
    )
    make_note(conversation=conversation)
    unnamed = make_message(conversation=conversation, mid=None, event_key="e" * 32)
    make_event(event_key=unnamed.event_key, **ours)
    for job in ({"contact": contact.pk}, {"message": message.pk}, {"attachment": attachment.pk}):
        make_job(payload=job)
    make_job(payload={"conversation": str(conversation.pk)}, dedupe_key=f"x:{contact.igsid}")
    for values in (
        {"contact_igsid": contact.igsid},
        {"contact_igsid": contact.igsid, "status": "failed", "error": MARKER},
        {"status": "parked", "account": account, "awaits": "mid:m-seeded"},
        {"status": "parked", "account": account, "awaits": f"contact:{contact.igsid}"},
        {"kind": "unknown", "payload": {"from_user": {"id": contact.igsid}, "text": MARKER}},
        {"kind": "unknown", "payload": {"user": int(contact.igsid)}},
    ):
        make_event(**ours | values)
    raw = '{"sender":{"id":"' + contact.igsid + '"},"text":"' + MARKER
    make_event(wrapper="body", kind="unknown", instagram_account_id="", payload={"raw": raw})
    for store in STORES:
        for rows in store.find(People(Contact.objects.filter(pk=contact.pk))) if store.find else ():
            for row in rows:
                overwrite(row)


@pytest.fixture
def account() -> ConnectedAccount:
    return make_account(app_scoped_id="24000000000000007")


class TestErasingAPerson:
    def test_nothing_in_the_database_or_the_storage_names_the_person(
        self, account: ConnectedAccount, django_capture_on_commit_callbacks: Any
    ) -> None:
        contact = make_contact(account=account, igsid=IGSID)
        seed(contact)
        files = [str(kept.file.name) for kept in (Attachment.objects.get(), Upload.objects.get())]
        assert all(default_storage.exists(file) for file in files)
        assert len(traces_of(MARKER, IGSID)) > 20
        with django_capture_on_commit_callbacks(execute=True):
            assert erase_contacts(Contact.objects.filter(pk=contact.pk)) == 1
        assert traces_of(MARKER, IGSID, "m-seeded") == []
        assert not any(default_storage.exists(file) for file in files)
        # What is left holds random names of deleted files.
        assert not Job.objects.exclude(name="delete_copies").exists()

    def test_every_model_with_a_finder_was_seeded(self, account: ConnectedAccount) -> None:
        contact = make_contact(account=account, igsid=IGSID)
        seed(contact)
        people = People(Contact.objects.filter(pk=contact.pk))
        empty = [
            store.name
            for store in STORES
            if store.find and not any(rows.exists() for rows in store.find(people))
        ]
        assert empty == []

    def test_nobody_else_loses_anything(self, account: ConnectedAccount) -> None:
        contact = make_contact(account=account, igsid=IGSID)
        other = make_message(conversation=make_conversation(contact=make_contact(account=account)))
        namesake = make_contact(igsid=IGSID)  # somebody else, at another account
        stays = [
            make_event(instagram_account_id=account.instagram_account_id, contact_igsid="77"),
            make_event(
                instagram_account_id=namesake.account.instagram_account_id, contact_igsid=IGSID
            ),
            make_event(
                instagram_account_id=account.instagram_account_id,
                payload={"longer": f"{IGSID}9", "other": f"9{IGSID}", "shorter": IGSID[:-1]},
            ),
            make_event(
                instagram_account_id=account.instagram_account_id,
                status="parked",
                account=account,
                awaits=f"mid:{other.mid}",
            ),
        ]
        job = make_job(payload={"message": other.pk})
        erase_contacts(Contact.objects.filter(pk=contact.pk))
        assert set(WebhookEvent.objects.all()) == set(stays)
        assert list(Message.objects.all()) == [other]
        assert list(Job.objects.all()) == [job]
        assert set(Contact.objects.all()) == {namesake, other.conversation.contact}

    @pytest.mark.parametrize("igsid", ["5", "12345", ".*", "a|b", "(", "\\d{6}", "1020 30"])
    def test_an_odd_id_takes_nobody_along(self, account: ConnectedAccount, igsid: str) -> None:
        make_event(payload={"raw": "text 5 with 12345 (and) a or b"}, instagram_account_id="")
        make_contact(account=account, igsid=igsid)
        assert erase_contacts(Contact.objects.all()) == 1
        assert WebhookEvent.objects.count() == 1

    def test_many_people_in_batches(
        self, account: ConnectedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("social_integrations.services.privacy.PEOPLE_PER_BATCH", 3)
        for _ in range(7):
            make_message(conversation=make_conversation(contact=make_contact(account=account)))
        assert erase_contacts(Contact.objects.all()) == 7
        assert not Message.objects.exists()

    def test_the_number_of_statements_does_not_depend_on_the_number_of_people(
        self, account: ConnectedAccount, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for _ in range(30):
            make_message(conversation=make_conversation(contact=make_contact(account=account)))
        with django_assert_max_num_queries(45):
            erase_contacts(Contact.objects.all())


class TestErasingAnAccount:
    def test_nothing_of_it_is_left(self, account: ConnectedAccount) -> None:
        seed(make_contact(account=account, igsid=IGSID))
        Reconciliation.objects.create(account=account, reason="gap", started_at=NOON, error=MARKER)
        make_job(payload={"account": account.pk})
        make_event(instagram_account_id=account.app_scoped_id, status="orphaned")
        make_event(
            wrapper="body",
            instagram_account_id="",
            payload={"raw": f'"id":"{account.instagram_account_id}"'},
        )
        overwrite(account)
        other = make_message()
        event = make_event(payload={"raw": "somebody else's"}, instagram_account_id="")
        assert erase_account(account=account) == 1
        ids = (account.instagram_account_id, account.app_scoped_id)
        assert traces_of(MARKER, IGSID, *ids) == []
        assert list(Message.objects.all()) == [other]
        assert list(WebhookEvent.objects.all()) == [event]
        # What is left holds random names of deleted files.
        assert not Job.objects.exclude(name="delete_copies").exists()
        assert Attachment.objects.count() == 0

    def test_a_stored_token_nobody_can_read_is_no_obstacle(
        self, account: ConnectedAccount, settings: Settings
    ) -> None:
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = []
        erase_account(account=ConnectedAccount.objects.defer("access_token").get(pk=account.pk))
        assert not ConnectedAccount.objects.exists()


class TestTombstones:
    def sighting(self, account: ConnectedAccount, minutes: float | None, **other: Any) -> Sighting:
        """Return an item this many minutes after the erasure."""
        at = None if minutes is None else timezone.now() + timedelta(minutes=minutes)
        name = other.get("account_id", account.instagram_account_id)
        return Sighting(name, other.get("igsid", IGSID), at)

    def test_what_was_written_before_is_erased_and_what_comes_after_is_new(
        self, account: ConnectedAccount
    ) -> None:
        erase_contacts(Contact.objects.filter(pk=make_contact(account=account, igsid=IGSID).pk))
        before = {
            self.sighting(account, -5),
            self.sighting(account, None),
            self.sighting(account, -5, account_id=account.app_scoped_id),
        }
        after = {
            self.sighting(account, 5),
            self.sighting(account, -5, igsid="77"),
            self.sighting(account, -5, igsid=""),
            self.sighting(account, -5, account_id="17841400000000099"),
        }
        assert erased(before | after) == before

    def test_one_query_whatever_the_number(
        self, account: ConnectedAccount, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        many = [self.sighting(account, 0, igsid=str(number)) for number in range(500)]
        with django_assert_num_queries(1):
            assert erased(many) == set()

    def test_an_erased_account_covers_everybody(self, account: ConnectedAccount) -> None:
        erase_account(account=account)
        before = {
            self.sighting(account, -1, igsid="never seen"),
            self.sighting(account, -1, igsid=""),
        }
        assert erased(before | {self.sighting(account, 1)}) == before

    def test_they_name_nobody(self, account: ConnectedAccount) -> None:
        erase_contacts(Contact.objects.filter(pk=make_contact(account=account, igsid=IGSID).pk))
        assert traces_of(IGSID) == []
        assert Tombstone.objects.count() == 2  # one for each id of the account

    def test_they_end(self, account: ConnectedAccount) -> None:
        erase_contacts(Contact.objects.filter(pk=make_contact(account=account, igsid=IGSID).pk))
        assert prune_tombstones() == 0
        Tombstone.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert erased([self.sighting(account, -5)]) == set()
        assert prune_tombstones() == 2

    def test_erased_again_counts_from_then(self, account: ConnectedAccount) -> None:
        for _ in range(2):
            erase_contacts(Contact.objects.filter(pk=make_contact(account=account, igsid=IGSID).pk))
            Tombstone.objects.update(erased_at=NOON - timedelta(days=9))
        assert Tombstone.objects.count() == 2
        erase_contacts(Contact.objects.filter(pk=make_contact(account=account, igsid=IGSID).pk))
        assert Tombstone.objects.filter(erased_at__gt=NOON).count() == 2

    def test_they_survive_a_replaced_secret_key(
        self, account: ConnectedAccount, settings: Settings
    ) -> None:
        erase_contacts(Contact.objects.filter(pk=make_contact(account=account, igsid=IGSID).pk))
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another-" + "k" * 50
        assert len(erased([self.sighting(account, -5)])) == 1
        settings.SECRET_KEY_FALLBACKS = []
        assert erased([self.sighting(account, -5)]) == set()
