"""The states of an account: one door, the right words, told once, and no storm of calls."""

from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from social_integrations import signals
from social_integrations.exceptions import AccountOnHold, GraphRefusedError
from social_integrations.graph.errors import ROWS, ROWS_BY_CODE
from social_integrations.models import ConnectedAccount, Job, Message
from social_integrations.services import jobs
from social_integrations.services.applying import apply_pending
from social_integrations.services.clients import client_for_account
from social_integrations.services.guarding import ended_by, guarded
from social_integrations.services.intake import store_delivery
from social_integrations.services.states import TRANSITIONS, Event, flag_expired, move
from social_integrations.tasks import run_next_job, sweep
from social_integrations.tests.factories import make_account, make_contact, make_job
from social_integrations.tests.graph.answers import FakeMeta
from social_integrations.tests.payloads import ACCOUNT_ID, encode, text_payload

pytestmark = pytest.mark.django_db


class Heard:
    """Remembers what a signal brought."""

    def __init__(self, signal: Any) -> None:
        self.calls: list[dict[str, Any]] = []
        signal.connect(self.note, weak=False)
        self._signal = signal

    def note(self, **facts: Any) -> None:
        self.calls.append(facts)

    def close(self) -> None:
        self._signal.disconnect(self.note)


@pytest.fixture
def reauth() -> Any:
    heard = Heard(signals.account_reauth_required)
    yield heard
    heard.close()


class TestTable:
    @pytest.mark.parametrize("event", Event)
    def test_every_event_leads_somewhere_in_words(self, event: Event) -> None:
        row = TRANSITIONS[event]
        assert row.target not in row.sources
        assert row.reason.endswith(".")
        assert row.action.endswith(".")

    @pytest.mark.parametrize(
        ("code", "subcode", "event"),
        [
            (190, None, Event.TOKEN_REFUSED),
            *[(190, code, Event.TOKEN_REFUSED) for code in (459, 460, 463, 464, 467, 492, 9999)],
            (102, None, Event.TOKEN_REFUSED),
            (10, None, Event.PERMISSION_LOST),
            (200, None, Event.PERMISSION_LOST),
            (299, None, Event.PERMISSION_LOST),
            (10, 2534022, None),
            (200, 2534041, None),
            (3, None, None),
            (4, None, None),
            (230, None, None),
            (999999, None, None),
        ],
    )
    def test_what_a_refusal_ends(self, code: int, subcode: int | None, event: Event | None) -> None:
        assert ended_by(GraphRefusedError(code, subcode, "")) == event

    def test_nothing_else_in_metas_table_ends_access(self) -> None:
        pairs = [*ROWS, *((code, None) for code in ROWS_BY_CODE)]
        ending = {pair for pair in pairs if ended_by(GraphRefusedError(*pair, ""))}
        assert {code for code, _ in ending} == {10, 100, 102, 190, 200, 299}
        assert {pair for pair in ending if pair[0] == 100} == {(100, 2534013)}


