"""The WSGI app and the ways to serve it: from the command line, or beside a test."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from waitress import create_server, wasyncore
from waitress.channel import ClientDisconnected

from .callback import StartupHandshake
from .config import EmulatorConfig
from .control import answer_control
from .core import Emulator
from .courier import Courier
from .dialog import answer_dialog
from .errors import MetaError
from .graph import answer_graph, plain_path
from .http import (
    MAX_BODY,
    BadBodyError,
    Request,
    Response,
    json_response,
    read_request,
)
from .login_dialog import PATH, answer_login_dialog
from .phone import answer_avatar, answer_favicon, answer_media, answer_phone, answer_static
from .seed import seed
from .store import Store

logger = logging.getLogger(__name__)

THREADS = 16

Answer = Callable[[Emulator, Request], Response]

EXACT: dict[str, Answer] = {
    "/": answer_phone,
    "/favicon.ico": answer_favicon,
}
DIALOGS: dict[str, Answer] = {
    "/dialog/oauth": answer_dialog,
    PATH: answer_login_dialog,
}
PREFIXES: dict[str, Answer] = {
    "/_control/": answer_control,
    "/_static/": answer_static,
    "/avatars/": answer_avatar,
    "/media/": answer_media,
}


class CannotStartError(RuntimeError):
    """The address or the store cannot be used; the text says which, and why."""


class EmulatorApp:
    """The emulator as a WSGI callable, with its background work running until it is closed."""

    def __init__(self, config: EmulatorConfig) -> None:
        store = Store(config.store_path)
        seed(store)
        self.emulator = Emulator(config=config, store=store, courier=Courier(store, config))
        self._handshake = StartupHandshake(store, config)
        self.emulator.courier.start()
        self._handshake.start()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; whatever goes wrong inside, the client gets JSON."""
        is_head = environ["REQUEST_METHOD"] == "HEAD"
        if is_head:
            environ = {**environ, "REQUEST_METHOD": "GET"}
        try:
            response = self._answer(environ)
        except Exception:
            logger.exception("The emulator failed at %s", environ.get("PATH_INFO"))
            error = MetaError("unexpected")
            response = json_response(error.payload, error.spec.status)
        if response.wire == "close":
            raise ClientDisconnected  # waitress closes the connection and says nothing
        return response.send(start_response, with_body=not is_head)

    def _answer(self, environ: WSGIEnvironment) -> Response:
        try:
            request = read_request(environ)
            return _route(request)(self.emulator, request)
        except BadBodyError as problem:
            error = MetaError("bad_body", detail=problem)
            return json_response(error.payload, error.spec.status)

    def close(self) -> None:
        """Stop the background work; what is undelivered stays in the store."""
        self._handshake.close()
        self.emulator.courier.close()
        self.emulator.store.close()


def _route(request: Request) -> Answer:
    path = request.path
    if path == "/" and (request.method != "GET" or "ids" in request.query):
        return answer_graph
    if path in EXACT:
        return EXACT[path]
    if plain_path(path) in DIALOGS:
        return DIALOGS[plain_path(path)]
    found = (answer for prefix, answer in PREFIXES.items() if path.startswith(prefix))
    return next(found, answer_graph)


def create_app(config: EmulatorConfig) -> EmulatorApp:
    """Make the WSGI callable; close it when done."""
    return EmulatorApp(config)


class EmulatorServer:
    """A listening socket in front of the app."""

    def __init__(self, config: EmulatorConfig, host: str, port: int) -> None:
        self._sockets: dict[int, Any] = {}
        self._stopped = threading.Event()
        try:
            self._server = create_server(
                self._call,
                map=self._sockets,
                host=host,
                port=port,
                # One family only: two sockets would have two free ports.
                ipv4=":" not in host,
                ipv6=":" in host,
                threads=THREADS,
                ident="facebook",
                max_request_body_size=MAX_BODY,
            )
        except OSError as error:
            wasyncore.close_all(self._sockets)
            reason = error.strerror or str(error)
            raise CannotStartError(f"Cannot listen on {host}:{port}: {reason}.") from error
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._server.effective_port}"
        try:
            self.app = create_app(config)
        except sqlite3.Error as error:
            self._server.task_dispatcher.shutdown()
            wasyncore.close_all(self._sockets)
            raise CannotStartError(f"Cannot use {config.store_path}: {error}.") from error

    def _call(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.app(environ, start_response)

    def run(self) -> None:
        """Serve until stopped or interrupted."""
        while not self._stopped.is_set():
            wasyncore.loop(timeout=1.0, use_poll=True, map=self._sockets, count=1)

    def stop(self) -> None:
        """Make `run` return, from any thread."""
        self._stopped.set()
        self._server.pull_trigger()

    def close(self) -> None:
        """Let go of threads, connections and store, once nothing runs any more."""
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._sockets)
        self.app.close()


def serve(
    config: EmulatorConfig,
    host: str = "127.0.0.1",
    port: int = 9009,
    on_ready: Callable[[str], object] = logger.info,
) -> None:
    """Serve until interrupted; `on_ready` gets the address."""
    server = EmulatorServer(config, host, port)
    try:
        on_ready(server.url)
        with suppress(KeyboardInterrupt):
            server.run()
    finally:
        server.close()


@dataclass(frozen=True, slots=True)
class RunningEmulator:
    """An emulator serving from a thread."""

    url: str
    config: EmulatorConfig
    emulator: Emulator


@contextmanager
def running_emulator(config: EmulatorConfig, port: int = 0) -> Iterator[RunningEmulator]:
    """Serve in a thread, on a free port unless one is given, until the block ends."""
    server = EmulatorServer(config, "127.0.0.1", port)
    thread = threading.Thread(target=server.run, name="emulator", daemon=True)
    thread.start()
    try:
        yield RunningEmulator(server.url, config, server.app.emulator)
    finally:
        server.stop()
        thread.join()
        server.close()
