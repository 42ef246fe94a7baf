"""Batches: up to 50 Graph calls in one request, answered by a list."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .errors import MetaError
from .forms import read_json
from .http import FORM, VERSION, Request, Response

MOST = 50
INHERITED = ("access_token", "appsecret_proof")


def is_batch(request: Request) -> bool:
    """Tell whether a request holds others; Meta takes a batch at any address."""
    return request.method == "POST" and "batch" in request.params


def read_batch(request: Request, version: str) -> list[Request]:
    """Read the calls of a batch, in the order in which they are made."""
    calls = request.params["batch"]
    try:
        calls = read_json(calls) if isinstance(calls, str) else calls
    except ValueError as error:
        raise MetaError("batch", detail="The batch parameter must be a JSON array") from error
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise MetaError("batch", detail="The batch parameter must be a JSON array")
    if len(calls) > MOST:
        detail = f"Too many requests in batch message. Maximum batch size is {MOST}"
        raise MetaError("batch", detail=detail)
    if "{result=" in json.dumps(calls) or any(call.get("attached_files") for call in calls):
        raise MetaError("not_imitated", what="{result=…} and attached_files in a batch")
    return [_call(request, call, version) for call in calls]


def _call(request: Request, call: Mapping[str, Any], version: str) -> Request:
    address = urlsplit(str(call.get("relative_url") or "").lstrip("/"))
    query = dict(parse_qsl(address.query, keep_blank_values=True))
    body = str(call.get("body") or "")
    given = [one for one in call.get("headers") or [] if isinstance(one, dict)]
    headers = {str(one.get("name")).lower(): str(one.get("value")) for one in given}
    headers = {"content-type": FORM, **headers}
    own = replace(request, method="GET", query=query, headers=headers, body=body.encode())
    if "access_token" not in own.params and "authorization" not in headers:
        # Meta: a call without a token of its own is made with the batch's.
        outer = {name: request.params[name] for name in INHERITED if name in request.params}
        query = {**{name: str(value) for name, value in outer.items()}, **query}
        if "authorization" in request.headers:
            headers["authorization"] = request.headers["authorization"]
    method = str(call.get("method") or "GET").upper()
    path = f"/{address.path}"
    path = path if VERSION.match(path) else version + path
    return replace(own, method=method, path=path, query=query, headers=headers)


def show_batch(request: Request, answers: list[Response]) -> list[dict[str, Any] | None]:
    """Write the answers in the order of the calls; a call whose connection broke has none."""
    wants_headers = str(request.params.get("include_headers", True)).lower() not in {"false", "0"}
    return [_shown(one, wants_headers=wants_headers) for one in answers]


def _shown(answer: Response, *, wants_headers: bool) -> dict[str, Any] | None:
    if answer.wire != "whole":
        return None
    named = {"Content-Type": answer.content_type, **answer.headers}
    listed = [{"name": name, "value": value} for name, value in named.items()]
    headers = {"headers": listed} if wants_headers else {}
    return {"code": answer.status, **headers, "body": answer.body.decode("utf-8", "replace")}
