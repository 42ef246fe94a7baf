"""Every address of the project, and what everybody who may knock there is answered.

An address without a row fails, and so does a row without an address. To add one, write its method,
its pattern as `urls.py` has it, and the six answers in the order of `PEOPLE`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from social_integrations.api.tokens import AccessToken
from social_integrations.models import Upload
from social_integrations.tests.api.calls import make_agent
from social_integrations.tests.factories import (
    make_account,
    make_attachment,
    make_contact,
    make_conversation,
    make_message,
    make_superuser,
    make_user,
)

pytestmark = pytest.mark.django_db


def in_group(name: str) -> User:
    user = make_user()
    user.groups.add(Group.objects.get(name=name))
    return user


def foreign_agent() -> User:
    """Somebody with an agent's rights, but in an account of their own."""
    user = make_agent(all_accounts=False)
    make_account(connected_by=user)
    return user


PEOPLE: dict[str, Callable[[], User | None]] = {
    "anonymous": lambda: None,
    "without rights": make_user,
    "agent of another account": foreign_agent,
    "agent": lambda: in_group("Instagram agents"),
    "manager": lambda: in_group("Instagram managers"),
    "superuser": make_superuser,
}
PICTURE = "https://scontent.cdninstagram.com/1.jpg"
API = "api/social/instagram/"
# Below `api/social/instagram/`.
API_ROWS = {
    "GET webhook/": "403 403 403 403 403 403",
    "POST webhook/": "403 403 403 403 403 403",
    "GET oauth/start/": "302 403 403 403 302 302",
    "POST oauth/start/": "401 403 403 403 200 200",
    "GET oauth/open/": "400 400 400 400 400 400",
    "GET oauth/callback/": "403 400 400 400 400 400",
    "GET oauth/choose/<int:key>/": "404 404 404 404 404 404",
    "POST oauth/choose/<int:key>/": "404 404 404 404 404 404",
    "GET oauth/result/": "302 404 404 404 404 404",
    "POST deauthorize/": "400 400 400 400 400 400",
    "POST data-deletion/": "400 400 400 400 400 400",
    "GET data-deletion/status/<str:code>/": "404 404 404 404 404 404",
    "GET media/<int:attachment_id>/": "302 404 404 200 200 200",
    "GET uploads/<int:upload_id>/": "302 404 404 200 200 200",
    "GET outgoing/<str:token>/": "404 404 404 404 404 404",
    "GET doctor/": "302 403 403 403 403 200",
    "GET connection/status/": "401 200 200 200 200 200",
    "GET accounts/": "401 200 200 200 200 200",
    "GET accounts/<int:pk>/": "401 404 404 200 200 200",
    "POST accounts/<int:pk>/disconnect/": "401 404 404 403 200 200",
    "GET accounts/<int:pk>/health/": "401 404 404 200 200 200",
    "GET accounts/<int:pk>/sync/": "401 404 404 200 200 200",
    "POST accounts/<int:pk>/sync/": "401 404 404 403 202 202",
    "POST accounts/<int:pk>/uploads/": "401 404 404 415 415 415",
    "GET accounts/<int:pk>/private-replies/": "401 404 404 200 200 200",
    "POST accounts/<int:pk>/private-replies/": "401 404 404 202 202 202",
    "GET conversations/": "401 403 200 200 200 200",
    "GET conversations/<int:pk>/": "401 404 404 200 200 200",
    "PATCH conversations/<int:pk>/": "401 404 404 200 200 200",
    "POST conversations/<int:pk>/read/": "401 404 404 200 200 200",
    "POST conversations/<int:pk>/typing/": "401 404 404 204 204 204",
    "POST conversations/<int:pk>/take-over/": "401 404 404 202 202 202",
    "GET conversations/<int:pk>/notes/": "401 404 404 200 200 200",
    "POST conversations/<int:pk>/notes/": "401 404 404 201 201 201",
    "GET conversations/<int:pk>/messages/": "401 404 404 200 200 200",
    "POST conversations/<int:pk>/messages/": "401 404 404 202 202 202",
    "POST conversations/<int:pk>/messages/preview/": "401 404 404 200 200 200",
    "GET messages/<int:pk>/": "401 404 404 200 200 200",
    "POST messages/<int:pk>/retry/": "401 404 404 202 202 202",
    "POST messages/<int:pk>/settle/": "401 404 404 200 200 200",
    "PUT messages/<int:pk>/reaction/": "401 404 404 202 202 202",
    "DELETE messages/<int:pk>/reaction/": "401 404 404 202 202 202",
    "GET canned-replies/": "401 403 200 200 200 200",
    "GET updates/": "401 403 200 200 200 200",
}
# Below `inbox/`.
INBOX_ROWS = {
    "GET ": "302 403 200 200 200 200",
    "GET <int:pk>/": "302 403 404 200 200 200",
    "GET <int:pk>/older/": "302 403 404 200 200 200",
    "GET updates/": "302 403 200 200 200 200",
    "GET stream/": "302 403 204 204 204 204",
    "GET pictures/<int:pk>/": "302 403 404 502 502 502",
    "GET attachments/<int:pk>/": "302 403 404 502 502 502",
    "GET stories/<int:pk>/": "302 403 404 502 502 502",
    "POST <int:pk>/send/": "401 404 404 409 409 409",
    "POST <int:pk>/preview/": "401 404 404 200 200 200",
    "POST <int:pk>/upload/": "401 404 404 422 422 422",
    "POST <int:pk>/typing/": "401 404 404 200 200 200",
    "POST <int:pk>/window/": "401 404 404 200 200 200",
    "POST <int:pk>/note/": "401 404 404 303 303 303",
    "POST <int:pk>/assign/": "401 404 404 303 303 303",
    "POST <int:pk>/status/": "401 404 404 303 303 303",
    "POST <int:pk>/read/": "401 404 404 303 303 303",
    "POST <int:pk>/reference/": "401 404 404 303 303 303",
    "POST <int:pk>/take-over/": "401 404 404 303 303 303",
    "POST <int:pk>/messages/<int:message>/retry/": "401 404 404 303 303 303",
    "POST <int:pk>/messages/<int:message>/settle/": "401 404 404 303 303 303",
    "POST <int:pk>/messages/<int:message>/react/": "401 404 404 303 303 303",
}
OTHER_ROWS = {
    "GET ": "200 200 200 200 200 200",
    "GET favicon.ico": "302 302 302 302 302 302",
    "GET login/": "200 200 200 200 200 200",
    "POST login/": "200 200 200 200 200 200",
    "POST logout/": "302 302 302 302 302 302",
    "POST i18n/setlang/": "302 302 302 302 302 302",
    "POST api/auth/token/": "400 400 400 400 400 400",
    "POST api/auth/token/refresh/": "400 400 400 400 400 400",
    "GET api/schema/": "200 200 200 200 200 200",
    "GET api/docs/": "200 200 200 200 200 200",
    "GET legal/privacy/": "200 200 200 200 200 200",
    "GET legal/terms/": "200 200 200 200 200 200",
    "GET legal/data-deletion/": "200 200 200 200 200 200",
    "GET health/live/": "200 200 200 200 200 200",
    "GET health/ready/": "200 200 200 200 200 200",
}


