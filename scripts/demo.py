"""The whole product on one machine without a Meta account: app, worker and emulator.

`make demo` calls this inside the virtual environment. PORT and EMULATOR_PORT choose the ports,
DEMO_DIR where data and generated secrets are kept (default `.demo`).
"""

import ctypes
import fcntl
import json
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
USERNAME = "staff"
START_SECONDS = 60
STOP_SECONDS = 15
RESTART_SECONDS = 1.0
PR_SET_PDEATHSIG = 1


class DemoError(Exception):
    """Something the person at the keyboard can mend; the message says what."""


@dataclass
class Process:
    """One program of the demo; started again when it dies before its time."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    log: Path
    child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches the launcher only."""
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), *self.arguments],
                env=self.environment,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )

    def restart_if_dead(self) -> None:
        """Start it again where it ended although nobody asked it to."""
        if self.child is not None and self.child.poll() is not None:
            say(f"The {self.name} ended ({self.child.returncode}); starting it again.")
            time.sleep(RESTART_SECONDS)
            self.start()

    def stop(self) -> None:
        """Ask it to end."""
        if self.child is not None and self.child.poll() is None:
            self.child.terminate()

    def wait(self) -> None:
        """Wait until it has ended, and insist after a while."""
        if self.child is not None:
            try:
                self.child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


def end_with_parent() -> None:
    """Ask Linux to end this process when the launcher dies, even of SIGKILL."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def say(text: str = "") -> None:
    """Print at once, also into a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def port(name: str, default: int) -> int:
    """Return the port a variable asks for, if it is free."""
    text = os.environ.get(name) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise DemoError(f"{name} must be a port number between 1 and 65535, not {text!r}.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(text)))
        except OSError:
            raise DemoError(
                f"Port {text} is taken, perhaps by a demo that still runs. "
                f"Choose another one: {name}={int(text) + 1} make demo"
            ) from None
    return int(text)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: two demos on one database would overwrite each other's files."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoError(
                f"A demo already runs from {folder}; end it, or start another one elsewhere: "
                "DEMO_DIR=.demo2 PORT=8100 EMULATOR_PORT=9109 make demo"
            ) from None
        yield


def remembered_secrets(path: Path) -> dict[str, str]:
    """Return this demo's secrets: made on the first run, kept for the next ones."""
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    made = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "JWT_SIGNING_KEY": secrets.token_urlsafe(50),
        "INSTAGRAM_APP_ID": str(secrets.randbelow(9 * 10**14) + 10**14),
        "INSTAGRAM_APP_SECRET": secrets.token_hex(16),
        "INSTAGRAM_LOGIN_APP_ID": str(secrets.randbelow(9 * 10**14) + 10**14),
        "INSTAGRAM_LOGIN_APP_SECRET": secrets.token_hex(16),
        "INSTAGRAM_WEBHOOK_VERIFY_TOKEN": secrets.token_urlsafe(32),
        "INSTAGRAM_TOKEN_ENCRYPTION_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "DJANGO_SUPERUSER_PASSWORD": secrets.token_urlsafe(9),
        # Last: a folder of an earlier version lacks only what is new.
        **found,
    }
    write_private(path, json.dumps(made, indent=2))
    return made


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner can read; nobody ever sees half of it."""
    unfinished = path.with_name(f"{path.name}.new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    unfinished.replace(path)


def demo_environment(
    folder: Path, made: dict[str, str], app_url: str, emulator_url: str
) -> dict[str, str]:
    """Return the variables that wire app, worker and emulator to each other."""
    return {
        **made,
        "DJANGO_SETTINGS_MODULE": "amanati_crm.settings",
        "DEBUG": "false",
        "ALLOW_PLAIN_HTTP": "true",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "DJANGO_SUPERUSER_USERNAME": USERNAME,
        "DJANGO_SUPERUSER_EMAIL": "staff@echodesk.example",
        "INSTAGRAM_REDIRECT_URI": f"{app_url}/api/social/instagram/oauth/callback/",
        "INSTAGRAM_FACEBOOK_GRAPH_URL": emulator_url,
        "INSTAGRAM_FACEBOOK_DIALOG_URL": emulator_url,
        "INSTAGRAM_LOGIN_GRAPH_URL": emulator_url,
        "INSTAGRAM_LOGIN_TOKEN_URL": emulator_url,
        "INSTAGRAM_LOGIN_DIALOG_URL": emulator_url,
        "INSTAGRAM_CONNECT_RETURN_URL": "",
        "INSTAGRAM_MEDIA_HOSTS": ",".join(
            f"{host}:{urlsplit(emulator_url).port}" for host in (HOST, "localhost")
        ),
        "MEDIA_ROOT": str(folder / "media"),
        "STATIC_ROOT": str(folder / "static"),
        "LEGAL_OPERATOR_NAME": "EchoDesk demo",
        "LEGAL_OPERATOR_ADDRESS": "The computer this demo runs on",
        "LEGAL_CONTACT_EMAIL": "privacy@echodesk.example",
        "LEGAL_EFFECTIVE_DATE": "2026-11-23",
    }


def wait_for(url: str, process: Process) -> None:
    """Wait until an address answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if process.child is not None and process.child.poll() is not None:
                break
            time.sleep(0.1)
    raise DemoError(f"The {process.name} did not start; see {process.log}.")


