"""What Meta keeps and never delivered is found, whatever interrupts the search."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import responses
from cryptography.fernet import Fernet
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from social_integrations.models import (
    CallBudget,
    ConnectedAccount,
    Job,
    Reconciliation,
    WebhookEvent,
)
from social_integrations.selectors import without_tokens
from social_integrations.services import reconciling
from social_integrations.services.intake import store_delivery
from social_integrations.services.reconciling import Reason, start, work_on
from social_integrations.tasks import run_next_job
from social_integrations.tests.factories import make_account, make_message
from social_integrations.tests.graph.inbox import PAGE_ID, FakeInbox, Query, Reply, error
from social_integrations.tests.payloads import ACCOUNT_ID, encode, text_payload

pytestmark = pytest.mark.django_db

SLEEP = "social_integrations.services.budget.time.sleep"

TOKEN = "EAABmarker-token-of-the-page"


@pytest.fixture
def account() -> ConnectedAccount:
    return make_account(
        instagram_account_id=ACCOUNT_ID, page_id=PAGE_ID, username="shop", access_token=TOKEN
    )


@pytest.fixture
def an_hour_ago() -> datetime:
    return timezone.now().replace(microsecond=0) - timedelta(hours=1)


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeInbox]:
    """Meta's side; waiting for a turn takes no time."""
    monkeypatch.setattr(SLEEP, lambda _seconds: pass_the_time())
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield FakeInbox(mock)


def pass_the_time() -> None:
    """Let every wait for Meta and every job's be over."""
    now = timezone.now()
    CallBudget.objects.update(free_at=now)
    Job.objects.filter(state=Job.State.READY).update(due_at=now)


def go_on(run: Reconciliation, *, jobs: int = 1000) -> Reconciliation:
    """Run jobs until the run has ended; return it as it stands."""
    for _ in range(jobs):
        pass_the_time()
        if not run_next_job():
            break
    run.refresh_from_db()
    return run


def reconcile(account: ConnectedAccount, reason: Reason = Reason.SCHEDULE) -> Reconciliation:
    """Start a run and see it through."""
    return go_on(start(account, reason)[0])


def imported() -> list[str]:
    """Return the ids of the imported messages, sorted."""
    rows = WebhookEvent.objects.filter(wrapper="conversations")
    return sorted(row.payload["id"] for row in rows)


def counts(run: Reconciliation) -> dict[str, int]:
    names = ("conversations", "messages", "imported", "unreadable")
    return {name: getattr(run, name) for name in names}