def below(prefix: str, rows: dict[str, str]) -> dict[str, str]:
    return {row.replace(" ", f" {prefix}", 1): answers for row, answers in rows.items()}


TABLE = below(API, API_ROWS) | below("inbox/", INBOX_ROWS) | OTHER_ROWS
BODIES: dict[str, Any] = {
    "PATCH conversations/<int:pk>/": {"status": "closed"},
    "POST conversations/<int:pk>/messages/": {"text": "Hello"},
    "POST conversations/<int:pk>/messages/preview/": {"text": "Hello"},
    "POST conversations/<int:pk>/notes/": {"text": "Hello"},
    "POST messages/<int:pk>/settle/": {"arrived": True},
    "PUT messages/<int:pk>/reaction/": {"emoji": "❤️"},
    "POST accounts/<int:pk>/private-replies/": {"comment_id": "1", "text": "Hello"},
}
# What a browser's forms send to the inbox.
FORMS: dict[str, dict[str, str]] = {
    "inbox/<int:pk>/send/": {"text": "Hello"},
    "inbox/<int:pk>/note/": {"note": "Hello"},
    "inbox/<int:pk>/assign/": {"to": "nobody"},
    "inbox/<int:pk>/status/": {"status": "closed"},
    "inbox/<int:pk>/messages/<int:message>/settle/": {"arrived": "yes"},
    "inbox/<int:pk>/messages/<int:message>/react/": {"emoji": "❤️"},
}


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Yield every address but the admin's own, which `AdminSite` guards as a whole."""
    for found in resolver.url_patterns:
        path = f"{prefix}{found.pattern}"
        if isinstance(found, URLPattern):
            yield path
        elif found.app_name != "admin":
            yield from patterns(found, path)


def test_every_address_has_a_row() -> None:
    assert {row.partition(" ")[2] for row in TABLE} == set(patterns(get_resolver()))


