"""Control calls about sending: what the CRM sent, and what its next send is answered with."""

from typing import Any

from .control_input import text, whole
from .core import Emulator
from .errors import error_payload
from .faults import Fault, add_fault, list_faults
from .http import Request
from .people import NotFoundError
from .sending.errors import SEND_ERRORS, SENT_YET_FAILED, THROTTLING
from .sending.log import count_messages, list_doubles, list_sent

Answer = dict[str, Any]
SENDS = "/messages$"

# What may happen to the next send besides an error: the fault's form, and what it means.
OUTCOMES: dict[str, tuple[str, str]] = {
    "lost": ("close", "Sent, but the answer is lost"),
    "dropped": ("drop", "Not sent, and the connection breaks"),
    "late": ("late", "Sent, answered late"),
    "slow": ("slow", "Waits, then sends and answers"),
    "half": ("half", "Sent, half the answer arrives"),
    "html": ("html", "Not sent, a page with 503"),
}
SECONDS = 8


def get_sent(emulator: Emulator, request: Request) -> Answer:
    """Show what the CRM asked for, newest first, with counters per message and any doubles."""
    return {
        "sent": list_sent(emulator, limit=whole(request.query, "limit", 1000)),
        "messages": count_messages(emulator),
        "doubles": list_doubles(emulator),
    }


def get_next_send(emulator: Emulator, _request: Request) -> Answer:
    """Show what the next sends can be answered with, and what waits for them."""
    errors = [{"answer": name, "label": spec.message} for name, spec in SEND_ERRORS.items()]
    others = [{"answer": name, "label": label} for name, (_, label) in OUTCOMES.items()]
    waiting = [fault for fault in list_faults(emulator.store) if fault["only"]]
    return {"answers": [*others, *errors], "waiting": waiting}


def set_next_send(emulator: Emulator, request: Request) -> Answer:
    """Answer the next sends with a row of Meta's table, or with one of the outcomes.

    `sent: true` lets the message go out although an error is answered, as 1/1357046 always does.
    """
    name = text(request, "answer")
    if name not in SEND_ERRORS and name not in OUTCOMES:
        raise NotFoundError(f"There is no answer named {name}.")
    times = whole(request.json, "times", 1)
    seconds = float(whole(request.json, "seconds", SECONDS))
    is_sent = bool(request.json.get("sent")) or name == SENT_YET_FAILED
    fault = _outcome(name, times, seconds) or _error(name, times, is_sent=is_sent)
    return {"fault_id": add_fault(emulator.store, fault), **get_next_send(emulator, request)}


def _outcome(name: str, times: int, seconds: float) -> Fault | None:
    if name not in OUTCOMES:
        return None
    form = OUTCOMES[name][0]
    return Fault(
        pattern=SENDS,
        times=times,
        form=form,
        status=503,
        body={},
        headers={},
        seconds=seconds if form in {"late", "slow"} else 0.0,
        only="message",
    )


def _error(name: str, times: int, *, is_sent: bool) -> Fault:
    spec = SEND_ERRORS[name]
    body = error_payload(
        spec.message, spec.type, spec.code, spec.subcode, is_transient=spec.is_transient
    )
    return Fault(
        pattern=SENDS,
        times=times,
        form="done" if is_sent else "json",
        status=spec.status,
        body=body,
        headers={},
        only="message",
        usage=100 if spec.code in THROTTLING else 0,
    )
