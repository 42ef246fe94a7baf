"""The Graph API: paths, nodes, edges, and Meta's way of answering."""

import base64
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from .core import Emulator
from .errors import MetaError, trace_id
from .faults import take_fault
from .fields import parse_fields, pick
from .http import BadBodyError, Request, Response
from .nodes import Caller, Node, describe, find_node, page_fields
from .oauth import answer_debug_token, answer_token_request
from .subscriptions import (
    Params,
    install_on_page,
    list_app_subscriptions,
    list_page_apps,
    remove_from_page,
    set_app_subscription,
)
from .tokens import authenticate
from .webhooks import php_json

VERSION = re.compile(r"^/v\d+\.\d+(?=/|$)")
PAGE_SIZE = 25

Edge = Callable[[Caller, Node, Params], dict[str, Any]]


def plain_path(path: str) -> str:
    """Drop the version Meta allows in front of everything."""
    return VERSION.sub("", path) or "/"


def answer_graph(emulator: Emulator, request: Request) -> Response:
    """Serve any Graph call."""
    status = 200
    payload: dict[str, Any]
    fault = take_fault(emulator.store, plain_path(request.path))
    if fault is not None:
        status, payload = fault
    else:
        try:
            payload = _result(emulator, request)
        except MetaError as error:
            status, payload = error.spec.status, error.payload
        except BadBodyError as error:
            refusal = MetaError("bad_body", detail=error)
            status, payload = refusal.spec.status, refusal.payload
    version = VERSION.match(request.path)
    headers = {
        "facebook-api-version": version[0].strip("/") if version else emulator.config.api_version,
        "x-fb-trace-id": trace_id(),
    }
    return Response(body=php_json(payload), status=status, headers=headers)


def _result(emulator: Emulator, request: Request) -> dict[str, Any]:
    parts = [part for part in plain_path(request.path).split("/") if part]
    special = SPECIAL.get("/".join(parts))
    if special is not None:
        return special(emulator, request)
    if not parts:
        raise MetaError("unsupported", method=request.method.lower(), node="")
    if len(parts) > 2:
        raise MetaError("unknown_path", path="/".join(parts[2:]))
    caller = Caller(
        emulator=emulator, token=authenticate(emulator, request), base_url=request.base_url
    )
    node = find_node(caller, parts[0], request.method)
    params = {**request.params, "_url": request.base_url + request.path}
    if len(parts) == 2:
        return _edge(node, parts[1], request.method)(caller, node, params)
    if request.method != "GET":
        raise MetaError("unsupported", method=request.method.lower(), node=parts[0])
    return describe(caller, node, parse_fields(str(params.get("fields", ""))))


def _edge(node: Node, name: str, method: str) -> Edge:
    if name not in {known for _, known, _ in EDGES}:
        raise MetaError("unknown_path", path=name)
    edge = EDGES.get((node.kind, name, method))
    if edge is None:
        raise MetaError("unsupported", method=method.lower(), node=node.row["id"])
    return edge


def list_pages(caller: Caller, _node: Node, params: Params) -> dict[str, Any]:
    """Serve `/me/accounts`: the Pages ticked in the dialog, as far as permissions show them."""
    token = caller.token
    rows = caller.emulator.store.all("SELECT * FROM page ORDER BY position")
    # Both gaps look the same to a client: fewer Pages, HTTP 200, no error.
    seen = [
        row
        for row in rows
        if token.reaches(row["id"])
        and token.allows("pages_show_list")
        and (token.allows("business_management") or not row["in_business"])
    ]
    wanted = parse_fields(str(params.get("fields", "")))
    default = "access_token,category,category_list,name,id,tasks"
    return paged(seen, params, lambda row: pick(page_fields(caller, row), wanted, default))


def paged(
    rows: list[dict[str, Any]], params: Params, show: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """Answer one page of a list, with cursors, and the address of the next page if any."""
    size = _page_size(params.get("limit"))
    cursors = [_cursor(row["id"]) for row in rows]
    after, before = str(params.get("after", "")), str(params.get("before", ""))
    start = cursors.index(after) + 1 if after in cursors else 0
    stop = start + size
    if before in cursors:
        stop = cursors.index(before)
        start = max(0, stop - size)
    chosen = range(start, min(stop, len(rows)))
    if not chosen:
        return {"data": []}
    first, last = cursors[chosen[0]], cursors[chosen[-1]]
    paging: dict[str, Any] = {"cursors": {"before": first, "after": last}}
    kept = {key: value for key, value in params.items() if key not in {"_url", "after", "before"}}
    if stop < len(rows):
        paging["next"] = f"{params['_url']}?{urlencode({**kept, 'after': last})}"
    if start > 0:
        paging["previous"] = f"{params['_url']}?{urlencode({**kept, 'before': first})}"
    return {"data": [show(rows[index]) for index in chosen], "paging": paging}


def _page_size(limit: object) -> int:
    text = str(limit or PAGE_SIZE)
    return max(1, min(int(text), 100)) if text.isdecimal() else PAGE_SIZE


def _cursor(row_id: str) -> str:
    return base64.urlsafe_b64encode(f"QVFI:{row_id}".encode()).decode()


def list_permissions(caller: Caller, _node: Node, _params: Params) -> dict[str, Any]:
    """Serve `/me/permissions`: what was given, and what was withheld."""
    consent = caller.token.consent
    answers = [*((scope, "granted") for scope in consent.scopes)]
    answers += [(scope, "declined") for scope in consent.declined]
    return {"data": [{"permission": scope, "status": status} for scope, status in answers]}


SPECIAL: dict[str, Callable[[Emulator, Request], dict[str, Any]]] = {
    "oauth/access_token": answer_token_request,
    "debug_token": answer_debug_token,
}

EDGES: dict[tuple[str, str, str], Edge] = {
    ("user", "accounts", "GET"): list_pages,
    ("user", "permissions", "GET"): list_permissions,
    ("page", "subscribed_apps", "GET"): list_page_apps,
    ("page", "subscribed_apps", "POST"): install_on_page,
    ("page", "subscribed_apps", "DELETE"): remove_from_page,
    ("app", "subscriptions", "GET"): list_app_subscriptions,
    ("app", "subscriptions", "POST"): set_app_subscription,
}