class World:
    """An account with a conversation, and all that addresses can name."""

    def __init__(self) -> None:
        now = timezone.now()
        owner = make_user()
        self.account = make_account(connected_by=owner)
        contact = make_contact(account=self.account, profile_picture_url=PICTURE)
        self.conversation = make_conversation(
            contact=contact, last_message_at=now, last_inbound_at=now
        )
        story = {"id": "1", "url": PICTURE}
        theirs = make_message(conversation=self.conversation, sent_at=now, story=story)
        self.picture = make_attachment(theirs)
        ours = {"conversation": self.conversation, "direction": "outbound", "source": "crm"}
        self.failed = make_message(**ours, status="failed", author="human", mid=None, sent_at=now)
        self.unknown = make_message(**ours, status="unknown", author="human", mid=None, sent_at=now)
        self.theirs = theirs
        self.upload = Upload.objects.create(
            account=self.account, name="x.png", type="image", size=1, content_type="image/png"
        )
        self.upload.file.save("x.png", ContentFile(b"x"))

    def address(self, path: str) -> str:
        """Return the address of a pattern in this world."""
        keys = {
            "accounts/<int:pk>": f"accounts/{self.account.pk}",
            "messages/<int:pk>/retry": f"messages/{self.failed.pk}/retry",
            "messages/<int:pk>/settle": f"messages/{self.unknown.pk}/settle",
            "messages/<int:message>/retry": f"messages/{self.failed.pk}/retry",
            "messages/<int:message>/settle": f"messages/{self.unknown.pk}/settle",
            "messages/<int:message>": f"messages/{self.theirs.pk}",
            "messages/<int:pk>": f"messages/{self.theirs.pk}",
            "<int:pk>/older/": f"{self.conversation.pk}/older/?before={self.failed.pk}",
            "pictures/<int:pk>": f"pictures/{self.conversation.contact_id}",
            "stories/<int:pk>": f"stories/{self.theirs.pk}",
            "attachments/<int:pk>": f"attachments/{self.picture.pk}",
            "<int:attachment_id>": str(self.picture.pk),
            "<int:upload_id>": str(self.upload.pk),
            "<int:key>": "1",
            "<str:token>": "forged",
            "<str:code>": "forged",
            "<int:pk>": str(self.conversation.pk),
        }
        for name, value in keys.items():
            path = path.replace(name, value)
        assert "<" not in path
        return f"/{path}"


def knock(user: User | None, row: str, world: World) -> int:
    """Return how somebody is answered; what it changes is taken back."""
    method, _, path = row.partition(" ")
    client = Client(raise_request_exception=False)
    extra: dict[str, Any] = {}
    if user is not None:
        client.force_login(user)
    if path.startswith("api/") and user is not None:
        client.logout()
        extra["headers"] = {"Authorization": f"Bearer {AccessToken.for_user(user)}"}
    if any(path.endswith(name) for name in BROWSERS) and user is not None:
        client.force_login(user)
    short = row.replace(API, "")
    if method in ("POST", "PUT", "PATCH"):
        is_form = path.startswith(("inbox/", "login/", "logout/", "i18n/"))
        extra["data"] = FORMS.get(path, {}) if is_form else BODIES.get(short, {})
        if not is_form:
            extra["content_type"] = "application/json"
    cache.clear()
    with transaction.atomic():
        answer = getattr(client, method.lower())(world.address(path), **extra)
        transaction.set_rollback(True)
    return int(answer.status_code)


# Addresses below the API's prefix that browsers open with a session.
BROWSERS = (
    "oauth/start/", "oauth/open/", "oauth/callback/", "oauth/choose/<int:key>/", "oauth/result/",
    "media/<int:attachment_id>/", "uploads/<int:upload_id>/", "doctor/",
)  # fmt: skip


@pytest.mark.parametrize("number", range(len(PEOPLE)), ids=list(PEOPLE))
def test_everybody_is_answered_as_the_table_says(number: int) -> None:
    world = World()
    user = list(PEOPLE.values())[number]()
    with responses.RequestsMock(assert_all_requests_are_fired=False):
        found = {row: knock(user, row, world) for row in TABLE}
    expected = {row: int(answers.split()[number]) for row, answers in TABLE.items()}
    assert found == expected
    world.conversation.refresh_from_db()
    assert world.conversation.status == "open"


def test_a_session_opens_no_door_of_the_api() -> None:
    """Cookies are sent along by any page; tokens are not."""
    world, client = World(), Client()
    client.force_login(make_superuser())
    for row in TABLE:
        method, _, path = row.partition(" ")
        if path.startswith(API) and TABLE[row].split()[0] == "401":
            answer = getattr(client, method.lower())(world.address(path))
            assert answer.status_code == 401, row


def test_the_admin_is_for_staff_alone() -> None:
    agent, client = in_group("Instagram managers"), Client()
    client.force_login(agent)
    for model in ("message", "conversation", "connectedaccount", "job", "webhookevent", "note"):
        answer = client.get(f"/admin/social_integrations/{model}/")
        assert answer.status_code in (302, 404), model
        if answer.status_code == 302:
            assert answer["Location"].startswith("/admin/login/")
