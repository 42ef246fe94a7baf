"""The Graph API: paths, nodes, edges, and Meta's way of answering."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .batch import is_batch, read_batch, show_batch
from .caller import Caller, Node, Params
from .conversations import list_conversations, list_messages
from .core import Emulator
from .errors import MetaError, trace_id
from .faults import REPLACING, Fault, replacement, spoil, take_fault
from .fields import listing, pick, wanted_fields
from .http import VERSION, BadBodyError, Request, Response
from .login import answer_code_or_token, exchange_login_token, refresh_login_token, shaped
from .nodes import describe, find_node, page_fields
from .oauth import answer_debug_token
from .paging import paged
from .sending.endpoint import send_message, upload_attachment
from .sending.log import kind_of_call, note_call
from .sending.profile import remove_profile, set_profile, show_profile
from .sending.routing import (
    extend_control,
    pass_control,
    release_control,
    request_control,
    show_owner,
    take_control,
)
from .subscriptions import (
    install_on_account,
    install_on_page,
    list_account_apps,
    list_app_subscriptions,
    list_page_apps,
    remove_app_subscription,
    remove_from_account,
    remove_from_page,
    set_app_subscription,
)
from .tokens import authenticate
from .usage import usage_headers
from .webhooks import php_json

# Edges Meta has and we have not: whoever asks should not believe that they are misspelt.
NOT_IMITATED = (
    "businesses", "comments", "custom_labels", "feed", "insights", "instagram_accounts", "media",
    "media_publish", "mentions", "message_templates", "notification_message_tokens", "personas",
    "picture", "posts", "replies", "roles", "settings", "stories", "tags", "thread_settings",
    "welcome_message_flows",
)  # fmt: skip

Edge = Callable[[Caller, Node, Params], dict[str, Any]]


def plain_path(path: str) -> str:
    """Drop the version Meta allows in front of everything."""
    return VERSION.sub("", path) or "/"


def answer_graph(emulator: Emulator, request: Request) -> Response:
    """Serve any Graph call."""
    request = _meant(request)
    what = kind_of_call(request, plain_path(request.path))
    fault = take_fault(emulator.store, plain_path(request.path), what)
    done, shown = _serve(emulator, request, fault)
    if what:
        note_call(emulator, request, what, done=done, shown=shown)
    if fault is not None and fault.form == "late":
        time.sleep(fault.seconds)
    return shown


def _meant(request: Request) -> Request:
    """Read which method a POST stands for: clients without DELETE say so in a parameter."""
    try:
        said = str(request.params.get("method") or "").upper()
    except BadBodyError:
        return request
    stands_for = request.method == "POST" and said in {"GET", "DELETE"}
    return replace(request, method=said) if stands_for else request


def _serve(
    emulator: Emulator, request: Request, fault: Fault | None
) -> tuple[Response | None, Response]:
    """Return the Graph's own answer, None where a fault stands in for it, and what is shown."""
    if fault is None:
        answer = _respond(emulator, request)
        return answer, answer
    if fault.form != "late":
        time.sleep(fault.seconds)
    if fault.form in REPLACING:
        told = usage_headers(emulator, request, fault.usage)
        instead = replacement(fault)
        return None, replace(instead, headers={**told, **instead.headers})
    answer = _respond(emulator, request)
    return answer, spoil(answer, fault)


def _respond(emulator: Emulator, request: Request) -> Response:
    status, payload, extra = _answer(emulator, request)
    version = VERSION.match(request.path)
    headers = {
        "facebook-api-version": version[0].strip("/") if version else emulator.config.api_version,
        "x-fb-trace-id": trace_id(),
        **usage_headers(emulator, request),
        **extra,
    }
    return Response(body=php_json(payload), status=status, headers=headers)


def _answer(emulator: Emulator, request: Request) -> tuple[int, Any, Mapping[str, str]]:
    """Find status, body and headers; whatever is refused becomes one of Meta's errors."""
    try:
        return 200, _result(emulator, request), {}
    except MetaError as error:
        refusal = error
    except BadBodyError as error:
        refusal = MetaError("bad_body", detail=error)
    return refusal.spec.status, refusal.payload, refusal.headers


