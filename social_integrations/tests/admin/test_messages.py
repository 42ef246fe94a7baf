"""The messages pages: found, read, never changed."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from social_integrations.tests.factories import (
    NOON,
    make_attachment,
    make_contact,
    make_conversation,
    make_message,
    make_staff,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/social_integrations/message/"


@pytest.fixture
def reader(client: Client) -> Client:
    client.force_login(make_staff("view_message"))
    return client


@pytest.mark.parametrize("needle", ["blue shoes", "mid-of-it", "find-me", "778899"])
def test_found_by_text_id_and_person(reader: Client, needle: str) -> None:
    contact = make_contact(username="find-me", igsid="778899")
    wanted = make_message(
        conversation=make_conversation(contact=contact), text="I want blue shoes", mid="mid-of-it"
    )
    make_message(text="something else")
    found = reader.get(LIST, {"q": needle}).context["cl"].queryset
    assert [row.pk for row in found] == [wanted.pk]


@pytest.mark.parametrize("lookup", ["direction__exact=outbound", "kind=image"])
def test_filters(reader: Client, lookup: str) -> None:
    wanted = make_message(direction="outbound", source="crm", kind="image")
    make_message()
    found = reader.get(f"{LIST}?{lookup}").context["cl"].queryset
    assert [row.pk for row in found] == [wanted.pk]


def test_list_is_short_escaped_and_leads_to_the_thread(reader: Client) -> None:
    message = make_message(text="<script>alert(1)</script>" + "long " * 10_000)
    make_message(text="", kind="image")
    make_message(text="", unsent_at=NOON)
    page = reader.get(LIST).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert len(page) < 30_000
    assert "(image)" in page
    assert "(unsent)" in page
    assert f"/conversation/{message.conversation_id}/change/" in page


def test_list_never_counts_the_whole_table(reader: Client) -> None:
    make_message()
    with CaptureQueriesContext(connection) as queries:
        reader.get(LIST)
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert counts
    assert all("LIMIT" in sql for sql in counts)


def test_page_shows_everything_as_text_and_links(reader: Client) -> None:
    message = make_message(
        text="<b>bold</b>\nline two\u202e",
        referral={"ad_title": "<script>alert(1)</script>"},
        direction="outbound",
        error_code="10",
        error_text="<i>window</i>",
    )
    linked = make_attachment(message, url="https://cdn.example/a", title="<u>t</u>")
    make_attachment(message, url="javascript:alert(1)", position=1)
    page = reader.get(f"{LIST}{message.pk}/change/").text
    for harm in ("<b>bold", "<script>alert", "<i>window", "<u>t", "javascript:alert", "\u202e"):
        assert harm not in page
    assert "&lt;b&gt;bold&lt;/b&gt;\nline two⟨U+202E⟩" in page
    door = f"/api/social/instagram/media/{linked.pk}/"
    assert f'<a href="{door}" rel="noopener noreferrer nofollow"' in page
    assert "https://cdn.example" not in page
    assert "not a web link" in page


def test_attachments_cannot_be_posted(client: Client) -> None:
    message = make_message()
    client.force_login(make_staff("view_message", "change_message", "change_attachment"))
    data = {"attachments-TOTAL_FORMS": "1", "attachments-INITIAL_FORMS": "0"}
    assert client.post(f"{LIST}{message.pk}/change/", data).status_code == 403
