"""Canned replies are written in the admin, checked there, and shown as they will look."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from social_integrations.models import CannedReply
from social_integrations.tests.factories import (
    make_account,
    make_canned_reply,
    make_staff,
    make_superuser,
    make_user,
)

pytestmark = pytest.mark.django_db

LIST = reverse("admin:social_integrations_cannedreply_changelist")
ADD = reverse("admin:social_integrations_cannedreply_add")
GOOD = {"account": "", "shortcut": "hours", "title": "Hours", "text": "Hi {{ name }}, 10 to 18."}


def page(reply: CannedReply) -> str:
    return reverse("admin:social_integrations_cannedreply_change", args=[reply.pk])


def delete_page(reply: CannedReply) -> str:
    return reverse("admin:social_integrations_cannedreply_delete", args=[reply.pk])


@pytest.fixture
def writer(client: Client) -> Client:
    actions = ("view", "add", "change", "delete")
    client.force_login(make_staff(*(f"{action}_cannedreply" for action in actions)))
    return client


def errors(client: Client, **changes: Any) -> dict[str, list[str]]:
    response = client.post(ADD, GOOD | changes)
    assert response.status_code == 200
    found: dict[str, list[str]] = response.context["adminform"].form.errors
    return found


class TestWriting:
    def test_one_for_every_account(self, writer: Client) -> None:
        assert writer.post(ADD, GOOD).status_code == 302
        reply = CannedReply.objects.get()
        assert (reply.account, reply.shortcut, reply.text) == (None, "hours", GOOD["text"])

    def test_one_for_an_account(self, writer: Client) -> None:
        account = make_account()
        writer.post(ADD, GOOD | {"account": account.pk})
        assert CannedReply.objects.get().account == account

    def test_an_unknown_variable_is_named(self, writer: Client) -> None:
        [error] = errors(writer, text="Hi {{ nom }}")["text"]
        assert "“nom”" in error
        assert "first_name" in error

    def test_more_than_instagram_takes_is_refused(self, writer: Client) -> None:
        assert "more than 20 messages" in errors(writer, text="x" * 20_001)["text"][0]

    def test_a_shortcut_is_taken_once(self, writer: Client) -> None:
        account = make_account()
        make_canned_reply(shortcut="hours")
        make_canned_reply(shortcut="bye", account=account)
        assert "shortcut" in errors(writer)
        assert "shortcut" in errors(writer, shortcut="bye", account=account.pk)
        writer.post(ADD, GOOD | {"account": account.pk})
        writer.post(ADD, GOOD | {"shortcut": "bye"})
        assert CannedReply.objects.count() == 4

    def test_one_may_be_saved_again(self, writer: Client) -> None:
        reply = make_canned_reply(shortcut="hours")
        assert writer.post(page(reply), GOOD | {"title": "When"}).status_code == 302
        reply.refresh_from_db()
        assert reply.title == "When"


class TestLooking:
    def test_the_preview_shows_messages_as_they_will_be(self, writer: Client) -> None:
        reply = make_canned_reply(text="Hi {{ first_name }} <b>\n" + "ა " * 300)
        text = writer.get(page(reply)).text
        assert "Hi Nino &lt;b&gt;" in text
        assert text.count("of 1000 bytes") == 2

    def test_the_variables_are_explained(self, writer: Client) -> None:
        assert "{{ first_name }}" in writer.get(ADD).text

    def test_one_that_was_broken_elsewhere_is_shown(self, writer: Client) -> None:
        assert "more than 20" in writer.get(page(make_canned_reply(text="x" * 30_000))).text

    def test_the_list_says_for_whom(self, writer: Client) -> None:
        make_canned_reply(account=make_account(username="bootsandbags"))
        make_canned_reply()
        text = writer.get(LIST).text
        assert "bootsandbags" in text
        assert "every account" in text

    def test_no_token_is_needed_and_no_query_per_row(self, writer: Client) -> None:
        counts = []
        for rows in (2, 6):
            for _ in range(rows):
                reply = make_canned_reply(account=make_account())
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE social_integrations_connectedaccount SET access_token = 'enc1:broken'"
                )
            with CaptureQueriesContext(connection) as queries:
                assert writer.get(LIST).status_code == 200
            counts.append(len(queries))
            assert writer.get(page(reply)).status_code == 200
        assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ((), [403, 403, 403, 403]),
        (("view",), [200, 403, 200, 403]),
        (("view", "change"), [200, 403, 200, 403]),
        (("add",), [403, 200, 403, 403]),
        (("view", "delete"), [200, 403, 200, 200]),
    ],
)
def test_who_may_what(client: Client, actions: tuple[str, ...], expected: list[int]) -> None:
    reply = make_canned_reply()
    client.force_login(make_staff(*(f"{action}_cannedreply" for action in actions)))
    pages = [LIST, ADD, page(reply), delete_page(reply)]
    assert [client.get(each).status_code for each in pages] == expected


def test_nobody_else(client: Client) -> None:
    client.force_login(make_user())
    assert client.get(LIST).status_code == 302
    client.force_login(make_superuser())
    assert client.get(LIST).status_code == 200
