"""From the ledger to conversations: once, in any order, poison apart."""

from typing import Any

import pytest
from django.db import DataError, connection
from pytest_django import DjangoAssertNumQueries, Settings

from social_integrations.models import (
    Attachment,
    ConnectedAccount,
    Contact,
    Conversation,
    Job,
    Message,
    WebhookEvent,
)
from social_integrations.services.adoption import adopt_all_orphans, adopt_orphans
from social_integrations.services.applying import apply_pending, requeue
from social_integrations.services.intake import store_delivery
from social_integrations.services.privacy import erase_contacts
from social_integrations.tests.conversations import canonical
from social_integrations.tests.factories import make_account
from social_integrations.tests.payloads import (
    ACCOUNT_ID,
    CUSTOMER_ID,
    batch_payload,
    encode,
    load,
    names,
    text_payload,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> ConnectedAccount:
    return make_account(instagram_account_id=ACCOUNT_ID)


def receive(*deliveries: Any) -> None:
    """Store fixtures (by name) or payloads, then apply everything."""
    for delivery in deliveries:
        store_delivery(encode(load(delivery) if isinstance(delivery, str) else delivery))
    while apply_pending():
        pass


def statuses() -> list[str]:
    rows = WebhookEvent.objects.order_by("received_at", "position")
    return list(rows.values_list("status", flat=True))


class TestMessages:
    def test_a_text_becomes_a_message_in_a_conversation(self, account: ConnectedAccount) -> None:
        receive("text")
        message = Message.objects.get()
        assert (message.mid, message.text, message.kind) == ("m-001", "Is it in stock?", "text")
        assert (message.direction, message.source, message.status) == (
            "inbound",
            "customer",
            "received",
        )
        conversation = message.conversation
        assert (conversation.contact.igsid, conversation.contact.account) == (CUSTOMER_ID, account)
        assert conversation.last_message_at == conversation.last_inbound_at == message.sent_at
        event = WebhookEvent.objects.get()
        assert (event.status, event.account, event.attempts) == ("applied", account, 1)
        account.refresh_from_db()
        assert account.last_event_at == event.received_at

    def test_attachments_are_kept_as_links(self, account: ConnectedAccount) -> None:
        receive("several_attachments")
        found = Attachment.objects.values_list("position", "type", "url")
        assert list(found) == [
            (0, "image", "https://cdn.example/1"),
            (1, "audio", "https://cdn.example/2"),
        ]
        assert Message.objects.get().kind == "mixed"

    @pytest.mark.parametrize(
        ("name", "source"), [("echo", "instagram_app"), ("echo_other_app", "other_app")]
    )
    def test_an_echo_is_an_outbound_message(
        self, account: ConnectedAccount, name: str, source: str
    ) -> None:
        receive(name)
        message = Message.objects.get()
        assert (message.direction, message.source, message.status) == ("outbound", source, "sent")
        assert message.conversation.contact.igsid == CUSTOMER_ID
        assert message.conversation.last_inbound_at is None

    def test_an_echo_of_our_own_app_is_ours(
        self, account: ConnectedAccount, settings: Settings
    ) -> None:
        settings.INSTAGRAM_APP_ID = "999000111"
        receive("echo_other_app")
        assert Message.objects.get().source == "crm"

    def test_a_message_without_id_is_stored_once(self, account: ConnectedAccount) -> None:
        receive("message_without_mid", "message_without_mid")
        requeue(WebhookEvent.objects.all())
        receive()
        assert Message.objects.get().text == "No id"

    def test_the_same_id_at_two_accounts_is_two_messages(self, account: ConnectedAccount) -> None:
        make_account(instagram_account_id="2")
        receive(text_payload("m-1"), text_payload("m-1", account="2"))
        assert Message.objects.count() == Conversation.objects.count() == 2

    def test_the_same_message_in_two_wrappers_is_one(self, account: ConnectedAccount) -> None:
        item = text_payload("m-1")["entry"][0]["messaging"]
        receive(text_payload("m-1"), {"entry": [{"id": ACCOUNT_ID, "standby": item}]})
        assert statuses() == ["applied", "applied"]
        assert Message.objects.count() == 1

    def test_text_of_any_length_and_script_is_kept_whole(self, account: ConnectedAccount) -> None:
        text = "<script>alert(1)</script> გამარჯობა 👋 " * 500
        receive(text_payload("m-1", text))
        assert Message.objects.get().text == text

    def test_a_time_that_makes_no_sense_is_replaced_by_ours(
        self, account: ConnectedAccount
    ) -> None:
        payload = text_payload("m-1", timestamp="soon")
        payload["entry"][0]["time"] = None
        receive(payload)
        message = Message.objects.get()
        assert message.sent_at == message.received_at


class TestRouting:
    def test_the_test_button_creates_nobody(self, account: ConnectedAccount) -> None:
        receive("test_button")
        assert statuses() == ["test"]
        assert not Contact.objects.exists()

    @pytest.mark.parametrize("status", ConnectedAccount.Status.values)
    def test_receiving_does_not_depend_on_the_connection(self, status: str) -> None:
        make_account(instagram_account_id=ACCOUNT_ID, status=status, access_token="")
        receive("text")
        assert Message.objects.count() == 1

    @pytest.mark.parametrize(
        ("name", "awaits"),
        [
            ("unsend", "mid:m-001"),
            ("edit", "mid:m-001"),
            ("edit_zero_without_sender", "mid:m-030"),
            ("reaction", "mid:m-005"),
            ("seen", "mid:m-005"),
            ("handover_pass", f"contact:{CUSTOMER_ID}"),
        ],
    )
    def test_what_comes_before_its_message_waits_and_opens_nothing(
        self, account: ConnectedAccount, name: str, awaits: str
    ) -> None:
        receive(name)
        event = WebhookEvent.objects.get()
        assert (event.status, event.account, event.awaits) == ("parked", account, awaits)
        assert not Contact.objects.exists()
        assert not Conversation.objects.exists()

    @pytest.mark.parametrize(
        "name",
        [
            "comments",
            "comments_on_entry",
            "live_comments",
            "mentions",
            "optin",
            "policy_enforcement",
            "response_feedback",
            "story_insights",
            "handover_request",
            "handover_roles",
            "handover_metadata",
        ],
    )
    def test_what_is_known_but_no_part_of_a_conversation_is_kept(
        self, account: ConnectedAccount, name: str
    ) -> None:
        receive(name)
        assert statuses() == ["applied"]
        assert not Conversation.objects.exists()

    @pytest.mark.parametrize(
        "name", ["unknown_kind", "messenger_page", "feed_change", "seen_up_to_a_moment"]
    )
    def test_what_is_not_understood_is_kept(self, account: ConnectedAccount, name: str) -> None:
        receive(name)
        assert statuses() == ["unknown"]
        assert not Message.objects.exists()

    def test_what_an_earlier_version_did_not_understand_is_classified_anew(
        self, account: ConnectedAccount
    ) -> None:
        receive("text")
        Message.objects.all().delete()
        WebhookEvent.objects.update(kind="unknown", status="unknown")
        assert requeue(WebhookEvent.objects.filter(status="unknown")) == 1
        receive()
        assert statuses() == ["applied"]
        assert Message.objects.get().mid == "m-001"

    def test_an_item_naming_two_of_our_accounts_is_quarantined(
        self, account: ConnectedAccount
    ) -> None:
        make_account(instagram_account_id="2")
        payload = text_payload("m-1", account="2")
        payload["entry"][0]["id"] = ACCOUNT_ID
        receive(payload)
        assert statuses() == ["failed"]
        assert not Message.objects.exists()

    def test_the_app_scoped_id_leads_to_the_account_as_well(self) -> None:
        account = make_account(instagram_account_id="1", app_scoped_id=ACCOUNT_ID)
        receive("text")
        assert Message.objects.get().account == account


class TestOrphans:
    def test_they_are_kept_and_adopted_when_the_account_connects(self) -> None:
        receive("unknown_account", "reaction")
        assert statuses() == ["orphaned", "orphaned"]
        account = make_account(instagram_account_id="17841499999999999")
        assert adopt_orphans(account) == 1
        receive()
        assert Message.objects.get().text == "Who are you?"
        assert statuses() == ["applied", "orphaned"]

    def test_the_sweep_finds_what_a_race_left_behind(self, account: ConnectedAccount) -> None:
        receive("text", "unknown_account")
        WebhookEvent.objects.update(status="orphaned")
        assert adopt_all_orphans() == 1
        assert statuses() == ["received", "orphaned"]


class TestPoison:
    def test_one_bad_item_fails_alone(self, account: ConnectedAccount) -> None:
        receive("batch_with_poison")
        assert statuses() == ["applied", "failed", "applied"]
        assert set(Message.objects.values_list("text", flat=True)) == {"Before", "After"}
        failed = WebhookEvent.objects.get(status="failed")
        assert failed.error.startswith("PayloadError: sender.id is missing")
        assert "Poison" not in failed.error

    def test_what_the_database_refuses_fails_alone(self, account: ConnectedAccount) -> None:
        def refuse_poison(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if sql.startswith("INSERT") and "poison" in str(params):
                raise DataError("poison is not to my taste")
            return execute(sql, params, many, context)

        payload = batch_payload(9)
        payload["entry"][0]["messaging"][4]["message"]["text"] = "poison"
        store_delivery(encode(payload))
        with connection.execute_wrapper(refuse_poison):
            receive()
        assert Message.objects.filter(text="Hello").count() == 8
        failed = WebhookEvent.objects.get(status="failed")
        assert failed.error.startswith("DataError\n")
        assert "taste" not in failed.error


class TestAgain:
    @pytest.mark.parametrize("name", names())
    def test_applying_again_changes_nothing(self, account: ConnectedAccount, name: str) -> None:
        receive(name)
        before = canonical()
        requeue(WebhookEvent.objects.all())
        receive(name)
        assert canonical() == before

    def test_profiles_are_asked_for_once_a_day(self, account: ConnectedAccount) -> None:
        receive(batch_payload(5))
        receive(text_payload("m-late"))
        contact = Contact.objects.get()
        job = Job.objects.get()
        assert (job.name, job.payload) == ("fetch_profile", {"contact": contact.pk})

    def test_no_profile_is_asked_for_a_person_who_never_wrote(
        self, account: ConnectedAccount
    ) -> None:
        receive("echo")
        assert not Job.objects.exists()


class TestErasing:
    def test_everything_about_the_person_goes_and_nothing_else(
        self, account: ConnectedAccount
    ) -> None:
        receive("text", "several_attachments", "reaction", text_payload("m-2", sender="77"))
        assert erase_contacts(Contact.objects.filter(igsid=CUSTOMER_ID)) == 1
        assert [contact.igsid for contact in Contact.objects.all()] == ["77"]
        assert Message.objects.get().mid == "m-2"
        assert WebhookEvent.objects.get().contact_igsid == "77"
        assert not Attachment.objects.exists()
        assert Job.objects.count() == 1


@pytest.mark.parametrize("count", [10, 200])
def test_a_batch_takes_as_many_statements_as_one_event(
    account: ConnectedAccount, django_assert_max_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    store_delivery(encode(batch_payload(count)))
    with django_assert_max_num_queries(30):  # SQLite splits wide inserts
        assert apply_pending() == count


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite takes no arrays")
def test_statements_are_the_same_whatever_the_size_of_a_batch(account: ConnectedAccount) -> None:
    """One parameter for a column, not for a value: prepared once, and cheaper to bring over."""

    def statements(prefix: str, count: int) -> list[str]:
        for number in range(count):
            store_delivery(encode(text_payload(f"{prefix}-{number}", sender=str(number))))
        said: list[str] = []

        def note(execute: Any, sql: str, *args: Any) -> Any:
            said.append(sql)
            return execute(sql, *args)

        with connection.execute_wrapper(note):
            apply_pending()
        return [sql for sql in said if "SAVEPOINT" not in sql]

    statements("introduce", 40)
    assert statements("few", 2) == statements("many", 40)
