"""The stream of changes, under a real uvicorn: who may listen, what they hear, and when it ends."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
import uvicorn
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.asgi import get_asgi_application
from django.db import connections
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from social_integrations.models import Conversation
from social_integrations.tests.factories import make_message, make_staff
from social_integrations.tests.services.test_intake import no_database
from social_integrations.views.inbox import stream

from .conftest import READER

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def serving() -> Iterator[str]:
    """Serve the project on loopback with uvicorn, in a thread."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    application = stream.with_stream(get_asgi_application())
    config = uvicorn.Config(application, port=port, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    # The server's threads outlive it here, and must not keep connections to the test database.
    database = connections.settings["default"]
    before, database["CONN_MAX_AGE"] = database["CONN_MAX_AGE"], 0
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
        database["CONN_MAX_AGE"] = before


@pytest.fixture
def server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    settings.INSTAGRAM_INBOX_SSE = True
    monkeypatch.setattr(stream, "LOOK_SECONDS", 0.1)
    with serving() as url:
        yield url


@pytest.fixture
def user() -> User:
    return make_staff(*READER)


@pytest.fixture
def cookies(client: Client, user: User) -> dict[str, str]:
    client.force_login(user)
    return {"sessionid": client.cookies["sessionid"].value}


def listen(server: str, cookies: dict[str, str], **headers: str) -> requests.Response:
    return requests.get(
        f"{server}/inbox/stream/", cookies=cookies, headers=headers, stream=True, timeout=10
    )


def events(response: requests.Response) -> Iterator[str]:
    for line in response.iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith("event: "):
            yield line.removeprefix("event: ")


def test_a_change_is_heard_and_says_nothing(server: str, cookies: dict[str, str]) -> None:
    conversation = make_message(text="secret").conversation
    with listen(server, cookies) as response:
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert "no-store" in response.headers["Cache-Control"]
        heard = events(response)
        time.sleep(0.4)
        for _ in range(2):
            began = time.monotonic()
            Conversation.objects.filter(pk=conversation.pk).update(changed_at=timezone.now())
            assert next(heard) == "change"
            assert time.monotonic() - began < 20


def test_foreign_changes_are_not_heard(
    server: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "LONGEST_SECONDS", 0.8)
    client.force_login(make_staff(*READER[:2]))
    foreign = make_message().conversation
    with listen(server, {"sessionid": client.cookies["sessionid"].value}) as response:
        Conversation.objects.filter(pk=foreign.pk).update(changed_at=timezone.now())
        assert list(events(response)) == ["end"]


@pytest.mark.parametrize("how", ["logout", "inactive", "rights", "password"])
def test_it_ends_with_the_right_to_listen(
    server: str, cookies: dict[str, str], user: User, how: str
) -> None:
    with listen(server, cookies) as response:
        assert response.status_code == 200
        if how == "logout":
            Session.objects.all().delete()
        elif how == "inactive":
            User.objects.update(is_active=False)
        elif how == "rights":
            user.user_permissions.clear()
        else:
            user.set_password("another")
            user.save()
        began = time.monotonic()
        assert list(events(response)) == ["end"]
        assert time.monotonic() - began < 20


def test_who_may_not_listen(server: str, cookies: dict[str, str]) -> None:
    assert listen(server, {}).status_code == 401
    assert listen(server, {"sessionid": "x" * 40}).status_code == 401
    assert listen(server, {"sessionid": "\\000"}).status_code == 401
    other = Client()
    other.force_login(make_staff())
    assert listen(server, {"sessionid": other.cookies["sessionid"].value}).status_code == 403
    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Origin": "http://[::1"},
    ):
        assert listen(server, cookies, **headers).status_code == 403
    same = {"Origin": server, "Sec-Fetch-Site": "same-origin"}
    with listen(server, cookies, **same) as response:
        assert response.status_code == 200
    assert requests.post(f"{server}/inbox/stream/", cookies=cookies, timeout=5).status_code == 403


def test_without_a_database_it_says_come_back_later(server: str, cookies: dict[str, str]) -> None:
    with no_database():
        response = listen(server, cookies)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
        assert response.content == b""
    with listen(server, cookies) as response:
        assert response.status_code == 200


def test_heartbeats_keep_the_line_open(
    server: str, cookies: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.2)
    with listen(server, cookies) as response:
        lines = response.iter_lines(chunk_size=1, decode_unicode=True)
        assert next(line for line in lines if line == ": still here")


def test_many_streams_hold_no_threads(server: str, cookies: dict[str, str]) -> None:
    before = threading.active_count()
    held = [listen(server, cookies) for _ in range(30)]
    try:
        assert {one.status_code for one in held} == {200}
        assert threading.active_count() - before <= stream.LOOKERS
        assert requests.get(f"{server}/health/live/", timeout=5).json() == {"status": "ok"}
    finally:
        for one in held:
            one.close()


def test_everything_else_goes_to_django(server: str, cookies: dict[str, str]) -> None:
    page = requests.get(f"{server}/inbox/", cookies=cookies, timeout=10).text
    assert 'data-stream="/inbox/stream/"' in page


def test_it_is_off_by_default(cookies: dict[str, str]) -> None:
    with serving() as url:
        assert listen(url, cookies).status_code == 204
        page = requests.get(f"{url}/inbox/", cookies=cookies, timeout=10).text
    assert "data-stream" not in page
