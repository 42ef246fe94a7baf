"""The ledger pages: how it stands, what went wrong, applying again."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone

from social_integrations.services.refusals import refuse
from social_integrations.tests.factories import make_event, make_staff, make_superuser

pytestmark = pytest.mark.django_db

LIST = "/admin/social_integrations/webhookevent/"


@pytest.fixture(autouse=True)
def _no_refusals_yet() -> None:
    cache.clear()


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(make_superuser())
    return client


def test_header_counts_by_status(boss: Client) -> None:
    make_event(status="failed")
    make_event(status="failed")
    make_event(status="orphaned")
    make_event(status="applied")
    page = boss.get(LIST).text
    assert '<a class="ig-state ig-state-failed" href="?status__exact=failed">Failed: 2</a>' in page
    assert "No connected account: 1" in page
    assert "Waiting to be applied: " not in page
    assert "worker" not in page


def test_header_when_all_is_well(boss: Client) -> None:
    assert "Everything delivered has been applied." in boss.get(LIST).text


@pytest.mark.parametrize(("seconds", "asks"), [(5, False), (90, True)])
def test_a_row_that_waits_too_long_asks_for_the_worker(
    boss: Client, seconds: int, asks: bool
) -> None:
    make_event(received_at=timezone.now() - timedelta(seconds=seconds))
    make_event(received_at=timezone.now())
    page = boss.get(LIST).text
    assert "The oldest waiting item came" in page
    assert ("python manage.py instagram_worker" in page) is asks


def test_refused_requests_of_today_are_shown(boss: Client) -> None:
    assert "refused today" not in boss.get(LIST).text
    for _ in range(3):
        refuse(RequestFactory().post("/"), "signature")
    assert "Requests refused today: signature 3." in boss.get(LIST).text


def test_list_shows_the_first_line_of_the_error(boss: Client) -> None:
    make_event(status="failed", error="\nKeyError<b>\nsomewhere.py:3 deep")
    page = boss.get(LIST).text
    assert "KeyError&lt;b&gt;" in page
    assert "somewhere.py" not in page


@pytest.mark.parametrize("lookup", ["status__exact=failed", "kind=reaction"])
def test_filters(boss: Client, lookup: str) -> None:
    wanted = make_event(status="failed", kind="reaction")
    make_event()
    found = boss.get(f"{LIST}?{lookup}").context["cl"].queryset
    assert [row.pk for row in found] == [wanted.pk]


def nested(depth: int) -> Any:
    value: Any = "bottom"
    for _ in range(depth):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        ({"text": "<script>alert(1)</script>"}, "&lt;script&gt;alert(1)"),
        ({"text": "\u202e\u202dabc"}, "⟨U+202E⟩⟨U+202D⟩abc"),
        (nested(150), "bottom"),
        ([], "[]"),
        ("text", "text"),
        ({"n": 10**100}, "1000000"),
    ],
)
def test_payload_is_laid_out_and_escaped(boss: Client, payload: Any, shown: str) -> None:
    event = make_event(payload=payload, error="Traceback <b>\nline")
    response = boss.get(f"{LIST}{event.pk}/change/")
    assert response.status_code == 200
    assert shown in response.text
    assert "<script>alert" not in response.text
    assert "<b>" not in response.text


def test_payload_nested_beyond_reading_breaks_neither_page_nor_list(boss: Client) -> None:
    event = make_event()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE social_integrations_webhookevent SET payload = %s",
            ['{"a":' * 990 + "1" + "}" * 990],
        )
    assert boss.get(LIST).status_code == 200
    assert "Nested too deeply" in boss.get(f"{LIST}{event.pk}/change/").text


def apply_again(client: Client, *events: Any, **extra: str) -> str:
    data = {"action": "apply_again", "_selected_action": [e.pk for e in events], **extra}
    return client.post(f"{LIST}?status__exact=failed", data, follow=True).text


def test_apply_again_puts_rows_back_and_is_logged(client: Client) -> None:
    chosen, other = (make_event(status="failed", error="x") for _ in range(2))
    user = make_staff("change_webhookevent")
    client.force_login(user)
    page = apply_again(client, chosen)
    assert "1 item put back; the worker applies them soon." in page
    chosen.refresh_from_db()
    other.refresh_from_db()
    assert (chosen.status, other.status) == ("received", "failed")
    entry = LogEntry.objects.get()
    assert (entry.user_id, entry.object_id) == (user.pk, str(chosen.pk))
    assert entry.object_repr == f"webhook event {chosen.pk}"


def test_apply_again_to_everything_that_matches(client: Client) -> None:
    events = [make_event(status="failed") for _ in range(120)]
    applied = make_event(status="applied")
    client.force_login(make_superuser())
    page = apply_again(client, events[0], select_across="1", index="0")
    assert "120 items put back" in page
    assert LogEntry.objects.count() == 120
    applied.refresh_from_db()
    assert applied.status == "applied"


def test_view_permission_does_not_apply(client: Client) -> None:
    event = make_event(status="failed")
    client.force_login(make_staff("view_webhookevent"))
    apply_again(client, event)
    event.refresh_from_db()
    assert event.status == "failed"
