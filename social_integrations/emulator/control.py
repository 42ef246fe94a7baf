"""The control API: scripts the world from tests and from the phone page."""

import ipaddress
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from .app_removal import call_back, remove_app
from .breaks import break_it, list_breaks, unsubscribe
from .callback import verify_webhook
from .core import Emulator
from .deeds import edit, react, see, unsend
from .dialog import DialogError
from .event_calls import (
    deliver,
    get_deliveries,
    get_kinds,
    get_switches,
    redeliver,
    scripted,
    send_held,
    send_test_event,
    switch_off,
    turn_switches,
)
from .fault_calls import create_fault, delete_faults, get_faults
from .http import BadBodyError, Request, Response, json_response
from .media import NotMediaError
from .messaging import customer_writes, owner_writes
from .people import ControlError, NotFoundError
from .play import play
from .send_calls import get_next_send, get_sent, set_next_send
from .world_calls import (
    allow_messages,
    consent,
    create_customer,
    create_page,
    expire_media,
    get_clock,
    get_state,
    move_clock,
    reset,
    restore_tokens,
    stop_tokens,
    upload,
)

PREFIX = "/_control/"
Handler = Callable[[Emulator, Request], dict[str, Any]]


def answer_control(emulator: Emulator, request: Request) -> Response:
    """Serve any control call."""
    try:
        _check_origin(request)
        return json_response(_handler(request)(emulator, request))
    except ControlError as error:
        return _refuse(error.status, error.code, str(error))
    except (BadBodyError, NotMediaError, DialogError, ValueError) as error:
        return _refuse(400, "bad_request", str(error))


def _refuse(status: int, code: str, message: str) -> Response:
    return json_response({"error": {"code": code, "message": message}}, status)


class ForbiddenError(ControlError):
    """Somebody who should not hold the strings tried to pull one."""

    status, code = 403, "forbidden"


class MethodError(ControlError):
    """The path exists, the method does not."""

    status, code = 405, "method_not_allowed"


def _check_origin(request: Request) -> None:
    """Keep out other machines, and web pages of other sites open in the same browser."""
    host = urlsplit(f"//{request.headers.get('host', 'localhost')}").hostname or ""
    if not _is_loopback(request.remote) or not _is_loopback(host):
        raise ForbiddenError("The control API answers on this machine only.")
    origin = request.headers.get("origin")
    if origin is not None and origin != request.base_url:
        raise ForbiddenError("The control API does not answer other sites.")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _handler(request: Request) -> Handler:
    name = request.path.removeprefix(PREFIX).strip("/")
    if name not in {known for _, known in ROUTES}:
        raise NotFoundError(f"There is no control call named {name or 'nothing'}.")
    handler = ROUTES.get((request.method, name))
    if handler is None:
        raise MethodError(f"The control call {name} does not take {request.method}.")
    return handler


ROUTES: dict[tuple[str, str], Handler] = {
    ("GET", "state"): get_state,
    ("POST", "reset"): reset,
    ("POST", "consent"): consent,
    ("POST", "pages"): create_page,
    ("POST", "customers"): create_customer,
    ("GET", "kinds"): get_kinds,
    ("POST", "events"): scripted(play),
    ("POST", "messages"): scripted(customer_writes),
    ("POST", "echoes"): scripted(owner_writes),
    ("POST", "edits"): scripted(edit),
    ("POST", "unsend"): scripted(unsend),
    ("POST", "reactions"): scripted(react),
    ("POST", "seen"): scripted(see),
    ("POST", "uploads"): upload,
    ("POST", "expire-media"): expire_media,
    ("POST", "verify-webhook"): lambda em, _request: verify_webhook(em.store, em.config),
    ("POST", "test-event"): send_test_event,
    ("POST", "deliver"): deliver,
    ("POST", "redeliver"): redeliver,
    ("GET", "deliveries"): get_deliveries,
    ("GET", "switches"): get_switches,
    ("POST", "switches"): turn_switches,
    ("DELETE", "switches"): switch_off,
    ("POST", "flush"): send_held,
    ("GET", "faults"): get_faults,
    ("POST", "faults"): create_fault,
    ("DELETE", "faults"): delete_faults,
    ("GET", "sent"): get_sent,
    ("GET", "next-send"): get_next_send,
    ("POST", "next-send"): set_next_send,
    ("GET", "clock"): get_clock,
    ("POST", "clock"): move_clock,
    ("POST", "tokens"): stop_tokens,
    ("DELETE", "tokens"): restore_tokens,
    ("POST", "message-access"): allow_messages,
    ("POST", "deauthorize"): lambda em, request: call_back(em, "deauthorize", request.json),
    ("POST", "data-deletion"): lambda em, request: call_back(em, "data-deletion", request.json),
    ("POST", "remove-app"): lambda em, request: remove_app(em, request.json),
    ("POST", "unsubscribe"): lambda em, request: unsubscribe(em, request.json),
    ("GET", "breaks"): lambda _em, _request: {"breaks": list_breaks()},
    ("POST", "break"): lambda em, request: break_it(em, request.json),
}
