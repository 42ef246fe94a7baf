"""Deletion requests in the admin: to look at, and to settle with the permission to erase."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from social_integrations.engine import drain
from social_integrations.models import Contact, DeletionRequest
from social_integrations.tests.factories import (
    make_contact,
    make_deletion_request,
    make_staff,
)

pytestmark = pytest.mark.django_db

REQUESTS = "/admin/social_integrations/deletionrequest/"
ERASER = ("view_deletionrequest", "change_deletionrequest", "change_contact", "view_contact")
State = DeletionRequest.State


def act(client: Client, action: str, *requests: DeletionRequest, **extra: Any) -> str:
    data = {"action": action, "_selected_action": [each.pk for each in requests], **extra}
    return client.post(REQUESTS, data, follow=True).text


@pytest.fixture
def eraser(client: Client) -> Client:
    client.force_login(make_staff(*ERASER))
    return client


def test_list_and_page_show_where_each_stands(client: Client) -> None:
    client.force_login(make_staff("view_deletionrequest"))
    waiting = make_deletion_request(user_id="9000000001")
    make_deletion_request(state=State.DONE, user_id="")
    page = client.get(REQUESTS).text
    assert "Needs a person" in page
    assert "2026-12-22" in page
    assert "Erase this person" not in page
    page = client.get(f"{REQUESTS}{waiting.pk}/change/").text
    assert "9000000001" in page
    assert f"data-deletion/status/{waiting.confirmation_code}/" in page
    assert 'name="state"' not in page


def test_erasing_asks_for_whom(eraser: Client) -> None:
    asked = make_deletion_request()
    page = act(eraser, "erase_people", asked)
    assert "It cannot be undone" in page
    assert 'data-field-name="contacts"' in page
    assert "Choose at least one person" not in page
    assert "Choose at least one person" in act(eraser, "erase_people", asked, post="yes")
    assert "Choose at least one person" not in page
    asked.refresh_from_db()
    assert asked.state == State.NEEDS_PERSON


def test_people_can_be_searched_for_it(eraser: Client) -> None:
    contact = make_contact(username="searched")
    query = {
        "term": "searched",
        "app_label": "social_integrations",
        "model_name": "deletionrequest",
        "field_name": "contacts",
    }
    found = eraser.get("/admin/autocomplete/", query).json()["results"]
    assert found == [{"id": str(contact.pk), "text": "@searched"}]


def test_the_chosen_are_erased_and_it_is_logged_without_names(eraser: Client) -> None:
    contact, stays = make_contact(name="Very Private Person"), make_contact()
    asked = make_deletion_request(user_id="9000000001")
    page = act(eraser, "erase_people", asked, post="yes", contacts=[contact.pk])
    assert "The worker erases them now." in page
    drain()
    asked.refresh_from_db()
    assert asked.state == State.DONE
    assert list(Contact.objects.all()) == [stays]
    entry = LogEntry.objects.get()
    assert entry.object_repr == f"deletion request {asked.pk}"
    assert entry.change_message == f"Had these contacts erased: {contact.pk}."


def test_one_request_at_a_time_and_only_one_that_waits(eraser: Client) -> None:
    contact = make_contact()
    waiting = [make_deletion_request(), make_deletion_request()]
    settled = make_deletion_request(state=State.NOTHING_HELD)
    more = {"post": "yes", "contacts": [contact.pk]}
    assert "Choose one request at a time." in act(eraser, "erase_people", *waiting, **more)
    assert "No chosen request needs a person." in act(eraser, "erase_people", settled, **more)
    assert "No chosen request needs a person." in act(eraser, "nothing_held", settled, post="yes")
    drain()
    assert Contact.objects.exists()
    assert not LogEntry.objects.exists()


def test_nothing_held_asks_first_and_is_logged(eraser: Client) -> None:
    asked = make_deletion_request()
    assert "nothing kept here belongs to 1 request" in act(eraser, "nothing_held", asked)
    asked.refresh_from_db()
    assert asked.state == State.NEEDS_PERSON
    assert "1 request settled." in act(eraser, "nothing_held", asked, post="yes")
    asked.refresh_from_db()
    assert (asked.state, asked.user_id) == (State.NOTHING_HELD, "")
    assert LogEntry.objects.get().change_message == "Settled: nothing is held."


@pytest.mark.parametrize(
    ("permissions", "action"),
    [
        (("view_deletionrequest",), "nothing_held"),
        (("view_deletionrequest", "change_contact"), "erase_people"),
        (("view_deletionrequest", "change_deletionrequest"), "erase_people"),
    ],
)
def test_each_act_needs_its_permissions(
    client: Client, permissions: tuple[str, ...], action: str
) -> None:
    client.force_login(make_staff(*permissions))
    asked, contact = make_deletion_request(), make_contact()
    act(client, action, asked, post="yes", contacts=[contact.pk])
    drain()
    asked.refresh_from_db()
    assert asked.state == State.NEEDS_PERSON
    assert Contact.objects.exists()


def test_nobody_adds_edits_or_deletes_requests(eraser: Client) -> None:
    asked = make_deletion_request()
    assert eraser.get(f"{REQUESTS}add/").status_code == 403
    assert eraser.post(f"{REQUESTS}{asked.pk}/delete/", {"post": "yes"}).status_code == 403
    eraser.post(f"{REQUESTS}{asked.pk}/change/", {"state": "done"})
    asked.refresh_from_db()
    assert asked.state == State.NEEDS_PERSON
