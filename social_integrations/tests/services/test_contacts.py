"""Names and pictures of people: nice to have, and no reason to lose anything."""

import logging
from datetime import timedelta
from typing import Any

import pytest
import requests
from cryptography.fernet import Fernet
from django.utils import timezone
from pytest_django import Settings

from social_integrations.exceptions import (
    AccountOnHold,
    ConfigurationError,
    GraphError,
    GraphPausedError,
    GraphRefusedError,
    GraphUnavailableError,
)
from social_integrations.models import ConnectedAccount, Contact, Job, Message
from social_integrations.selectors import without_tokens
from social_integrations.services.applying import apply_pending
from social_integrations.services.contacts import refresh_profile, want_profile
from social_integrations.services.intake import store_delivery
from social_integrations.tests.factories import (
    NOON,
    make_account,
    make_contact,
    make_conversation,
    make_message,
)
from social_integrations.tests.graph.answers import GRAPH, FakeMeta
from social_integrations.tests.payloads import encode, text_payload

pytestmark = pytest.mark.django_db

IGSID = "1020304050607080"
TOKEN = "EAABmarker-token-of-the-page"


@pytest.fixture
def contact() -> Contact:
    """Somebody who wrote one message."""
    account = make_account(access_token=TOKEN)
    contact = make_contact(account=account, igsid=IGSID, username="", name="")
    make_message(conversation=make_conversation(contact=contact), text="Is it in stock?")
    return contact


def refresh(contact: Contact) -> Contact:
    """Refresh the profile; return the contact as it is stored then."""
    refresh_profile(contact_id=contact.pk)
    return Contact.objects.get(pk=contact.pk)


def refused(code: int, subcode: int | None = None) -> dict[str, Any]:
    return {"error": {"message": "No.", "code": code, "error_subcode": subcode}}


def assert_untouched(contact: Contact) -> None:
    stored = Contact.objects.get(pk=contact.pk)
    assert (stored.profile_state, stored.profile_fetched_at) == ("pending", None)
    assert Message.objects.get().text == "Is it in stock?"
    assert ConnectedAccount.objects.get().status == "connected"


class TestFetched:
    def test_name_username_and_picture_are_kept(self, meta: FakeMeta, contact: Contact) -> None:
        meta.answer("GET", IGSID, "profile")
        stored = refresh(contact)
        assert (stored.name, stored.username) == ("Customer", "first.customer")
        assert stored.profile_picture_url == "https://scontent.example/customer.jpg"
        assert stored.profile_state == Contact.ProfileState.FETCHED
        assert stored.profile_fetched_at is not None
        assert timezone.now() - stored.profile_fetched_at < timedelta(minutes=1)

    def test_the_token_goes_to_meta_alone_and_into_no_address(
        self, meta: FakeMeta, contact: Contact
    ) -> None:
        meta.answer("GET", IGSID, "profile")
        refresh(contact)
        [call] = meta.calls()
        assert str(call.url).startswith(f"{GRAPH}/{IGSID}?")
        assert call.headers["Authorization"] == f"Bearer {TOKEN}"
        assert TOKEN not in str(call.url)

    def test_nothing_known_at_meta_counts_as_fetched(
        self, meta: FakeMeta, contact: Contact
    ) -> None:
        meta.answer("GET", IGSID, "profile_nulls")
        stored = refresh(contact)
        assert (stored.name, stored.username, stored.profile_picture_url) == ("", "", "")
        assert stored.profile_state == Contact.ProfileState.FETCHED

    def test_what_meta_leaves_out_does_not_wipe_the_name_we_know(
        self, meta: FakeMeta, contact: Contact
    ) -> None:
        Contact.objects.update(
            name="Customer", username="customer", profile_picture_url="https://old/"
        )
        meta.answer("GET", IGSID, "profile_nulls")
        stored = refresh(contact)
        assert (stored.name, stored.username) == ("Customer", "customer")
        assert stored.profile_picture_url == ""  # such a link is dead after a few days

    def test_a_changed_name_is_taken_over(self, meta: FakeMeta, contact: Contact) -> None:
        Contact.objects.update(name="Before", profile_state="unavailable")
        meta.answer("GET", IGSID, "profile")
        stored = refresh(contact)
        assert (stored.name, stored.profile_state) == ("Customer", "fetched")

    def test_a_name_longer_than_its_column_is_cut(self, meta: FakeMeta, contact: Contact) -> None:
        meta.answer("GET", IGSID, {"name": "ნ" * 400, "username": "u" * 400})
        stored = refresh(contact)
        assert (stored.name, stored.username) == ("ნ" * 255, "u" * 255)

    def test_what_staff_wrote_meanwhile_stays(self, meta: FakeMeta, contact: Contact) -> None:
        Contact.objects.update(crm_reference="customer 7")
        meta.answer("GET", IGSID, "profile")
        assert refresh(contact).crm_reference == "customer 7"


