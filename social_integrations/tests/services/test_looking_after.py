"""The daily look at an account: token, permissions, deliveries, and warnings given once."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from social_integrations.exceptions import AccountOnHold, GraphUnavailableError
from social_integrations.models import ConnectedAccount, Job
from social_integrations.services.jobs import prune
from social_integrations.services.looking_after import look_after, plan_day, warn, warning_due
from social_integrations.signals import token_expiring
from social_integrations.tasks import run_next_job
from social_integrations.tests.factories import make_account
from social_integrations.tests.graph.answers import FakeMeta, sent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("instagram_app")]

PAGE = "700100200301"
EDGE = f"{PAGE}/subscribed_apps"
THREADS = f"{PAGE}/conversations"
MY_THREADS = "https://graph.instagram.com/v26.0/me/conversations"
OURS = {"data": [{"id": "700000000000001", "subscribed_fields": ["messages"]}]}
SCOPES = ["instagram_basic", "instagram_manage_messages", "pages_manage_metadata"]
DAY = timedelta(days=1)


def inspected(**changes: Any) -> dict[str, Any]:
    data = {"is_valid": True, "expires_at": 0, "data_access_expires_at": 1_900_000_000}
    return {"data": data | {"scopes": SCOPES} | changes}


@pytest.fixture
def account() -> ConnectedAccount:
    return make_account(page_id=PAGE, access_token="EAAB-page-token")


def after(account: ConnectedAccount) -> ConnectedAccount:
    look_after(account_id=account.pk)
    return ConnectedAccount.objects.get(pk=account.pk)


class TestToken:
    def test_meta_is_asked_with_the_apps_own_token(
        self, meta: FakeMeta, account: ConnectedAccount
    ) -> None:
        meta.answer("GET", "debug_token", inspected())
        meta.answer("GET", THREADS, {"data": []})
        meta.answer("GET", EDGE, OURS)
        stored = after(account)
        [call] = meta.calls("debug_token")
        assert call.headers["Authorization"].startswith("Bearer 700000000000001|")
        assert sent(call)["input_token"] == "EAAB-page-token"
        assert stored.token_checked_at is not None
        assert stored.token_expires_at is None
        assert stored.data_access_expires_at is not None
        assert stored.granted_scopes == sorted(SCOPES)

    @pytest.mark.parametrize("subcode", [None, 460, 463, 467, 492])
    def test_a_token_that_is_not_valid_any_more_is_the_end(
        self, meta: FakeMeta, account: ConnectedAccount, subcode: int | None
    ) -> None:
        error = {"code": 190, "subcode": subcode, "message": "No."}
        meta.answer("GET", "debug_token", inspected(is_valid=False, error=error))
        with pytest.raises(AccountOnHold):
            look_after(account_id=account.pk)
        account.refresh_from_db()
        assert account.status == "reauth_required"
        assert len(meta.calls()) == 1
        look_after(account_id=account.pk)
        assert len(meta.calls()) == 1

    def test_a_removed_app_disconnects(self, meta: FakeMeta, account: ConnectedAccount) -> None:
        error = {"code": 190, "subcode": 458}
        meta.answer("GET", "debug_token", inspected(is_valid=False, error=error))
        with pytest.raises(AccountOnHold):
            look_after(account_id=account.pk)
        account.refresh_from_db()
        assert (account.status, account.access_token) == ("disconnected", "")

    def test_a_permission_taken_back_is_noticed(
        self, meta: FakeMeta, account: ConnectedAccount
    ) -> None:
        meta.answer("GET", "debug_token", inspected(scopes=["instagram_basic"]))
        meta.answer("GET", THREADS, {"data": []})
        meta.answer("GET", EDGE, OURS)
        with pytest.raises(AccountOnHold):
            look_after(account_id=account.pk)
        account.refresh_from_db()
        assert account.status == "reauth_required"
        assert "permission" in account.status_reason

    def test_a_fault_of_the_apps_own_token_is_not_the_accounts(
        self, meta: FakeMeta, account: ConnectedAccount
    ) -> None:
        meta.answer("GET", "debug_token", "error_token_expired")
        meta.answer("GET", THREADS, {"data": []})
        meta.answer("GET", EDGE, OURS)
        assert after(account).status == "connected"

    def test_without_meta_it_is_tried_again(
        self, meta: FakeMeta, account: ConnectedAccount
    ) -> None:
        meta.answer("GET", "debug_token", b"<html>", status=500)
        with pytest.raises(GraphUnavailableError):
            look_after(account_id=account.pk)
        account.refresh_from_db()
        assert account.status == "connected"

    def test_an_account_without_a_token_is_left_alone(self, meta: FakeMeta) -> None:
        assert after(make_account(access_token="")).status == "connected"
        assert meta.calls() == []


class TestSubscription:
    def test_a_lost_one_is_made_again(self, meta: FakeMeta, account: ConnectedAccount) -> None:
        meta.answer("GET", "debug_token", inspected())
        meta.answer("GET", THREADS, {"data": []})
        meta.answer("GET", EDGE, {"data": [{"id": "999", "name": "Another app"}]})
        meta.answer("POST", EDGE, "subscribed")
        ConnectedAccount.objects.update(webhook_subscribed_at=None)
        assert after(account).webhook_subscribed_at is not None
        assert len(meta.calls(EDGE)) == 2

    def test_one_that_cannot_be_made_again_is_told(
        self, meta: FakeMeta, account: ConnectedAccount
    ) -> None:
        meta.answer("GET", "debug_token", inspected())
        meta.answer("GET", THREADS, {"data": []})
        meta.answer("GET", EDGE, {"data": []})
        meta.answer("POST", EDGE, "error_no_metadata")
        stored = after(account)
        assert (stored.status, stored.webhook_subscribed_at) == ("connected", None)
        assert "does not deliver" in stored.status_reason

    def test_without_the_permission_to_look_nothing_changes(
        self, meta: FakeMeta, account: ConnectedAccount
    ) -> None:
        meta.answer("GET", "debug_token", inspected())
        meta.answer("GET", THREADS, {"data": []})
        meta.answer("GET", EDGE, {"error": {"code": 200, "message": "No."}}, status=403)
        stored = after(account)
        assert stored.status == "connected"
        assert stored.webhook_subscribed_at == account.webhook_subscribed_at

    def test_instagram_login_asks_for_itself(self, meta: FakeMeta) -> None:
        edge = "https://graph.instagram.com/v26.0/me/subscribed_apps"
        meta.answer("GET", MY_THREADS, {"data": []})
        meta.answer("GET", edge, {"data": [{"subscribed_fields": ["messages"]}]})
        account = make_account(login="instagram", token_expires_at=timezone.now() + 50 * DAY)
        assert after(account).status == "connected"
        assert len(meta.calls()) == 2

    def test_a_dead_token_of_instagram_login_is_noticed_here(self, meta: FakeMeta) -> None:
        meta.answer("GET", MY_THREADS, "error_token_expired")
        account = make_account(login="instagram", token_expires_at=timezone.now() + 50 * DAY)
        with pytest.raises(AccountOnHold):
            look_after(account_id=account.pk)
        account.refresh_from_db()
        assert account.status == "reauth_required"


class TestLink:
    """Meta tells nobody when a Page and an Instagram account part; the token goes on working."""

    @pytest.mark.parametrize("linked", [None, {"id": "17841455501230002"}])
    def test_a_page_linked_to_nothing_or_another_is_used_no_more(
        self, meta: FakeMeta, linked: dict[str, str] | None
    ) -> None:
        account = make_account(page_id=PAGE, granted_scopes=SCOPES)
        meta.answer("GET", "debug_token", inspected())
        meta.answer("GET", PAGE, {"id": PAGE, "instagram_business_account": linked})
        with pytest.raises(AccountOnHold):
            look_after(account_id=account.pk)
        account.refresh_from_db()
        assert account.status == "reauth_required"
        assert "no longer linked" in account.status_reason
        assert len(meta.calls()) == 2

    def test_a_page_linked_as_before_is_fine(self, meta: FakeMeta) -> None:
        account = make_account(page_id=PAGE, granted_scopes=SCOPES)
        meta.answer("GET", "debug_token", inspected())
        linked = {"id": account.instagram_account_id}
        meta.answer("GET", PAGE, {"id": PAGE, "instagram_business_account": linked})
        meta.answer("GET", THREADS, {"data": []})
        meta.answer("GET", EDGE, OURS)
        assert after(account).status == "connected"


class TestWarnings:
    @pytest.mark.parametrize(
        ("left", "bound"),
        [(None, None), (60, None), (14.01, None), (14, 14), (7.5, 14), (7, 7), (3, 7), (2, 2),
         (0.1, 2), (0, None), (-1, None)],
    )  # fmt: skip
    def test_bounds(self, left: float | None, bound: int | None) -> None:
        now = timezone.now()
        assert warning_due(None if left is None else now + left * DAY, now) == bound

    @pytest.mark.parametrize(
        ("field", "what"),
        [("token_expires_at", "token"), ("data_access_expires_at", "data_access")],
    )
    def test_three_warnings_whatever_the_number_of_looks(
        self,
        settings: Settings,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
        field: str,
        what: str,
    ) -> None:
        settings.INSTAGRAM_WARN_EMAILS = ["staff@shop.example"]
        now = timezone.now()
        account = make_account(username="shop", **{field: now + 30 * DAY})
        heard: list[dict[str, Any]] = []
        receiver = lambda **facts: heard.append(facts)  # noqa: E731
        token_expiring.connect(receiver)
        for hour in range(0, 31 * 24, 12):
            with time_machine.travel(now + timedelta(hours=hour), tick=False):
                with django_capture_on_commit_callbacks(execute=True):
                    warn(account_id=account.pk)
                while run_next_job():
                    pass
                prune(before=timezone.now() - 7 * DAY)  # as housekeeping does
        token_expiring.disconnect(receiver)
        assert [(one["what"], one["days"]) for one in heard] == [(what, d) for d in (14, 7, 2)]
        assert len(mail.outbox) == 3
        assert {letter.subject for letter in mail.outbox} == {
            "Instagram: Access to @shop ends soon"
        }

    def test_they_are_given_also_when_meta_cannot_be_reached(
        self, meta: FakeMeta, account: ConnectedAccount
    ) -> None:
        ConnectedAccount.objects.update(data_access_expires_at=timezone.now() + 5 * DAY)
        with pytest.raises(GraphUnavailableError):
            look_after(account_id=account.pk)
        assert Job.objects.get().name == "mail_notice"


class TestPlan:
    def test_every_connected_account_once_a_day_at_its_own_moment(self) -> None:
        mine = {make_account().pk for _ in range(20)}
        for status in ("reauth_required", "disconnected"):
            make_account(status=status)
        plan_day()
        plan_day()
        found = Job.objects.filter(name="look_after_account")
        assert {job.payload["account"] for job in found} == mine
        assert found.count() == 20
        moments = [job.due_at for job in found]
        assert max(moments) - min(moments) > timedelta(minutes=20)
        assert max(moments) < timezone.now() + timedelta(hours=4, minutes=1)