class TestMove:
    def test_it_is_told_once_however_often_it_happens(
        self,
        reauth: Heard,
        settings: Settings,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        settings.INSTAGRAM_WARN_EMAILS = ["staff@shop.example"]
        account = make_account(username="shop")
        with django_capture_on_commit_callbacks(execute=True):
            assert move(account=account, event=Event.TOKEN_REFUSED)
            assert not move(account=account, event=Event.TOKEN_REFUSED)
            assert not move(account=account, event=Event.PERMISSION_LOST)
        [call] = reauth.calls
        assert (call["account"], call["event"]) == (account, "token_refused")
        assert call["account"].status == "reauth_required"
        while run_next_job():
            pass
        [letter] = mail.outbox
        assert letter.subject == "Instagram: @shop has to be connected again"
        assert "Meta no longer accepts our access" in letter.body
        assert letter.to == ["staff@shop.example"]
        assert account.access_token not in letter.body

    def test_without_addresses_nobody_is_written_to(self) -> None:
        move(account=make_account(), event=Event.TOKEN_REFUSED)
        assert run_next_job() is True
        assert mail.outbox == []
        assert Job.objects.get().state == "done"

    def test_a_line_break_in_a_name_breaks_no_header(self, settings: Settings) -> None:
        settings.INSTAGRAM_WARN_EMAILS = "staff@shop.example"
        move(account=make_account(username="a\nBcc: x@y.example"), event=Event.TOKEN_REFUSED)
        run_next_job()
        assert "\n" not in mail.outbox[0].subject
        assert mail.outbox[0].recipients() == ["staff@shop.example"]

    @pytest.mark.parametrize("field", ["connected_at", "token_refreshed_at"])
    def test_the_old_tokens_end_does_not_hurt_the_new_one(self, field: str) -> None:
        account = make_account()
        ConnectedAccount.objects.update(**{field: timezone.now()})
        for code, subcode in ((190, 460), (190, 458)):
            with pytest.raises(AccountOnHold), guarded(account):
                raise GraphRefusedError(code, subcode, "")
        stored = ConnectedAccount.objects.get()
        assert (stored.status, stored.access_token) == ("connected", account.access_token)

    def test_expired_tokens_are_noticed_without_asking_meta(self, meta: FakeMeta) -> None:
        over = make_account(token_expires_at=timezone.now())
        make_account(token_expires_at=None)
        assert flag_expired() == 1
        over.refresh_from_db()
        assert over.status == "reauth_required"
        assert "expired" in over.status_reason
        assert meta.calls() == []


class TestRemoved:
    def test_190_458_is_as_good_as_the_deauthorise_callback(self) -> None:
        account = make_account()
        with pytest.raises(AccountOnHold) as caught, guarded(account):
            raise GraphRefusedError(190, 458, "")
        assert caught.value.disconnected
        stored = ConnectedAccount.objects.get()
        assert (stored.status, stored.access_token) == ("disconnected", "")
        assert "removed at Meta" in stored.status_reason


class TestNoStorm:
    """F14: one attempt, then nothing until somebody connects the account again."""

    def test_one_call_then_everything_waits_and_resumes(self, meta: FakeMeta) -> None:
        account = make_account(access_token="token")
        contacts = [make_contact(account=account, igsid=str(n)) for n in range(100, 105)]
        for contact in contacts:
            make_job(payload={"contact": contact.pk})
        for contact in contacts:
            meta.answer("GET", contact.igsid, "error_token_expired")
        while run_next_job():
            pass
        assert len(meta.calls()) == 1
        held = Job.objects.filter(state="held")
        assert held.count() == 5
        assert set(held.values_list("held_for", "attempts")) == {(account.pk, 0)}
        sweep()
        while run_next_job():
            pass
        assert len(meta.calls()) == 1

        meta._mock.reset()
        for contact in contacts:
            meta.answer("GET", contact.igsid, "profile")
        ConnectedAccount.objects.update(status="connected", connected_at=timezone.now())
        sweep()
        while run_next_job():
            pass
        assert {contact.profile_state for contact in account.contacts.all()} == {"fetched"}
        assert not Job.objects.filter(state="held").exists()

    def test_of_equal_jobs_one_is_held(self) -> None:
        contact = make_contact(account=make_account(status="reauth_required"))
        for _ in range(3):
            make_job(payload={"contact": contact.pk})
        while run_next_job():
            pass
        assert Job.objects.get().state == "held"

    def test_jobs_of_a_disconnected_account_are_dropped(self, meta: FakeMeta) -> None:
        contact = make_contact(account=make_account(status="disconnected"))
        make_job(payload={"contact": contact.pk})
        assert run_next_job() is True
        assert not Job.objects.exists()
        assert meta.calls() == []

    def test_other_accounts_jobs_go_on(self, meta: FakeMeta) -> None:
        meta.answer("GET", "100", "profile")
        make_job(
            payload={"contact": make_contact(account=make_account(status="reauth_required")).pk}
        )
        make_job(payload={"contact": make_contact(igsid="100").pk})
        while run_next_job():
            pass
        assert sorted(Job.objects.values_list("state", flat=True)) == ["done", "held"]

    @pytest.mark.parametrize("status", ["reauth_required", "disconnected"])
    def test_no_client_is_built_for_such_an_account(self, status: str) -> None:
        account = make_account(status=status)
        with pytest.raises(AccountOnHold):
            client_for_account(account)

    def test_an_erased_account_takes_its_held_jobs_along(self) -> None:
        account = make_account(status="reauth_required")
        jobs.hold(make_job(), account_id=account.pk)
        account.delete()
        assert not Job.objects.exists()


@pytest.mark.parametrize("status", ConnectedAccount.Status)
@pytest.mark.parametrize("token", ["", "token"])
def test_receiving_never_looks_at_status_or_token(status: str, token: str) -> None:
    make_account(instagram_account_id=ACCOUNT_ID, status=status, access_token=token)
    store_delivery(encode(text_payload("m-1")))
    apply_pending()
    assert Message.objects.get().mid == "m-1"