class TestRefused:
    @pytest.mark.parametrize(
        ("code", "subcode"), [(230, None), (100, None), (100, 2018001), (9010, None), (999, None)]
    )
    def test_a_hidden_person_is_marked_and_their_messages_stay(
        self, meta: FakeMeta, contact: Contact, code: int, subcode: int | None
    ) -> None:
        Contact.objects.update(name="Customer")
        meta.answer("GET", IGSID, refused(code, subcode), status=400)
        stored = refresh(contact)
        assert stored.profile_state == Contact.ProfileState.UNAVAILABLE
        assert stored.profile_fetched_at is not None  # so that it is not asked again at once
        assert stored.name == "Customer"
        assert Message.objects.get().text == "Is it in stock?"
        assert ConnectedAccount.objects.get().status == "connected"

    @pytest.mark.parametrize(
        ("code", "subcode"),
        [(190, 463), (190, 460), (190, None), (102, None), (10, None), (200, None), (299, None)],
    )
    def test_a_dead_token_asks_to_connect_again_and_loses_nothing(
        self, meta: FakeMeta, contact: Contact, code: int, subcode: int | None
    ) -> None:
        meta.answer("GET", IGSID, refused(code, subcode), status=401)
        with pytest.raises(AccountOnHold):
            refresh(contact)
        stored = Contact.objects.get()
        assert (stored.profile_state, stored.profile_fetched_at) == ("pending", None)
        account = ConnectedAccount.objects.get()
        assert account.status == ConnectedAccount.Status.REAUTH_REQUIRED
        assert account.status_reason
        assert "Connect" in account.status_action
        assert account.access_token == TOKEN
        assert Message.objects.get().text == "Is it in stock?"

    def test_a_dead_token_does_not_bring_back_a_disconnected_account(
        self, meta: FakeMeta, contact: Contact
    ) -> None:
        ConnectedAccount.objects.update(status="disconnected", status_reason="by hand")
        with pytest.raises(AccountOnHold) as caught:
            refresh(contact)
        assert caught.value.disconnected
        assert meta.calls() == []
        account = ConnectedAccount.objects.get()
        assert (account.status, account.status_reason) == ("disconnected", "by hand")

    def test_other_accounts_are_not_touched(self, meta: FakeMeta, contact: Contact) -> None:
        other = make_account()
        meta.answer("GET", IGSID, "error_token_expired")
        with pytest.raises(AccountOnHold):
            refresh(contact)
        other.refresh_from_db()
        assert other.status == "connected"

    @pytest.mark.parametrize(
        ("name", "error"),
        [("error_throttled", GraphPausedError), ("error_temporary", GraphRefusedError)],
    )
    def test_a_passing_refusal_is_raised_so_that_it_is_tried_again(
        self, meta: FakeMeta, contact: Contact, name: str, error: type[Exception]
    ) -> None:
        meta.answer("GET", IGSID, name)
        with pytest.raises(error):
            refresh(contact)
        assert_untouched(contact)


