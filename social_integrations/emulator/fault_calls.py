"""Control calls that make the Graph fail."""

import re
from collections.abc import Mapping
from typing import Any

from .control_input import whole
from .core import Emulator
from .faults import add_fault, clear_faults, fault_body, list_faults
from .http import Request
from .people import ControlError

Answer = dict[str, Any]


def get_faults(emulator: Emulator, _request: Request) -> Answer:
    """Show the failures still waiting."""
    return {"faults": list_faults(emulator.store)}


def create_fault(emulator: Emulator, request: Request) -> Answer:
    """Make the next matching Graph calls fail."""
    params = request.json
    body = params.get("body")
    if body is None:
        numbers = whole(params, "code", 2), whole(params, "subcode", 0)
        body = fault_body(*numbers, str(params.get("message", "")))
    if not isinstance(body, dict):
        raise ControlError("The body must be a JSON object.")
    try:
        fault_id = add_fault(
            emulator.store,
            pattern=str(params.get("match", "")),
            status=_error_status(params),
            body=body,
            times=whole(params, "times", 1),
        )
    except re.error as error:
        raise ControlError(f"The match is not a regular expression: {error}.") from error
    return {"fault_id": fault_id, "faults": list_faults(emulator.store)}


def _error_status(params: Mapping[str, Any]) -> int:
    status = whole(params, "status", 500)
    if not 400 <= status <= 599:
        raise ControlError("The status must lie between 400 and 599.")
    return status


def delete_faults(emulator: Emulator, _request: Request) -> Answer:
    """Call off the failures."""
    clear_faults(emulator.store)
    return {"faults": []}