def processes(folder: Path, environment: dict[str, str], ports: tuple[int, int]) -> list[Process]:
    """Return the three programs of the demo."""
    app_port, emulator_port = map(str, ports)
    webhook = f"http://{HOST}:{app_port}/api/social/instagram/webhook/"
    store = str(folder / "emulator.sqlite3")
    programs = {
        "emulator": [
            *("meta_emulator", "--port", emulator_port),
            *("--store", store, "--webhook-url", webhook),
        ],
        "app": ["serve", "--port", app_port],
        "worker": ["instagram_worker"],
    }
    return [
        Process(name, arguments, environment, folder / f"{name}.log")
        for name, arguments in programs.items()
    ]


def introduce(details: dict[str, str]) -> None:
    """Print the links and what to click."""
    app, emulator = details["app_url"], details["emulator_url"]
    say(
        f"""
EchoDesk is running, with a stand-in for Meta. Nothing leaves this computer.

  Sign in as     {details["username"]}
  Password       {details["password"]}

  1. Connect     {app}/api/social/instagram/oauth/start/
                 Sign in, choose one of Meta's two logins, press "Continue" on the
                 stand-in's consent page and, where there are several accounts, "Connect".
  2. Be a customer
                 {emulator}/
                 Type a message on the phone, or send a picture.
  3. Answer it   {app}/inbox/
                 The message is there within three seconds. Open it and write back.

  Admin          {app}/admin/social_integrations/conversation/
  Legal pages    {app}/legal/privacy/
  Verify token   {details["verify_token"]}

Ctrl-C ends everything; the data stays for the next run.
"""
    )


def prepare(environment: dict[str, str]) -> None:
    """Bring database, static files and the staff account up to date; say why if that fails."""
    say("Preparing the database and the static files ...")
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "prepare_demo.py")],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DemoError(f"The demo could not be prepared:\n{done.stdout}{done.stderr}")


def run(folder: Path) -> None:
    """Start everything, say so, and keep it running until somebody ends it."""
    ports = port("PORT", 8000), port("EMULATOR_PORT", 9009)
    if ports[0] == ports[1]:
        raise DemoError("PORT and EMULATOR_PORT must differ: app and emulator need one each.")
    app_url, emulator_url = (f"http://{HOST}:{number}" for number in ports)
    made = remembered_secrets(folder / "secrets.json")
    wiring = demo_environment(folder, made, app_url, emulator_url)
    environment = {**os.environ, **wiring}
    prepare(environment)
    running = processes(folder, environment, ports)
    try:
        for process in running:
            process.start()
        wait_for(f"{emulator_url}/_control/state", running[0])
        wait_for(f"{app_url}/health/ready/", running[1])
        details = {
            "app_url": app_url,
            "emulator_url": emulator_url,
            "username": USERNAME,
            "password": made["DJANGO_SUPERUSER_PASSWORD"],
            "app_secret": made["INSTAGRAM_APP_SECRET"],
            "verify_token": made["INSTAGRAM_WEBHOOK_VERIFY_TOKEN"],
        }
        lines = [f"{name}={shlex.quote(value)}" for name, value in wiring.items()]
        write_private(folder / "env", "\n".join(lines))
        write_private(folder / "demo.json", json.dumps(details, indent=2))
        introduce(details)
        while True:
            time.sleep(0.5)
            for process in running:
                process.restart_if_dead()
    finally:
        for process in running:
            process.stop()
        for process in running:
            process.wait()


def ends(_number: int, _frame: FrameType | None) -> None:
    """Leave `run` through its `finally`."""
    raise KeyboardInterrupt


def main() -> int:
    """Run the demo; return the exit code."""
    # SIGINT too: a shell that starts us in the background has it ignored.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ends)
    try:
        folder = Path(os.environ.get("DEMO_DIR") or ROOT / ".demo").resolve()
        with alone_in(folder):
            run(folder)
    except KeyboardInterrupt:
        say("\nEverything has ended.")
    except DemoError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