class TestUnavailable:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"", 500),
            ({}, 502),
            (b"<html>Sorry, something went wrong.</html>", 503),
            (b"<html>Sign in to the hotel's network</html>", 200),
            (b'{"name": "Ni', 200),
            ([], 200),
            (requests.exceptions.ConnectTimeout(), 0),
            (requests.exceptions.ReadTimeout(), 0),
            (requests.exceptions.ConnectionError(f"/?access_token={TOKEN}"), 0),
            (requests.exceptions.SSLError(), 0),
        ],
    )
    def test_no_usable_answer_is_raised_so_that_it_is_tried_again(
        self, meta: FakeMeta, contact: Contact, body: Any, status: int
    ) -> None:
        meta.answer("GET", IGSID, body, status=status or 200)
        with pytest.raises(GraphUnavailableError) as caught:
            refresh(contact)
        assert TOKEN not in str(caught.value)
        assert_untouched(contact)

    def test_a_redirect_is_not_followed_with_the_token(
        self, meta: FakeMeta, contact: Contact
    ) -> None:
        meta.answer("GET", IGSID, {}, status=302, headers={"Location": "https://evil.example/"})
        with pytest.raises(GraphError):
            refresh(contact)
        assert len(meta.calls()) == 1

    def test_no_log_line_holds_the_token(
        self, meta: FakeMeta, contact: Contact, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        meta.answer("GET", IGSID, requests.exceptions.ConnectionError(TOKEN))
        with pytest.raises(GraphUnavailableError):
            refresh(contact)
        assert TOKEN not in caplog.text


class TestFloor:
    """At most one call a day for a person, however often somebody asks."""

    @pytest.mark.parametrize("state", ["fetched", "unavailable"])
    @pytest.mark.parametrize(("hours", "calls"), [(0, 0), (23, 0), (25, 1), (-1, 1)])
    def test_a_profile_younger_than_a_day_is_not_fetched(
        self, meta: FakeMeta, contact: Contact, state: str, hours: int, calls: int
    ) -> None:
        asked_at = timezone.now() - timedelta(hours=hours)
        Contact.objects.update(profile_fetched_at=asked_at, profile_state=state)
        meta.answer("GET", IGSID, "profile")
        refresh(contact)
        assert len(meta.calls()) == calls

    def test_who_shows_a_stale_profile_has_it_refreshed_in_the_background(
        self, meta: FakeMeta, contact: Contact
    ) -> None:
        contact.profile_fetched_at = timezone.now() - timedelta(days=2)
        want_profile(contact)
        want_profile(contact)
        job = Job.objects.get()
        assert (job.name, job.payload) == ("fetch_profile", {"contact": contact.pk})
        assert meta.calls() == []

    def test_the_job_is_the_one_a_message_asks_for(self, contact: Contact) -> None:
        store_delivery(encode(text_payload("m-1", account=contact.account.instagram_account_id)))
        apply_pending()
        want_profile(contact)
        assert Job.objects.count() == 1

    def test_a_young_profile_is_left_alone(self, contact: Contact) -> None:
        contact.profile_fetched_at = timezone.now() - timedelta(hours=1)
        want_profile(contact)
        assert not Job.objects.exists()


class TestNothingToAsk:
    def test_a_contact_that_was_erased_ends_it_quietly(self, meta: FakeMeta) -> None:
        refresh_profile(contact_id=4711)
        assert meta.calls() == []

    def test_without_a_token_meta_is_not_asked(self, meta: FakeMeta, contact: Contact) -> None:
        ConnectedAccount.objects.update(access_token="")
        assert refresh(contact).profile_state == "pending"
        assert meta.calls() == []

    def test_a_contact_erased_while_meta_answers_is_not_brought_back(
        self, meta: FakeMeta, contact: Contact
    ) -> None:
        def erase_and_answer(_request: Any) -> tuple[int, dict[str, str], str]:
            Contact.objects.all().delete()
            return 200, {}, '{"name": "Customer"}'

        meta._mock.add_callback("GET", f"{GRAPH}/{IGSID}", erase_and_answer)
        refresh_profile(contact_id=contact.pk)
        assert not Contact.objects.exists()

    def test_a_token_no_key_can_read_asks_to_connect_again_and_is_not_sent(
        self, meta: FakeMeta, contact: Contact, settings: Settings
    ) -> None:
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        with pytest.raises(AccountOnHold):
            refresh_profile(contact_id=contact.pk)
        account = without_tokens(ConnectedAccount.objects.all()).get()
        assert account.status == ConnectedAccount.Status.REAUTH_REQUIRED
        assert "INSTAGRAM_TOKEN_ENCRYPTION_KEYS" in account.status_reason
        assert meta.calls() == []

    def test_without_the_app_secret_meta_is_not_asked(
        self, meta: FakeMeta, contact: Contact, settings: Settings
    ) -> None:
        settings.INSTAGRAM_APP_SECRET = []
        with pytest.raises(ConfigurationError, match="INSTAGRAM_APP_SECRET"):
            refresh_profile(contact_id=contact.pk)
        assert meta.calls() == []


def test_the_fixtures_clock_is_not_what_is_stored(meta: FakeMeta, contact: Contact) -> None:
    Contact.objects.update(profile_fetched_at=NOON)
    meta.answer("GET", IGSID, "profile")
    assert refresh(contact).profile_fetched_at != NOON
