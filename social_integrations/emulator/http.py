"""Just enough HTTP over WSGI: a request, a response, and the bodies clients send."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.client import responses
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIEnvironment

from .forms import read_pairs

# Meta: the largest file is one of 25 MB.
MAX_BODY = 26 * 1024 * 1024
JSON_TYPE = "application/json; charset=UTF-8"
FORM = "application/x-www-form-urlencoded"
VERSION = re.compile(r"^/v\d+\.\d+(?=/|$)")


class BadBodyError(ValueError):
    """The body is not what its content type promises; the text is safe to show."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a multipart body."""

    name: str
    filename: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, read completely."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Header names in lower case."""
    body: bytes = b""
    base_url: str = ""
    remote: str = "127.0.0.1"

    @property
    def content_type(self) -> str:
        """The media type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty body is an empty object."""
        if not self.body.strip():
            return {}
        try:
            parsed = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise BadBodyError("The body is not valid JSON.") from error
        if not isinstance(parsed, dict):
            raise BadBodyError("The body must be a JSON object.")
        return parsed

    @cached_property
    def params(self) -> dict[str, Any]:
        """Query, form and JSON parameters together, as Graph treats them; the body wins."""
        return {**read_pairs(self.query.items()), **self._body_params()}

    def _body_params(self) -> dict[str, Any]:
        if self.content_type == "application/json":
            return self.json
        # Clients exist that do not say what they send: it is a form.
        if self.content_type in {"", FORM}:
            text = self.body.decode("utf-8", "replace")
            return read_pairs(parse_qsl(text, keep_blank_values=True))
        if self.content_type == "multipart/form-data":
            plain = (part for part in self.parts if not part.filename)
            return read_pairs(
                (part.name, part.content.decode("utf-8", "replace")) for part in plain
            )
        return {}

    @property
    def file(self) -> bytes | None:
        """The first file of a multipart body."""
        if self.content_type != "multipart/form-data":
            return None
        return next((part.content for part in self.parts if part.filename), None)

    @cached_property
    def parts(self) -> list[Part]:
        """The parts of a multipart body."""
        boundary = _parameter(self.headers.get("content-type", ""), "boundary")
        if not boundary:
            raise BadBodyError("The multipart body has no boundary.")
        chunks = (b"\r\n" + self.body).split(b"\r\n--" + boundary.encode())[1:]
        return [_part(chunk) for chunk in chunks if not chunk.startswith(b"--")]


def _part(chunk: bytes) -> Part:
    head, _, content = chunk.partition(b"\r\n\r\n")
    lines = head.decode("utf-8", "replace").splitlines()
    named = {key.lower(): value for key, _, value in (line.partition(":") for line in lines)}
    disposition = named.get("content-disposition", "")
    return Part(
        name=_parameter(disposition, "name"),
        filename=_parameter(disposition, "filename"),
        content=content,
    )


def _parameter(header: str, name: str) -> str:
    for piece in header.split(";")[1:]:
        key, _, value = piece.strip().partition("=")
        if key.lower() == name:
            return value.strip('"')
    return ""


@dataclass(frozen=True, kw_only=True)
class Response:
    """One answer, ready to send."""

    body: bytes = b""
    status: int = 200
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    wire: str = "whole"
    """`cut` breaks off in the middle of the body, `close` before the first byte."""

    def send(self, start_response: StartResponse, *, with_body: bool = True) -> Iterable[bytes]:
        """Answer a WSGI server."""
        headers = {
            "Content-Type": self.content_type,
            "Content-Length": str(len(self.body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            **self.headers,
        }
        reason = responses.get(self.status, "Scripted")
        start_response(f"{self.status} {reason}", list(headers.items()))
        sent = self.body[: len(self.body) // 2] if self.wire == "cut" else self.body
        return [sent] if with_body else [b""]


def json_response(payload: object, status: int = 200) -> Response:
    """Answer in plain JSON."""
    return Response(body=json.dumps(payload, ensure_ascii=False).encode(), status=status)


def redirect(location: str) -> Response:
    """Send the browser elsewhere."""
    return Response(status=302, content_type="text/html", headers={"Location": location})


def read_request(environ: WSGIEnvironment) -> Request:
    """Read a WSGI request to its end."""
    headers = {
        key.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for key, value in environ.items()
        if key.startswith("HTTP_") or key in {"CONTENT_TYPE", "CONTENT_LENGTH"}
    }
    host = headers.get("host") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    length = headers.get("content-length", "")
    size = int(length) if length.isdecimal() else 0
    if size > MAX_BODY:
        raise BadBodyError("The body is larger than the emulator accepts.")
    return Request(
        method=str(environ["REQUEST_METHOD"]),
        # WSGI hands the path over as Latin-1; Meta's paths and ours are UTF-8.
        path=str(environ.get("PATH_INFO", "/")).encode("latin-1").decode("utf-8", "replace"),
        query=dict(parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)),
        headers=headers,
        body=cast("BinaryIO", environ["wsgi.input"]).read(size) if size else b"",
        base_url=f"{environ['wsgi.url_scheme']}://{host}",
        remote=str(environ.get("REMOTE_ADDR") or "127.0.0.1"),
    )
