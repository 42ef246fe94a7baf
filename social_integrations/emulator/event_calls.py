"""Control calls about events: what happens, how it is delivered, and the log."""

from collections.abc import Callable
from typing import Any

from .control_input import whole
from .core import Emulator
from .courier import Parcel
from .http import Request
from .ids import new_digits
from .outgoing import count_held, flush
from .people import ControlError, NotFoundError
from .play import list_kinds
from .state import list_deliveries
from .switches import describe_switches, rest_switches, set_switches
from .webhooks import dashboard_test, php_json

Answer = dict[str, Any]


def scripted(
    happen: Callable[[Emulator, Any, str], Answer],
) -> Callable[[Emulator, Request], Answer]:
    """Make a control call of something people do: the body says who and what."""
    return lambda emulator, request: happen(emulator, request.json, request.base_url)


def get_kinds(_emulator: Emulator, _request: Request) -> Answer:
    """Name everything `events` can make happen."""
    return {"kinds": list_kinds()}


def deliver(emulator: Emulator, request: Request) -> Answer:
    """Send any payload as it is given; a string is sent literally."""
    payload = request.json.get("payload")
    if payload is None:
        raise ControlError("The field payload is needed.")
    signer = str(request.json.get("signer", "meta"))
    if signer not in {"meta", "instagram"}:
        raise ControlError("The field signer is meta or instagram.")
    parcel = Parcel(
        queue=_alone("raw"),
        kind="raw",
        body=payload.encode() if isinstance(payload, str) else php_json(payload),
        signed=request.json.get("sign", True) is not False,
        signer=signer,
    )
    return {"delivery_id": emulator.courier.enqueue(parcel)}


def send_test_event(emulator: Emulator, _request: Request) -> Answer:
    """Press the dashboard's Test button."""
    body = php_json(dashboard_test(int(emulator.now())))
    parcel = Parcel(queue=_alone("test"), kind="test", body=body)
    return {"delivery_id": emulator.courier.enqueue(parcel)}


def redeliver(emulator: Emulator, request: Request) -> Answer:
    """Send the same bytes once more, as a delivery of its own."""
    wanted = request.json.get("delivery_id")
    row = emulator.store.one("SELECT * FROM delivery WHERE id = ?", str(wanted))
    if row is None:
        raise NotFoundError(f"There is no delivery {wanted}.")
    parcel = Parcel(
        queue=_alone(row["kind"]),
        kind=row["kind"],
        body=row["body"],
        signed=bool(row["signed"]),
        signer=row["signer"],
    )
    return {"delivery_id": emulator.courier.enqueue(parcel)}


def _alone(kind: str) -> str:
    """Name a queue for one delivery, so that it neither waits for others nor delays them."""
    return f"{kind}-{new_digits()}"


def get_deliveries(emulator: Emulator, request: Request) -> Answer:
    """Show the delivery log with bodies."""
    limit = whole(request.query, "limit", 200)
    return {"deliveries": list_deliveries(emulator, limit=limit, with_payload=True)}


def get_switches(emulator: Emulator, _request: Request) -> Answer:
    """Show every switch, and how many events are held."""
    return {"switches": describe_switches(emulator.store), "held": count_held(emulator)}


def turn_switches(emulator: Emulator, request: Request) -> Answer:
    """Set some switches; what is held goes out when nothing holds it any more."""
    values = set_switches(emulator.store, request.json)
    return _settled(emulator, request, holds=max(int(values["batch"]), int(values["reorder"])) > 1)


def switch_off(emulator: Emulator, request: Request) -> Answer:
    """Put every switch back to its value at rest, and send what is held."""
    rest_switches(emulator.store)
    return _settled(emulator, request, holds=False)


def _settled(emulator: Emulator, request: Request, *, holds: bool) -> Answer:
    if not holds and count_held(emulator):
        flush(emulator)
    return get_switches(emulator, request)


def send_held(emulator: Emulator, _request: Request) -> Answer:
    """Send everything that is held or delayed, now."""
    return flush(emulator)
