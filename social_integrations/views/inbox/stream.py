"""Live updates as a stream (server-sent events), beside Django's own ASGI application.

A stream says only that something changed; the page then asks as it does without one. Each look at
the database is short, in a thread of a pool, with its connection given back: an open stream holds
neither. Django's middleware would keep a thread for each, so this stands in front of it and checks
by itself what they check: host, origin, session, user, rights.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.core.exceptions import DisallowedHost
from django.db import Error as DatabaseFault
from django.db import close_old_connections, connections
from django.http import HttpRequest
from django.urls import reverse

from social_integrations.access import access_policy
from social_integrations.conf import app_settings
from social_integrations.selectors import changes, feed_start

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOK_SECONDS = 1.5
HEARTBEAT_SECONDS = 15.0
# Browsers come back by themselves; an end now and then moves streams to a new release.
LONGEST_SECONDS = 3600.0
LOOKERS = 4
"""Threads that look, for all streams of a process together."""
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, private"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]
# With a status that says why there is no stream.
NO_STREAM = [(b"cache-control", b"no-store, private")]
LATER = [*NO_STREAM, (b"retry-after", b"5")]


def with_stream(application: Any) -> Application:
    """Return the ASGI application with the stream of changes in front of it."""

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and app_settings.INBOX_SSE and _is_ours(scope):
            await _serve(scope, receive, send)
        else:
            await application(scope, receive, send)

    return routed


def _is_ours(scope: Scope) -> bool:
    return bool(scope["path"] == reverse("instagram_inbox:stream"))


async def _serve(scope: Scope, receive: Receive, send: Send) -> None:
    cookie = _session_key(scope)
    try:
        status = await _in_pool(_may_listen, scope, cookie)
    except DatabaseFault:
        status = 503
    if status != 200:
        headers = LATER if status == 503 else NO_STREAM
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    telling = asyncio.ensure_future(_tell(send, cookie))
    leaving = asyncio.ensure_future(_gone(receive))
    await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
    for task in (telling, leaving):
        task.cancel()
        # Whoever left closed the socket; what was being written to it is of no use.
        with suppress(asyncio.CancelledError, OSError):
            await task


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _tell(send: Send, cookie: str) -> None:
    async for event in _events(cookie):
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _events(cookie: str) -> AsyncIterator[bytes]:
    """Yield `change` when something did, a comment now and then, and `end` at the end."""
    cursor, loop = await _in_pool(feed_start), asyncio.get_running_loop()
    begun = spoken = loop.time()
    yield b"retry: 5000\n\n: hello\n\n"
    while loop.time() - begun < LONGEST_SECONDS:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            fresh = await _in_pool(_look, cookie, cursor)
        except DatabaseFault:
            continue  # the heartbeat goes on; the page notices by its own question
        if fresh is None:
            break
        if fresh != cursor:
            cursor, spoken = fresh, loop.time()
            yield b"event: change\ndata: 1\n\n"
        elif loop.time() - spoken >= HEARTBEAT_SECONDS:
            spoken = loop.time()
            yield b": still here\n\n"
    yield b"event: end\ndata: 1\n\n"


def _look(cookie: str, cursor: str) -> str | None:
    """Return the cursor after what changed; None for whoever may not listen any more."""
    user = _user(cookie)
    if user is None or not access_policy().may_read(user):
        return None
    return changes(user, cursor).cursor


def _may_listen(scope: Scope, cookie: str) -> int:
    """Return 200, or the status that says why not."""
    if scope["method"] != "GET" or not _is_own_page(scope):
        return 403
    user = _user(cookie)
    if user is None:
        return 401
    return 200 if access_policy().may_read(user) else 403


def _is_own_page(scope: Scope) -> bool:
    """Return whether a page of this host asks: another site's script must not listen along."""
    given = _headers(scope)
    request = HttpRequest()
    request.META = {
        "HTTP_HOST": given.get("host", ""),
        "SERVER_NAME": "",
        "SERVER_PORT": "",
        "HTTP_X_FORWARDED_HOST": given.get("x-forwarded-host", ""),
    }
    try:
        host = request.get_host()
        origin = urlsplit(given.get("origin", f"//{host}")).netloc
    except (DisallowedHost, ValueError):
        return False
    return origin == host and given.get("sec-fetch-site", "same-origin") == "same-origin"


def _user(cookie: str) -> Any:
    """Return the active user a session belongs to; None once it has ended."""
    if not cookie:
        return None
    request = HttpRequest()
    engine = import_module(settings.SESSION_ENGINE)
    request.session = engine.SessionStore(cookie)
    user = get_user(request)
    return user if user.is_authenticated and user.is_active else None


def _session_key(scope: Scope) -> str:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(_headers(scope).get("cookie", ""))
    except CookieError:
        return ""
    found = jar.get(settings.SESSION_COOKIE_NAME)
    return found.value if found and "\x00" not in found.value else ""


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def _in_pool(work: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(_pool(), _and_release, work, *arguments)


def _and_release(work: Callable[..., Any], *arguments: Any) -> Any:
    """Do it with a fresh look at the connections, and keep none afterwards."""
    close_old_connections()
    try:
        return work(*arguments)
    finally:
        connections.close_all()


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(LOOKERS, thread_name_prefix="inbox-stream")
