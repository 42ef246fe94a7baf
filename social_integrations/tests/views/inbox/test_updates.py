"""What a page is told while it is open."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from social_integrations.models import Conversation, Message, Note
from social_integrations.selectors import feed_start
from social_integrations.selectors.feed import MOST
from social_integrations.tests.factories import (
    NOON,
    make_account,
    make_contact,
    make_conversation,
    make_message,
    make_staff,
)

from .conftest import READER

pytestmark = pytest.mark.django_db


def ask(client: Client, **asked: Any) -> Any:
    return client.get("/inbox/updates/", asked)


def cursor_of(page: str) -> str:
    found = re.search(r'data-cursor="([^"]+)"', page)
    assert found
    return found[1]


def change(conversation: Conversation, **fields: object) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(changed_at=timezone.now(), **fields)


def test_nothing_new_is_204_after_few_statements(reader: Client) -> None:
    make_message()
    page = reader.get("/inbox/").text
    with CaptureQueriesContext(connection) as queries:
        response = reader.get("/inbox/updates/", {"after": cursor_of(page)})
    assert (response.status_code, response.content) == (204, b"")
    # Session, user, two for the permissions, and the one look.
    assert len(queries) <= 5


def test_a_change_comes_once_and_alone(reader: Client) -> None:
    quiet, loud = make_message().conversation, make_message().conversation
    cursor = cursor_of(reader.get("/inbox/").text)
    change(loud)
    response = reader.get("/inbox/updates/", {"after": cursor})
    assert response.status_code == 200
    assert f'id="si-row-{loud.pk}"' in response.text
    assert f'id="si-row-{quiet.pk}"' not in response.text
    assert "data-messages" not in response.text
    again = reader.get("/inbox/updates/", {"after": cursor_of(response.text)})
    assert again.status_code == 204


def test_the_open_conversation_comes_with_its_bubbles(reader: Client) -> None:
    old = make_message(text="Hello")
    conversation = old.conversation
    page = reader.get(f"/inbox/{conversation.pk}/").text
    cursor, version = cursor_of(page), re.findall(rf'si-m-{old.pk}" data-version="(\w+)"', page)
    new = make_message(
        conversation=conversation, text="Anybody?", sent_at=NOON + timedelta(hours=1)
    )
    change(conversation)
    asked = {"after": cursor, "conversation": conversation.pk, "since": old.pk}
    fresh = ask(reader, **asked).text
    assert f'data-messages="{conversation.pk}"' in fresh
    assert "Anybody?" in fresh
    assert f'id="si-m-{new.pk}"' in fresh
    # What did not change keeps its fingerprint, so that the page leaves it alone.
    assert re.findall(rf'si-m-{old.pk}" data-version="(\w+)"', fresh) == version
    assert 'id="si-new"' not in fresh
    elsewhere = ask(reader, **asked | {"conversation": conversation.pk + 1}).text
    assert "data-messages" not in elsewhere


def test_all_that_is_shown_is_looked_at_again(reader: Client) -> None:
    conversation = make_conversation()
    made = [
        make_message(conversation=conversation, sent_at=NOON + timedelta(seconds=n), text=f"t{n}")
        for n in range(70)
    ]
    cursor = cursor_of(reader.get(f"/inbox/{conversation.pk}/").text)
    Message.objects.filter(pk=made[5].pk).update(unsent_at=NOON, text="")
    change(conversation)
    asked = {"after": cursor, "conversation": conversation.pk, "since": made[3].pk}
    fresh = ask(reader, **asked).text
    assert fresh.count('class="si-item si-message') == 67
    assert "This message was unsent." in fresh


def test_notes_of_a_stretch_the_page_does_not_show_stay_away(reader: Client) -> None:
    # It may be on its way to the page: the page takes out what it finds between what is listed.
    message = make_message(text="Hello")
    conversation = message.conversation
    cursor = cursor_of(reader.get(f"/inbox/{conversation.pk}/").text)
    for text, ago in (("Before", 1), ("Since", -1)):
        note = Note.objects.create(conversation=conversation, text=text)
        moment = message.sent_at - timedelta(hours=ago)
        Note.objects.filter(pk=note.pk).update(created_at=moment)
    change(conversation)
    asked = {"after": cursor, "conversation": conversation.pk, "since": message.pk}
    fresh = ask(reader, **asked).text
    assert "Since" in fresh
    assert "Before" not in fresh


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", "changed"),
        ("status", "failed"),
        ("error_text", "why"),
        ("unsent_at", NOON),
        ("edits", 1),
        ("quick_replies", [{"title": "A"}]),
        ("story", {"url": "https://lookaside.fbsbx.com/s"}),
    ],
)
def test_whatever_is_shown_changes_the_fingerprint(
    reader: Client, field: str, value: object
) -> None:
    message = make_message(direction="outbound", source="crm", status="sent", edited_at=NOON)
    path = f"/inbox/{message.conversation_id}/"
    versions = [
        re.findall(rf'si-m-{message.pk}" data-version="(\w+)"', reader.get(path).text)
        for _ in range(2)
    ]
    assert versions[0] == versions[1]
    Message.objects.update(
        **{field: value, **({"status": "failed"} if field == "error_text" else {})}
    )
    assert (
        re.findall(rf'si-m-{message.pk}" data-version="(\w+)"', reader.get(path).text)
        != versions[0]
    )


def test_what_no_longer_fits_the_filters_is_named_as_gone(client: Client) -> None:
    me = make_staff(*READER)
    client.force_login(me)
    conversation = make_message(conversation=make_conversation(assigned_to=me)).conversation
    cursor = cursor_of(client.get("/inbox/?assigned=me").text)
    change(conversation, assigned_to=None)
    cases: list[tuple[dict[str, Any], bool]] = [
        ({"assigned": "me"}, True),
        ({"assigned": "nobody"}, False),
        ({}, False),
        ({"unread": "1"}, True),
        ({"status": "closed"}, True),
        ({"account": conversation.contact.account_id}, False),
        ({"account": conversation.contact.account_id + 1}, True),
    ]
    for query, is_gone in cases:
        fresh = ask(client, after=cursor, **query).text
        assert (f'data-gone="{conversation.pk}"' in fresh) == is_gone, query
        assert (f'id="si-row-{conversation.pk}"' in fresh) != is_gone


def test_foreign_conversations_are_never_told(client: Client) -> None:
    client.force_login(make_staff(*READER[:2]))
    cursor, foreign = feed_start(), make_message().conversation
    change(foreign)
    asked = {"after": cursor, "conversation": foreign.pk}
    assert ask(client, **asked).status_code == 204
    reset = ask(client, after="odd", conversation=foreign.pk)
    assert "data-reset" in reset.text
    assert "data-messages" not in reset.text


@pytest.mark.parametrize("after", ["", "x", "0" * 9000, "\x00"])
def test_an_odd_cursor_makes_the_page_load_its_list_again(reader: Client, after: str) -> None:
    message = make_message()
    asked = {"after": after, "conversation": message.conversation_id, "since": "x"}
    response = ask(reader, **asked)
    assert 'data-reset="1"' in response.text
    assert f'id="si-m-{message.pk}"' in response.text


def test_more_than_fits_makes_the_page_load_its_list_again(reader: Client) -> None:
    account = make_account()
    for _ in range(MOST + 1):
        make_conversation(contact=make_contact(account=account))
    cursor = feed_start()
    Conversation.objects.update(changed_at=timezone.now())
    assert 'data-reset="1"' in reader.get("/inbox/updates/", {"after": cursor}).text


def test_many_changes_cost_as_few_statements_as_one(reader: Client) -> None:
    account = make_account()

    def count() -> int:
        cursor = feed_start()
        Conversation.objects.update(changed_at=timezone.now(), last_inbound_at=timezone.now())
        with CaptureQueriesContext(connection) as queries:
            assert reader.get("/inbox/updates/", {"after": cursor}).status_code == 200
        return len(queries)

    make_message(conversation=make_conversation(contact=make_contact(account=account)))
    few = count()
    for _ in range(30):
        make_message(conversation=make_conversation(contact=make_contact(account=account)))
    assert count() == few


def test_without_the_asgi_process_there_is_no_stream(reader: Client) -> None:
    assert reader.get("/inbox/stream/").status_code == 204
    assert "data-stream" not in reader.get("/inbox/").text