class TestFound:
    def test_everything_missing_is_imported_and_counted(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.fill(7, 4, newest=an_hour_ago)
        run = reconcile(account)
        assert (run.state, run.error, run.cursor) == ("done", "", "")
        assert run.finished_at is not None
        assert counts(run) == {
            "conversations": 7, "messages": 28, "imported": 28, "unreadable": 0,
        }  # fmt: skip
        assert imported() == sorted(inbox.mids())
        assert len(inbox.calls) == 3 + 7  # three pages, seven threads

    def test_one_percent_withheld_is_found_to_the_last_message(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.fill(40, 15, newest=an_hour_ago, page_size=25)
        mids = sorted(inbox.mids())
        withheld = mids[::100]
        delivered = set(mids) - set(withheld)
        conversation = make_message(account=account).conversation
        for mid in delivered:
            make_message(account=account, conversation=conversation, mid=mid)
        assert len(withheld) == 6
        run = reconcile(account)
        assert imported() == withheld
        assert counts(run) == {
            "conversations": 40, "messages": 600, "imported": 6, "unreadable": 0,
        }  # fmt: skip

    def test_what_waits_in_the_ledger_is_not_missing(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        store_delivery(encode(text_payload("t0-m0", account=ACCOUNT_ID)))
        inbox.fill(1, 2, newest=an_hour_ago)
        assert reconcile(account).imported == 1
        assert imported() == ["t0-m1"]

    def test_what_another_account_has_is_missing_here(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        make_message(mid="t0-m0")
        inbox.fill(1, 1, newest=an_hour_ago)
        assert reconcile(account).imported == 1

    def test_fresh_messages_are_left_to_the_webhook(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.add("t0", "old", sent_at=an_hour_ago)
        inbox.add("t0", "new", sent_at=timezone.now() - timedelta(seconds=90))
        reconcile(account)
        assert imported() == ["old"]

    def test_a_second_run_imports_nothing_twice(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.fill(2, 3, newest=an_hour_ago)
        reconcile(account)
        again = reconcile(account, Reason.REQUEST)
        assert (again.state, again.imported, again.messages) == ("done", 0, 6)

    def test_instagram_login_asks_for_me(
        self,
        account: ConnectedAccount,
        an_hour_ago: datetime,
        monkeypatch: pytest.MonkeyPatch,
        settings: Settings,
    ) -> None:
        settings.INSTAGRAM_LOGIN_APP_ID = "800000000000001"
        settings.INSTAGRAM_LOGIN_APP_SECRET = "instagram-app-secret"
        ConnectedAccount.objects.update(login="instagram")  # a Page of old may still be known
        monkeypatch.setattr(SLEEP, lambda _seconds: pass_the_time())
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            inbox = FakeInbox(mock, root="me", host="https://graph.instagram.com").fill(
                1, 1, newest=an_hour_ago
            )
            run = reconcile(account)
        assert inbox.calls[0] == "me/conversations"
        assert (run.state, run.imported) == ("done", 1)

    def test_an_empty_inbox_is_done_at_once(
        self, inbox: FakeInbox, account: ConnectedAccount
    ) -> None:
        assert counts(reconcile(account)) == dict.fromkeys(counts(Reconciliation()), 0)

    def test_cursors_in_a_circle_come_to_an_end(
        self, inbox: FakeInbox, account: ConnectedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("social_integrations.services.positions.MAX_PAGES", 5)

        def circle(_path: str, query: Query) -> Reply:
            after = "B" if query.get("after") == "A" else "A"
            return (
                200,
                {},
                f'{{"data": [], "paging": {{"next": "x", "cursors": {{"after": "{after}"}}}}}}',
            )

        inbox.intercept = circle
        assert reconcile(account).state == "done"
        assert len(inbox.calls) == 5


class TestUnchanged:
    def test_threads_without_news_since_the_last_run_are_not_read_again(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.fill(3, 2, newest=an_hour_ago)
        reconcile(account)
        inbox.add("t1", "news", sent_at=timezone.now() - timedelta(minutes=5))
        inbox.calls.clear()
        run = reconcile(account)
        assert inbox.calls == [f"{PAGE_ID}/conversations", "t1"]
        assert counts(run) == {
            "conversations": 3, "messages": 3, "imported": 1, "unreadable": 0,
        }  # fmt: skip

    def test_our_own_newer_message_is_no_sign_that_nothing_is_missing(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.fill(1, 3, newest=an_hour_ago)
        make_message(mid="t0-m0", account=account, sent_at=an_hour_ago)
        reconcile(account)
        assert imported() == ["t0-m1", "t0-m2"]

    @pytest.mark.parametrize("reason", [Reason.REQUEST, Reason.CONNECTED])
    def test_who_asks_gets_everything_looked_at(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime, reason: Reason
    ) -> None:
        inbox.fill(3, 1, newest=an_hour_ago)
        reconcile(account)
        inbox.calls.clear()
        reconcile(account, reason)
        assert inbox.calls == [f"{PAGE_ID}/conversations", "t0", "t1", "t2"]

    def test_a_run_that_left_something_out_vouches_for_nothing(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.fill(1, 1, newest=an_hour_ago)
        reconcile(account)
        Reconciliation.objects.update(error="Meta did not show 1 conversation.")
        inbox.calls.clear()
        reconcile(account)
        assert "t0" in inbox.calls


class TestOneByOne:
    """Where Meta gives ids only, each message has to be read by itself."""

    def test_messages_are_read_by_their_ids(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.takes_expansion = False
        inbox.fill(3, 4, newest=an_hour_ago)
        run = reconcile(account)
        assert imported() == sorted(inbox.mids())
        assert counts(run) == {
            "conversations": 3, "messages": 12, "imported": 12, "unreadable": 0,
        }  # fmt: skip
        # The expansion is asked for once, not for every thread.
        assert [call for call in inbox.calls if call in inbox.threads] == ["t0", "t0", "t1", "t2"]

    def test_a_thread_ends_after_its_20_newest(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.takes_expansion = False
        inbox.fill(1, 23, newest=an_hour_ago)
        run = reconcile(account)
        assert (run.imported, run.unreadable) == (20, 3)
        assert len([call for call in inbox.calls if "-m" in call]) == 20

    def test_deleted_messages_are_counted_and_no_id_is_read_twice(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.takes_expansion = False
        inbox.deleted = {"t0-m1", "t0-m3"}
        inbox.fill(1, 6, newest=an_hour_ago)
        run = reconcile(account)
        assert (run.imported, run.unreadable) == (4, 2)
        read = [call for call in inbox.calls if "-m" in call]
        assert len(read) == len(set(read)) == 6

    def test_what_we_have_is_not_read(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.takes_expansion = False
        inbox.fill(1, 22, newest=an_hour_ago)
        conversation = make_message(account=account).conversation
        for number in (0, *range(2, 20)):
            make_message(account=account, conversation=conversation, mid=f"t0-m{number}")
        run = reconcile(account)
        assert imported() == ["t0-m1"]
        # With 19 known, the next may be readable; it turns out to be too old, as is the last.
        assert run.unreadable == 2

    def test_one_that_came_meanwhile_is_not_read(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.takes_expansion = False
        inbox.fill(1, 2, newest=an_hour_ago)

        def deliver(path: str, _query: Query) -> None:
            if path == "t0-m0":
                make_message(mid="t0-m1", account=account)

        inbox.intercept = deliver
        reconcile(account)
        assert imported() == ["t0-m0"]
        assert "t0-m1" not in inbox.calls


class Killed(BaseException):
    """The process ends here: no handler of ours sees it."""


@contextmanager
def killed_at(number: int) -> Iterator[None]:
    """Die before the given statement that writes."""
    seen = 0

    def wrapper(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        nonlocal seen
        if sql.startswith(("INSERT", "UPDATE", "DELETE")):
            seen += 1
            if seen == number:
                raise Killed
        return execute(sql, *rest)

    with connection.execute_wrapper(wrapper):
        yield


def lease_is_over() -> None:
    Job.objects.filter(state=Job.State.RUNNING).update(
        leased_until=timezone.now() - timedelta(seconds=1)
    )


class TestInterrupted:
    EXPECTED = {"conversations": 3, "messages": 8, "imported": 7, "unreadable": 1}

    @pytest.fixture
    def run(
        self,
        inbox: FakeInbox,
        account: ConnectedAccount,
        an_hour_ago: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> Reconciliation:
        """Three threads, one of them read message by message, and a part for every step."""
        monkeypatch.setattr(reconciling, "PART_SECONDS", 0.0)
        inbox.fill(3, 2, newest=an_hour_ago, page_size=2)
        inbox.add("t1", "t1-m2", sent_at=an_hour_ago - timedelta(days=1))
        inbox.add("t1", "t1-m3", sent_at=an_hour_ago - timedelta(days=2))
        inbox.deleted = {"t1-m1"}
        refusal = error(9000001)
        inbox.intercept = lambda path, query: (
            refusal if path == "t1" and query["fields"] != "messages" else None
        )
        return start(account, Reason.SCHEDULE)[0]

    def test_undisturbed(self, run: Reconciliation) -> None:
        assert counts(go_on(run)) == self.EXPECTED

    @pytest.mark.parametrize("number", range(1, 11))
    def test_a_kill_at_any_call_to_meta_changes_nothing(
        self, run: Reconciliation, inbox: FakeInbox, number: int
    ) -> None:
        plain, killed = inbox.intercept, list[str]()

        def die_once(path: str, query: Query) -> Reply | None:
            if len(inbox.calls) == number and not killed:
                killed.append(path)
                raise Killed
            return plain(path, query)

        inbox.intercept = die_once
        with pytest.raises(Killed):
            go_on(run)
        lease_is_over()
        go_on(run)
        assert (run.state, counts(run)) == ("done", self.EXPECTED)
        assert imported() == sorted(inbox.mids())

    @pytest.mark.django_db(transaction=True)
    def test_a_kill_at_any_write_changes_nothing(
        self, run: Reconciliation, inbox: FakeInbox
    ) -> None:
        lives = 0
        while run.state == "running":
            lives += 1
            with killed_at(lives):  # every worker gets one statement further than the last
                try:
                    go_on(run)
                except Killed:
                    run.refresh_from_db()
            Job.objects.update(attempts=0)
            lease_is_over()
        assert lives > 10
        assert (run.state, counts(run)) == ("done", self.EXPECTED)
        assert imported() == sorted(inbox.mids())

    def test_a_job_of_an_earlier_part_does_nothing(
        self, run: Reconciliation, inbox: FakeInbox
    ) -> None:
        go_on(run, jobs=2)
        before = (run.cursor, len(inbox.calls))
        work_on(run_id=run.pk, part=0)
        run.refresh_from_db()
        assert (run.cursor, len(inbox.calls)) == before

    def test_a_worker_that_lost_its_lease_writes_nothing(
        self, run: Reconciliation, inbox: FakeInbox
    ) -> None:
        plain, overtaken = inbox.intercept, list[bool]()

        def overtake(path: str, query: Query) -> Reply | None:
            if path == "t0" and not overtaken:
                overtaken.append(True)
                lease_is_over()
                go_on(run)
            return plain(path, query)

        inbox.intercept = overtake
        go_on(run)
        assert overtaken
        assert (run.state, counts(run)) == ("done", self.EXPECTED)
        assert imported() == sorted(inbox.mids())

    @pytest.mark.django_db(transaction=True)
    def test_meta_is_never_called_inside_a_transaction(
        self, run: Reconciliation, inbox: FakeInbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plain, inside = inbox.intercept, list[bool]()

        def look(path: str, query: Query) -> Reply | None:
            inside.append(connection.in_atomic_block)
            return plain(path, query)

        def sleep(_seconds: float) -> None:
            inside.append(connection.in_atomic_block)
            pass_the_time()

        inbox.intercept = look
        monkeypatch.setattr(SLEEP, sleep)
        go_on(run)
        assert run.state == "done"
        assert set(inside) == {False}

    def test_a_run_whose_account_is_erased_ends_with_it(
        self, run: Reconciliation, inbox: FakeInbox
    ) -> None:
        plain = inbox.intercept

        def erase(path: str, query: Query) -> Reply | None:
            if path == "t0":
                ConnectedAccount.objects.all().delete()
            return plain(path, query)

        inbox.intercept = erase
        while run_next_job():
            pass_the_time()
        assert not Reconciliation.objects.exists()
        assert not WebhookEvent.objects.exists()


class TestThrottled:
    @pytest.mark.parametrize("code", [4, 17, 32, 613, 80001, 80002, 80006])
    def test_it_waits_and_does_not_fail(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime, code: int
    ) -> None:
        inbox.fill(2, 1, newest=an_hour_ago)
        answers = [error(code)]
        inbox.intercept = lambda path, _query: answers.pop() if path == "t1" and answers else None
        run, _ = start(account, Reason.SCHEDULE)
        assert run_next_job()
        job = Job.objects.get(name="reconcile")
        assert (job.state, job.attempts) == ("ready", 0)
        assert job.due_at > timezone.now() + timedelta(minutes=4)
        assert not run_next_job()
        calls = len(inbox.calls)
        run = go_on(run)
        assert (run.state, run.imported) == ("done", 2)
        assert inbox.calls[calls:] == ["t1"]

    def test_a_full_allowance_stops_it_for_as_long_as_meta_says(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.fill(2, 1, newest=an_hour_ago)
        headers = {
            "X-Business-Use-Case-Usage": '{"1": [{"type": "messenger", "call_count": 100,'
            ' "estimated_time_to_regain_access": 9}]}'
        }
        inbox.intercept = lambda path, query: (200, headers, inbox._reply(path, query)[2])
        run, _ = start(account, Reason.SCHEDULE)
        assert run_next_job()
        assert len(inbox.calls) == 1
        due_at = Job.objects.get(name="reconcile").due_at
        assert timedelta(minutes=8) < due_at - timezone.now() <= timedelta(minutes=9)
        # It comes to its end even if Meta says so every time, one call per wait.
        assert go_on(run).state == "done"


class TestFailed:
    @pytest.mark.parametrize(
        ("code", "subcode"), [(190, 463), (190, None), (102, None), (10, None)]
    )
    def test_a_dead_token_asks_to_connect_again(
        self,
        inbox: FakeInbox,
        account: ConnectedAccount,
        code: int,
        subcode: int | None,
    ) -> None:
        inbox.intercept = lambda _path, _query: error(code, subcode, 401)
        run = reconcile(account)
        assert run.state == "failed"
        assert "onnect" in run.error
        account.refresh_from_db()
        assert account.status == "reauth_required"
        assert run.error == f"{account.status_reason} {account.status_action}"
        assert len(inbox.calls) == 1

    def test_a_token_that_dies_on_the_way_keeps_what_was_found(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.fill(2, 1, newest=an_hour_ago)
        inbox.intercept = lambda path, _query: error(190) if path == "t1" else None
        run = reconcile(account)
        assert (run.state, run.imported) == ("failed", 1)

    @pytest.mark.parametrize(
        ("code", "subcode", "words"),
        [
            (200, 2534041, "switched message access off"),
            (3, None, "Advanced Access"),
            (100, 33, "does not know this object"),
            (100, None, "without a reason we know"),
        ],
    )
    def test_a_refusal_is_told_in_words_and_leaves_the_account_alone(
        self,
        inbox: FakeInbox,
        account: ConnectedAccount,
        code: int,
        subcode: int | None,
        words: str,
    ) -> None:
        inbox.intercept = lambda _path, _query: error(code, subcode)
        run = reconcile(account)
        assert run.state == "failed"
        assert words in run.error
        account.refresh_from_db()
        assert account.status == "connected"

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({"page_id": ""}, "Page"),
            ({"access_token": ""}, "no access"),
            ({"status": "disconnected"}, "not connected"),
            ({"status": "reauth_required"}, "not connected"),
        ],
    )
    def test_what_cannot_be_asked_is_not_asked(
        self,
        inbox: FakeInbox,
        account: ConnectedAccount,
        values: dict[str, str],
        words: str,
    ) -> None:
        ConnectedAccount.objects.update(**values)
        run = reconcile(account)
        assert run.state == "failed"
        assert words in run.error
        assert inbox.calls == []

    def test_a_token_no_key_can_read(
        self, inbox: FakeInbox, account: ConnectedAccount, settings: Settings
    ) -> None:
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        run = reconcile(account)
        assert run.state == "failed"
        assert "INSTAGRAM_TOKEN_ENCRYPTION_KEYS" in run.error
        stored = without_tokens(ConnectedAccount.objects.all()).get()
        assert stored.status == "reauth_required"
        assert inbox.calls == []

    def test_a_list_that_never_comes_fails_in_the_end(
        self, inbox: FakeInbox, account: ConnectedAccount
    ) -> None:
        inbox.intercept = lambda _path, _query: (500, {}, "<html>")
        run = reconcile(account)
        assert (run.state, run.error) == ("failed", reconciling.UNREACHABLE)
        assert len(inbox.calls) == reconciling.LIST_FAULTS

    def test_a_passing_fault_costs_a_little_time_only(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.fill(2, 1, newest=an_hour_ago)
        faults: list[Reply] = [error(2), (502, {}, "<html>"), error(1), (200, {}, "{")]
        inbox.intercept = lambda _path, _query: faults.pop() if faults else None
        run, _ = start(account, Reason.SCHEDULE)
        assert run_next_job()
        job = Job.objects.get(name="reconcile")
        assert (job.state, job.attempts) == ("ready", 0)
        assert job.due_at > timezone.now()
        run = go_on(run)
        assert (run.state, run.error, run.imported) == ("done", "", 2)

    def test_one_thread_meta_cannot_show_keeps_nothing_else_back(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.fill(3, 1, newest=an_hour_ago)
        inbox.intercept = lambda path, _query: (500, {}, "<html>") if path == "t1" else None
        run = reconcile(account)
        assert (run.state, imported()) == ("done", ["t0-m0", "t2-m0"])
        assert run.error == "Meta did not show 1 conversation or message; the next run tries again."
        assert inbox.calls.count("t1") == reconciling.THREAD_FAULTS

    def test_a_message_meta_cannot_show_keeps_nothing_else_back(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.takes_expansion = False
        inbox.fill(2, 2, newest=an_hour_ago)
        inbox.intercept = lambda path, _query: (500, {}, "<html>") if path == "t0-m0" else None
        run = reconcile(account)
        assert (run.state, imported()) == ("done", ["t0-m1", "t1-m0", "t1-m1"])
        assert run.error.startswith("Meta did not show 1 ")

    def test_a_thread_that_is_gone_is_no_remark(
        self, inbox: FakeInbox, account: ConnectedAccount, an_hour_ago: datetime
    ) -> None:
        inbox.fill(2, 1, newest=an_hour_ago)
        inbox.intercept = lambda path, _query: error(100, 33) if path == "t0" else None
        run = reconcile(account)
        assert (run.state, run.error, imported()) == ("done", "", ["t1-m0"])

    def test_no_secret_and_no_text_is_logged(
        self,
        inbox: FakeInbox,
        account: ConnectedAccount,
        an_hour_ago: datetime,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level("DEBUG")
        inbox.fill(2, 1, newest=an_hour_ago)
        inbox.intercept = lambda path, _query: (500, {}, "<html>") if path == "t1" else None
        reconcile(account)
        assert "Reconciliation" in caplog.text
        assert TOKEN not in caplog.text
        assert "text of" not in caplog.text


class TestStart:
    def test_a_second_start_returns_the_running_one(self, account: ConnectedAccount) -> None:
        first, created = start(account, Reason.REQUEST)
        assert created
        assert start(account, Reason.GAP) == (first, False)
        assert Job.objects.count() == 1
        assert first.reason == "request"

    def test_after_the_end_another_can_start(
        self, inbox: FakeInbox, account: ConnectedAccount
    ) -> None:
        first = reconcile(account)
        second, created = start(account, Reason.REQUEST)
        assert created
        assert second != first

    @pytest.mark.django_db(transaction=True)
    def test_starts_at_the_same_moment_end_in_one_run(self, account: ConnectedAccount) -> None:
        def begin(_number: int) -> bool:
            try:
                return start(account, Reason.REQUEST)[1]
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(begin, range(4))) == [False, False, False, True]
        assert Reconciliation.objects.count() == Job.objects.count() == 1
