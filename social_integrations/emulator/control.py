"""The control API: scripts the world from tests and from the phone page."""

import ipaddress
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .callback import verify_webhook
from .core import Emulator
from .dialog import DialogError, asked_scopes, choose, decide, full_consent
from .faults import add_fault, clear_faults, fault_body, list_faults
from .http import BadBodyError, Request, Response, json_response
from .ids import new_account_id, new_digits
from .media import NotAPictureError, host_picture
from .messaging import customer_writes, owner_writes, react, see, unsend
from .people import ControlError, NotFoundError, find_customer
from .seed import add_customer, add_page, seed
from .state import describe_customer, describe_page, describe_world, list_deliveries
from .tokens import kill_tokens
from .webhooks import dashboard_test, php_json

PREFIX = "/_control/"
USERNAME = re.compile(r"[A-Za-z0-9._]{1,30}")
Handler = Callable[[Emulator, Request], dict[str, Any]]


def answer_control(emulator: Emulator, request: Request) -> Response:
    """Serve any control call."""
    try:
        _check_origin(request)
        return json_response(_handler(request)(emulator, request))
    except ControlError as error:
        return _refuse(error.status, error.code, str(error))
    except (BadBodyError, NotAPictureError, DialogError, ValueError) as error:
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


def get_state(emulator: Emulator, request: Request) -> dict[str, Any]:
    """Show everything."""
    return describe_world(emulator, request.base_url)


def reset(emulator: Emulator, request: Request) -> dict[str, Any]:
    """Go back to the seeded world; the CRM is not told."""
    with emulator.store.transaction():
        emulator.store.clear()
        seed(emulator.store)
    return describe_world(emulator, request.base_url)


def create_page(emulator: Emulator, request: Request) -> dict[str, Any]:
    """Give the owner a Page, with an Instagram account unless `instagram` is false."""
    name, username = _text(request, "name"), None
    linked = request.json.get("instagram", True) is not False
    if linked:
        fallback = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        username = _username(str(request.json.get("username") or fallback))
    page_id = new_digits()
    try:
        add_page(
            emulator.store,
            page_id=page_id,
            name=name,
            account_id=new_account_id() if linked else None,
            username=username,
            in_business=bool(request.json.get("business")),
        )
    except sqlite3.IntegrityError as error:
        raise ControlError(f"The username {username} is taken.") from error
    row = emulator.store.one("SELECT * FROM page WHERE id = ?", page_id) or {}
    return describe_page(row, request.base_url)


def create_customer(emulator: Emulator, request: Request) -> dict[str, Any]:
    """Let one more person exist."""
    username = _username(_text(request, "username"))
    name = str(request.json.get("name") or username)
    try:
        add_customer(emulator.store, new_digits(), username, name)
    except sqlite3.IntegrityError as error:
        raise ControlError(f"The username {username} is taken.") from error
    row = find_customer(emulator.store, username)
    return describe_customer(emulator, row, request.base_url)


def _text(request: Request, name: str) -> str:
    value = request.json.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ControlError(f"The field {name} is needed.")
    return value.strip()


def _username(text: str) -> str:
    username = text.removeprefix("@")
    if not USERNAME.fullmatch(username):
        raise ControlError("A username has 1 to 30 letters, digits, dots or underscores.")
    return username


def _whole(values: Mapping[str, Any], name: str, default: int) -> int:
    value = str(values.get(name, default))
    if not value.isdecimal():
        raise ControlError(f"The field {name} must be a whole number.")
    return int(value)


def _names(request: Request, name: str, default: Iterable[str]) -> list[str]:
    value = request.json.get(name, list(default))
    if not isinstance(value, list):
        raise ControlError(f"The field {name} must be a list.")
    return [str(one) for one in value]


def consent(emulator: Emulator, request: Request) -> dict[str, Any]:
    """Answer the dialog at an authorize URL without a browser."""
    url = urlsplit(_text(request, "url"))
    if not url.path.endswith("/dialog/oauth"):
        raise ControlError("The url is not an address of the dialog.")
    params = dict(parse_qsl(url.query, keep_blank_values=True))
    everything = full_consent(emulator, params)
    answer = choose(
        asked_scopes(params),
        scopes=_names(request, "scopes", everything.scopes),
        pages=_names(request, "pages", everything.pages),
    )
    return {"location": decide(emulator, params, None if request.json.get("deny") else answer)}


