"""Fault F13: twelve ways of Meta to misbehave, over real sockets, for four kinds of calls.

No call holds its thread longer than the transport's deadline (shortened here), each ends in a state
that is shown, and nothing that may have arrived is sent again.
"""

import contextlib
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from pytest_django import Settings

from social_integrations.exceptions import GraphError, NotYet
from social_integrations.graph import transport
from social_integrations.models import Conversation, Message, PrivateReply, Reaction
from social_integrations.services import sending
from social_integrations.services.delivering import deliver
from social_integrations.services.gesture_work import send_reaction, send_sender_action
from social_integrations.services.private_reply_work import send_private_reply
from social_integrations.tests.sends import fresh, open_conversation, queue

pytestmark = pytest.mark.django_db

DEADLINE = 0.6
READ_TIMEOUT = 0.3
NOBODY_WAITS = 20.0  # the peers below would hold a thread for longer
Write = Callable[[bytes], object]


def answer(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def trickle(head: bytes) -> Callable[[Write], None]:
    def behave(write: Write) -> None:
        write(head)
        for number in range(1_000):
            write(b"X-%d: y\r\n" % number)
            time.sleep(0.03)

    return behave


def endless(write: Write) -> None:
    write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        write(b"x" * 65536)


JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"
# Behaviour → what it does, and where a message ends: the request was received by all of them.
BEHAVIOURS: dict[str, tuple[Callable[[Write], object], str]] = {
    "500": (lambda write: write(answer("500 Oops", b"oops")), "unknown"),
    "503 with Retry-After": (
        lambda write: write(answer("503 Busy", b"{}", "Retry-After: 2")),
        "unknown",
    ),
    "429 with Retry-After": (
        lambda write: write(answer("429 Slow down", b"{}", "Retry-After: 9")),
        "queued",
    ),
    "no answer": (lambda _write: time.sleep(3 * DEADLINE), "unknown"),
    "slow headers": (trickle(b"HTTP/1.1 200 OK\r\n"), "unknown"),
    "slow body": (trickle(JSON_HEAD), "unknown"),
    "half JSON": (lambda write: write(JSON_HEAD + b'{"message_id": "m-'), "unknown"),
    "HTML": (lambda write: write(answer("200 OK", b"<html></html>")), "unknown"),
    "wrong type": (lambda write: write(answer("200 OK", b"[1, 2]")), "unknown"),
    "redirect": (
        lambda write: write(answer("302 Found", b"", "Location: http://127.0.0.1:9/")),
        "unknown",
    ),
    "204": (lambda write: write(b"HTTP/1.1 204 No Content\r\n\r\n"), "unknown"),
    "endless": (endless, "unknown"),
}


@contextmanager
def meta_that(behave: Callable[[Write], object]) -> Iterator[tuple[str, list[float]]]:
    """Serve a Meta that behaves so; gives its address and when it was called."""
    calls: list[float] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head:
                head += self.rfile.readline()
            calls.append(time.monotonic())
            with contextlib.suppress(OSError):
                behave(self.wfile.write)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", calls
        server.shutdown()


@pytest.fixture
def conversation(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Conversation:
    settings.INSTAGRAM_GRAPH_TIMEOUT = (0.5, READ_TIMEOUT)
    monkeypatch.setattr(transport, "DEADLINE_SECONDS", DEADLINE)
    return open_conversation()


def timed(call: Callable[[], Any]) -> float:
    """Make a call that may have to wait or fail; return how long it held its thread."""
    started = time.monotonic()
    with contextlib.suppress(GraphError, NotYet):
        call()
    return time.monotonic() - started


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_four_kinds_of_calls(name: str, conversation: Conversation, settings: Settings) -> None:
    behave, status = BEHAVIOURS[name]
    message = queue(conversation)
    theirs = conversation.messages.get(direction="inbound")
    sending.react(message=theirs, emoji="❤️")
    reply = sending.reply_privately(
        account=conversation.contact.account, comment_id="179", text="Hi"
    )
    with meta_that(behave) as (url, calls):
        settings.INSTAGRAM_FACEBOOK_GRAPH_URL = url
        held = [
            timed(lambda: deliver(conversation_id=conversation.pk)),
            timed(lambda: deliver(conversation_id=conversation.pk)),
        ]
        assert len(calls) == 1, "a message was sent again"
        held += [
            timed(lambda: send_reaction(message_id=theirs.pk)),
            timed(
                lambda: send_sender_action(
                    conversation_id=conversation.pk, action="typing_on", at=message.received_at
                )
            ),
            timed(lambda: send_private_reply(reply_id=reply.pk)),
        ]
    assert max(held) < NOBODY_WAITS
    assert fresh(message).status == status
    assert fresh(message).error_text
    assert PrivateReply.objects.get().status == status
    assert Reaction.objects.get().delivery == "queued"  # harmless to repeat: its job comes back
    assert not Message.objects.filter(status="sending").exists()


def test_a_throttled_account_is_left_alone(conversation: Conversation, settings: Settings) -> None:
    """The breaker: what Meta asked for holds for every worker and every conversation."""
    behave, _status = BEHAVIOURS["429 with Retry-After"]
    account = conversation.contact.account
    others = [open_conversation(account, igsid=f"10{number}") for number in range(5)]
    with meta_that(behave) as (url, calls):
        settings.INSTAGRAM_FACEBOOK_GRAPH_URL = url
        for one in [conversation, *others]:
            queue(one)
            assert timed(partial(deliver, conversation_id=one.pk)) < NOBODY_WAITS
        assert len(calls) == 1