def _result(emulator: Emulator, request: Request) -> Any:
    if is_batch(request):
        version = VERSION.match(request.path)
        calls = read_batch(request, version[0] if version else "")
        return show_batch(request, [answer_graph(emulator, call) for call in calls])
    parts = [part for part in plain_path(request.path).split("/") if part]
    special = SPECIAL.get("/".join(parts))
    if special is not None:
        return special(emulator, request)
    if len(parts) > 2:
        raise MetaError("unknown_path", path="/".join(parts[2:]))
    _check_throttle(emulator)
    caller = Caller(
        emulator=emulator, token=authenticate(emulator, request), base_url=request.base_url
    )
    if len(parts) == 2:
        return _at_edge(caller, request, *parts)
    ids = listing(request.params.get("ids"))
    if request.method != "GET" or not (parts or ids):
        raise MetaError("unsupported", method=request.method.lower(), node="".join(parts))
    if not parts:
        return {one: _described(caller, one, request) for one in ids}
    return _described(caller, parts[0], request)


def _at_edge(caller: Caller, request: Request, node_id: str, name: str) -> dict[str, Any]:
    node = find_node(caller, node_id, request.method)
    # Meta: the address of a next page holds the token, even when it came in a header.
    own = {"access_token": caller.token.value, "_url": request.base_url + request.path}
    params = {**request.params, **own, "_file": request.file}
    return _edge(node, name, request.method)(caller, node, params)


def _described(caller: Caller, node_id: str, request: Request) -> dict[str, Any]:
    node = find_node(caller, node_id, request.method)
    answer = describe(caller, node, wanted_fields(request.params))
    # Meta documents this one wrapped; shipping clients read it flat.
    is_own = node.kind == "own_account" and node_id == "me"
    return shaped(answer, str(caller.emulator.switch("login_me"))) if is_own else answer


def _check_throttle(emulator: Emulator) -> None:
    code = str(emulator.switch("throttle"))
    if code != "off":
        raise MetaError(f"throttle_{code}")


def _edge(node: Node, name: str, method: str) -> Edge:
    if name in NOT_IMITATED:
        raise MetaError("not_imitated", what=f"/{name}")
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
    wanted = wanted_fields(params)
    default = "access_token,category,category_list,name,id,tasks"
    return paged(seen, params, lambda row: pick(page_fields(caller, row), wanted, default))


def list_permissions(caller: Caller, _node: Node, _params: Params) -> dict[str, Any]:
    """Serve `/me/permissions`: what was given, and what was withheld."""
    consent = caller.token.consent
    answers = [*((scope, "granted") for scope in consent.scopes)]
    answers += [(scope, "declined") for scope in consent.declined]
    return {"data": [{"permission": scope, "status": status} for scope, status in answers]}


SPECIAL: dict[str, Callable[[Emulator, Request], dict[str, Any]]] = {
    "oauth/access_token": answer_code_or_token,
    "access_token": exchange_login_token,
    "refresh_access_token": refresh_login_token,
    "debug_token": answer_debug_token,
}

EDGES: dict[tuple[str, str, str], Edge] = {
    ("user", "accounts", "GET"): list_pages,
    ("user", "permissions", "GET"): list_permissions,
    ("page", "subscribed_apps", "GET"): list_page_apps,
    ("page", "subscribed_apps", "POST"): install_on_page,
    ("page", "subscribed_apps", "DELETE"): remove_from_page,
    ("page", "conversations", "GET"): list_conversations,
    ("own_account", "subscribed_apps", "GET"): list_account_apps,
    ("own_account", "subscribed_apps", "POST"): install_on_account,
    ("own_account", "subscribed_apps", "DELETE"): remove_from_account,
    ("own_account", "conversations", "GET"): list_conversations,
    ("conversation", "messages", "GET"): list_messages,
    ("page", "messages", "POST"): send_message,
    ("own_account", "messages", "POST"): send_message,
    ("page", "message_attachments", "POST"): upload_attachment,
    ("page", "messenger_profile", "GET"): show_profile,
    ("page", "messenger_profile", "POST"): set_profile,
    ("page", "messenger_profile", "DELETE"): remove_profile,
    ("own_account", "messenger_profile", "GET"): show_profile,
    ("own_account", "messenger_profile", "POST"): set_profile,
    ("own_account", "messenger_profile", "DELETE"): remove_profile,
    ("page", "pass_thread_control", "POST"): pass_control,
    ("page", "take_thread_control", "POST"): take_control,
    ("page", "release_thread_control", "POST"): release_control,
    ("page", "request_thread_control", "POST"): request_control,
    ("page", "extend_thread_control", "POST"): extend_control,
    ("page", "thread_owner", "GET"): show_owner,
    ("app", "subscriptions", "GET"): list_app_subscriptions,
    ("app", "subscriptions", "POST"): set_app_subscription,
    ("app", "subscriptions", "DELETE"): remove_app_subscription,
}
