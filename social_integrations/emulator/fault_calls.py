"""Control calls that make the Graph fail."""

import re
from collections.abc import Mapping
from typing import Any

from .control_input import whole
from .core import Emulator
from .faults import FORMS, Fault, add_fault, clear_faults, fault_body, list_faults
from .http import Request
from .people import ControlError

Answer = dict[str, Any]
KINDS = ("", "message", "action", "upload")
HEADER = re.compile(r"[A-Za-z0-9-]+: [\x20-\x7e]*")


def get_faults(emulator: Emulator, _request: Request) -> Answer:
    """Show the failures still waiting."""
    return {"faults": list_faults(emulator.store)}


def create_fault(emulator: Emulator, request: Request) -> Answer:
    """Make the next matching Graph calls fail."""
    params = request.json
    form = str(params.get("form", "json"))
    if form not in FORMS:
        raise ControlError(f"The form is one of {', '.join(FORMS)}.")
    fault = Fault(
        pattern=str(params.get("match", "")),
        times=whole(params, "times", 1),
        form=form,
        status=_status(params, form),
        body=_body(params),
        headers=_headers(params),
        seconds=_seconds(params),
        only=_only(params),
    )
    try:
        fault_id = add_fault(emulator.store, fault)
    except re.error as error:
        raise ControlError(f"The match is not a regular expression: {error}.") from error
    return {"fault_id": fault_id, "faults": list_faults(emulator.store)}


def _only(params: Mapping[str, Any]) -> str:
    only = str(params.get("only", ""))
    if only not in KINDS:
        raise ControlError("The field only is message, action or upload.")
    return only


def _body(params: Mapping[str, Any]) -> dict[str, Any]:
    body = params.get("body")
    if body is None:
        numbers = whole(params, "code", 2), whole(params, "subcode", 0)
        return fault_body(*numbers, str(params.get("message", "")))
    if not isinstance(body, dict):
        raise ControlError("The body must be a JSON object.")
    return body


def _status(params: Mapping[str, Any], form: str) -> int:
    """Read the status; a page or an empty answer may also come with 200."""
    status, least = whole(params, "status", 500), 400 if form in {"json", "done"} else 200
    if not least <= status <= 599:
        raise ControlError(f"The status must lie between {least} and 599.")
    return status


def _headers(params: Mapping[str, Any]) -> dict[str, str]:
    headers = params.get("headers") or {}
    if not isinstance(headers, dict):
        raise ControlError("The headers must be a JSON object.")
    found = {str(name): str(value) for name, value in headers.items()}
    if not all(HEADER.fullmatch(f"{name}: {value}") for name, value in found.items()):
        raise ControlError("A header is a name and a line of text.")
    return found


def _seconds(params: Mapping[str, Any]) -> float:
    seconds = params.get("seconds", 0)
    if not isinstance(seconds, int | float) or not 0 <= seconds <= 120:
        raise ControlError("The field seconds is a number up to 120.")
    return float(seconds)


def delete_faults(emulator: Emulator, _request: Request) -> Answer:
    """Call off the failures."""
    clear_faults(emulator.store)
    return {"faults": []}
