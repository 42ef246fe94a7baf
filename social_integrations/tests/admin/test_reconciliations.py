"""The reconciliation pages, and the action that starts one."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from social_integrations.models import ConnectedAccount, Job, Reconciliation
from social_integrations.services.reconciling import Reason, start
from social_integrations.tests.factories import (
    NOON,
    make_account,
    make_message,
    make_reconciliation,
    make_staff,
    make_superuser,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/social_integrations/reconciliation/"
ACCOUNTS = "/admin/social_integrations/connectedaccount/"


def reconcile(client: Client, *accounts: ConnectedAccount) -> str:
    data = {"action": "reconcile", "_selected_action": [account.pk for account in accounts]}
    return client.post(ACCOUNTS, data, follow=True).text


def test_list_shows_counts_and_what_went_wrong(client: Client) -> None:
    account = make_account(username="shop")
    make_reconciliation(
        account=account, state="failed", imported=4711, error="<b>No</b> Page", unreadable=17
    )
    client.force_login(make_superuser())
    page = client.get(LIST).text
    for words in ("@shop", "4711", "17", "Failed", "&lt;b&gt;No&lt;/b&gt; Page"):
        assert words in page


def test_page_shows_one_run(client: Client) -> None:
    run = make_reconciliation(error="Meta said <no>", reason="gap")
    client.force_login(make_staff("view_reconciliation"))
    page = client.get(f"{LIST}{run.pk}/change/").text
    assert "Meta said &lt;no&gt;" in page
    assert "After a gap in deliveries" in page


@pytest.mark.parametrize("lookup", ["state__exact=failed", "reason__exact=gap"])
def test_filters(client: Client, lookup: str) -> None:
    wanted = make_reconciliation(state="failed", reason="gap")
    make_reconciliation()
    client.force_login(make_superuser())
    found = client.get(f"{LIST}?{lookup}").context["cl"].queryset
    assert [row.pk for row in found] == [wanted.pk]


def test_the_action_starts_a_run_and_is_written_down(client: Client) -> None:
    idle, busy, gone = make_account(), make_account(), make_account(status="disconnected")
    start(busy, Reason.SCHEDULE)
    client.force_login(make_staff("view_connectedaccount", "change_connectedaccount"))
    page = reconcile(client, idle, busy, gone)
    assert "1 started; see Reconciliations. 1 already running. 1 left alone: not connected." in page
    assert Reconciliation.objects.get(account=idle).reason == "request"
    assert Job.objects.count() == 2
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.change_message) == (str(idle.pk), "Reconciliation started.")


def test_looking_at_accounts_is_not_starting(client: Client) -> None:
    account = make_account()
    client.force_login(make_staff("view_connectedaccount"))
    reconcile(client, account)
    assert not Reconciliation.objects.exists()


def test_the_action_needs_no_token(client: Client) -> None:
    account = make_account()
    client.force_login(make_superuser())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "social_integrations.fields.decrypt", lambda _stored: pytest.fail("read a token")
        )
        assert "1 started" in reconcile(client, account)


def test_an_account_says_what_meta_missed(client: Client) -> None:
    account = make_account(webhook_subscribed_at=NOON.replace(hour=1))
    make_message(account=account, origin="9" + "a" * 32)
    client.force_login(make_superuser())
    page = client.get(f"{ACCOUNTS}{account.pk}/change/").text
    assert "1 message was fetched because Meta did not deliver it" in page
