"""Who may do what on every admin page, and what the pages share."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.db.models import Model
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from social_integrations.admin.base import COUNT_LIMIT, CappedPaginator
from social_integrations.models import (
    AwayMessage,
    CannedReply,
    ConnectedAccount,
    Contact,
    Conversation,
    DeletionRequest,
    Job,
    Message,
    MessengerProfile,
    Note,
    OAuthAttempt,
    PrivateReply,
    Reconciliation,
    Upload,
    WebhookEvent,
)
from social_integrations.tests.factories import (
    make_account,
    make_attachment,
    make_away_message,
    make_canned_reply,
    make_contact,
    make_conversation,
    make_deletion_request,
    make_event,
    make_job,
    make_message,
    make_messenger_profile,
    make_note,
    make_private_reply,
    make_reconciliation,
    make_staff,
    make_superuser,
    make_upload,
    make_user,
)

pytestmark = pytest.mark.django_db

BUILDERS: dict[type[Model], Any] = {
    ConnectedAccount: make_account,
    Contact: make_contact,
    Conversation: make_conversation,
    Message: make_message,
    WebhookEvent: make_event,
    Job: make_job,
    DeletionRequest: make_deletion_request,
    Reconciliation: make_reconciliation,
    MessengerProfile: make_messenger_profile,
    AwayMessage: make_away_message,
    CannedReply: make_canned_reply,
    Note: make_note,
    PrivateReply: make_private_reply,
    Upload: make_upload,
}
MODELS = list(BUILDERS)
# What staff write themselves: added, changed and deleted here.
WRITTEN = {CannedReply, MessengerProfile, AwayMessage}
EDITABLE = {Conversation, *WRITTEN}


def url(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:social_integrations_{model._meta.model_name}_{page}", args=args)


def staff_with(model: type[Model], *actions: str) -> User:
    return make_staff(*(f"{action}_{model._meta.model_name}" for action in actions))


def test_every_model_but_the_consents_has_a_page() -> None:
    ours = {m for m in admin.site._registry if m._meta.app_label == "social_integrations"}
    assert ours == set(MODELS)
    assert OAuthAttempt not in ours


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("superuser", {"view": True, "add": False, "change": True, "delete": False}),
        ("all", {"view": True, "add": False, "change": True, "delete": False}),
        ("view", {"view": True, "add": False, "change": False, "delete": False}),
        ("change", {"view": True, "add": False, "change": True, "delete": False}),
        ("nothing", {"view": False, "add": False, "change": False, "delete": False}),
        ("anonymous", {"view": False, "add": False, "change": False, "delete": False}),
    ],
)
def test_role_matrix(model: type[Model], who: str, expected: dict[str, bool]) -> None:
    users: dict[str, Any] = {
        "superuser": make_superuser,
        "all": lambda: staff_with(model, "view", "add", "change", "delete"),
        "view": lambda: staff_with(model, "view"),
        "change": lambda: staff_with(model, "change"),
        "nothing": make_staff,
        "anonymous": AnonymousUser,
    }
    request = RequestFactory().get("/")
    request.user = users[who]()
    if model in WRITTEN and who in ("superuser", "all"):
        expected = {"view": True, "add": True, "change": True, "delete": True}
    assert admin.site._registry[model].get_model_perms(request) == expected


@pytest.mark.parametrize("model", MODELS)
def test_pages_answer_by_role(client: Client, model: type[Model]) -> None:
    row = BUILDERS[model]()
    by_hand = 200 if model in WRITTEN else 403
    pages = [
        (url(model, "changelist"), 200, 403),
        (url(model, "change", row.pk), 200, 403),
        (url(model, "history", row.pk), 200, 403),
        (url(model, "delete", row.pk), by_hand, 403),
        (url(model, "add"), by_hand, 403),
    ]
    client.force_login(staff_with(model, "view", "add", "change", "delete"))
    assert [client.get(page).status_code for page, _, _ in pages] == [code for _, code, _ in pages]
    client.force_login(make_staff())
    assert [client.get(page).status_code for page, _, _ in pages] == [code for *_, code in pages]
    client.force_login(make_user())
    assert all(client.get(page).status_code == 302 for page, _, _ in pages)


@pytest.mark.parametrize("model", [model for model in MODELS if model not in EDITABLE])
def test_rows_cannot_be_edited_by_anybody(client: Client, model: type[Model]) -> None:
    row = BUILDERS[model]()
    before = model._default_manager.filter(pk=row.pk).values()[0]
    client.force_login(make_superuser())
    everything = {field.name: "1" for field in model._meta.fields}
    assert client.post(url(model, "change", row.pk), everything).status_code == 403
    assert model._default_manager.filter(pk=row.pk).values()[0] == before
    assert b'name="_save"' not in client.get(url(model, "change", row.pk)).content


@pytest.mark.parametrize("model", MODELS)
def test_looking_changes_nothing_and_needs_no_token(client: Client, model: type[Model]) -> None:
    message = make_message()
    make_attachment(message)
    row = BUILDERS[model]()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE social_integrations_connectedaccount SET access_token = 'enc1:broken'"
        )
    client.force_login(make_superuser())
    for page in (url(model, "changelist"), url(model, "change", row.pk)):
        with CaptureQueriesContext(connection) as queries:
            response = client.get(page)
        assert response.status_code == 200
        assert not [q for q in queries if q["sql"].split()[0] in {"INSERT", "UPDATE", "DELETE"}]
        assert b"enc1:" not in response.content


@pytest.mark.parametrize("model", MODELS)
def test_lists_do_not_query_per_row(client: Client, model: type[Model]) -> None:
    client.force_login(make_superuser())
    counts = []
    for rows in (2, 6):
        for _ in range(rows):
            BUILDERS[model]()
        client.get(url(model, "changelist"))
        with CaptureQueriesContext(connection) as queries:
            client.get(url(model, "changelist"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "query", ["account=abc", "account=" + "9" * 30, "q=%00", "p=10000000", "o=99"]
)
def test_odd_addresses_do_not_break_lists(client: Client, model: type[Model], query: str) -> None:
    BUILDERS[model]()
    client.force_login(make_superuser())
    assert client.get(f"{url(model, 'changelist')}?{query}").status_code in {200, 302}


@pytest.mark.parametrize("key", ["abc", "\0", "", "9" * 30])
@pytest.mark.parametrize("model", MODELS)
def test_choosing_what_is_no_row_does_not_break_actions(
    client: Client, model: type[Model], key: str
) -> None:
    BUILDERS[model]()
    client.force_login(make_superuser())
    offered = client.get(url(model, "changelist")).context["action_form"]
    for action, _ in offered.fields["action"].choices[1:] if offered else ():
        form = {"action": action, "_selected_action": ["1", key]}
        assert client.post(url(model, "changelist"), form).status_code == 400


def test_account_filter_narrows(client: Client) -> None:
    wanted, other = make_message(text="here it is"), make_message(text="somewhere else")
    client.force_login(make_superuser())
    response = client.get(f"{url(Message, 'changelist')}?account={wanted.account_id}")
    assert "here it is" in response.text
    assert "somewhere else" not in response.text
    conversations = client.get(f"{url(Conversation, 'changelist')}?account={other.account_id}")
    found = conversations.context["cl"].queryset
    assert [row.pk for row in found] == [other.conversation_id]


def test_counting_stops_at_a_limit() -> None:
    assert COUNT_LIMIT == 5_000
    make_job()
    with CaptureQueriesContext(connection) as queries:
        assert CappedPaginator(Job.objects.all(), 100).count == 1
    assert "LIMIT 5000" in queries[0]["sql"]


def test_history_names_rows_by_number(client: Client) -> None:
    conversation = make_conversation(contact=make_contact(name="Very Private Person"))
    client.force_login(make_superuser())
    client.post(url(Conversation, "change", conversation.pk), {"status": "closed"})
    entry = LogEntry.objects.get()
    assert entry.object_repr == f"conversation {conversation.pk}"
    assert "Status" in entry.get_change_message()
    assert entry.object_id == str(conversation.pk)