def deliver(emulator: Emulator, request: Request) -> dict[str, Any]:
    """Send any payload as it is given; a string is sent literally."""
    payload = request.json.get("payload")
    if payload is None:
        raise ControlError("The field payload is needed.")
    body = payload.encode() if isinstance(payload, str) else php_json(payload)
    signed = request.json.get("sign", True) is not False
    return {"delivery_id": _alone(emulator, "raw", body, signed=signed)}


def send_test_event(emulator: Emulator, _request: Request) -> dict[str, Any]:
    """Press the dashboard's Test button."""
    body = php_json(dashboard_test(int(emulator.now())))
    return {"delivery_id": _alone(emulator, "test", body)}


def redeliver(emulator: Emulator, request: Request) -> dict[str, Any]:
    """Send the same bytes once more, as a delivery of its own."""
    wanted = request.json.get("delivery_id")
    row = emulator.store.one("SELECT * FROM delivery WHERE id = ?", str(wanted))
    if row is None:
        raise NotFoundError(f"There is no delivery {wanted}.")
    signed = bool(row["signed"])
    return {"delivery_id": _alone(emulator, row["kind"], row["body"], signed=signed)}


def _alone(emulator: Emulator, kind: str, body: bytes, *, signed: bool = True) -> int:
    """Queue a delivery by itself, so that it neither waits for others nor delays them."""
    queue = f"{kind}-{new_digits()}"
    return emulator.courier.enqueue(queue=queue, kind=kind, body=body, signed=signed)


def get_deliveries(emulator: Emulator, request: Request) -> dict[str, Any]:
    """Show the delivery log with bodies."""
    limit = _whole(request.query, "limit", 200)
    return {"deliveries": list_deliveries(emulator, limit=limit, with_payload=True)}


def create_fault(emulator: Emulator, request: Request) -> dict[str, Any]:
    """Make the next matching Graph calls fail."""
    params = request.json
    body = params.get("body")
    if body is None:
        numbers = _whole(params, "code", 2), _whole(params, "subcode", 0)
        body = fault_body(*numbers, str(params.get("message", "")))
    if not isinstance(body, dict):
        raise ControlError("The body must be a JSON object.")
    try:
        fault_id = add_fault(
            emulator.store,
            pattern=str(params.get("match", "")),
            status=_error_status(params),
            body=body,
            times=_whole(params, "times", 1),
        )
    except re.error as error:
        raise ControlError(f"The match is not a regular expression: {error}.") from error
    return {"fault_id": fault_id, "faults": list_faults(emulator.store)}


def _error_status(params: Mapping[str, Any]) -> int:
    status = _whole(params, "status", 500)
    if not 400 <= status <= 599:
        raise ControlError("The status must lie between 400 and 599.")
    return status


def delete_faults(emulator: Emulator, _request: Request) -> dict[str, Any]:
    """Call off the failures."""
    clear_faults(emulator.store)
    return {"faults": []}


def kill(emulator: Emulator, request: Request) -> dict[str, Any]:
    """Make every token fail with 190 and a subcode; 463 (expired) by default."""
    subcode = _whole(request.json, "subcode", 463)
    return {"killed": kill_tokens(emulator.store, subcode), "subcode": subcode}


def upload(emulator: Emulator, request: Request) -> dict[str, Any]:
    """Host a picture sent as the raw body or in a form."""
    content = request.body
    if request.content_type == "multipart/form-data":
        content = next((part.content for part in request.parts if part.filename), b"")
    return {"url": request.base_url + host_picture(emulator.store, content)}


ROUTES: dict[tuple[str, str], Handler] = {
    ("GET", "state"): get_state,
    ("POST", "reset"): reset,
    ("POST", "consent"): consent,
    ("POST", "pages"): create_page,
    ("POST", "customers"): create_customer,
    ("POST", "messages"): lambda em, request: customer_writes(em, request.json, request.base_url),
    ("POST", "echoes"): lambda em, request: owner_writes(em, request.json, request.base_url),
    ("POST", "unsend"): lambda em, request: unsend(em, request.json),
    ("POST", "reactions"): lambda em, request: react(em, request.json),
    ("POST", "seen"): lambda em, request: see(em, request.json),
    ("POST", "uploads"): upload,
    ("POST", "verify-webhook"): lambda em, _request: verify_webhook(em.store, em.config),
    ("POST", "test-event"): send_test_event,
    ("POST", "deliver"): deliver,
    ("POST", "redeliver"): redeliver,
    ("GET", "deliveries"): get_deliveries,
    ("GET", "faults"): lambda em, _request: {"faults": list_faults(em.store)},
    ("POST", "faults"): create_fault,
    ("DELETE", "faults"): delete_faults,
    ("POST", "tokens"): kill,
}
