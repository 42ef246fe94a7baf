"""The whole demo, started the way `make demo` does, on free ports and with data of its own."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import requests

from scripts.lib.machine import free_port

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 240
TRIES = 3


@dataclass(frozen=True)
class Demo:
    """A running demo: its details, and what a script can do with it."""

    app_url: str
    emulator_url: str
    username: str
    password: str
    app_secret: str
    verify_token: str
    folder: Path
    launcher: int

    @property
    def api(self) -> str:
        """Where the app's own addresses begin."""
        return f"{self.app_url}/api/social/instagram"

    def control(self, path: str, **body: Any) -> Any:
        """Call the emulator's control API."""
        response = requests.post(f"{self.emulator_url}/_control/{path}", json=body, timeout=30)
        response.raise_for_status()
        return response.json()

    def state(self) -> Any:
        """Return the emulator's world."""
        return requests.get(f"{self.emulator_url}/_control/state", timeout=30).json()

    def staff(self, username: str = "") -> requests.Session:
        """Return a signed-in browser session; everybody has the same password."""
        session = requests.Session()
        page = session.get(f"{self.app_url}/login/", timeout=30)
        token = page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        answer = session.post(
            f"{self.app_url}/login/",
            {
                "username": username or self.username,
                "password": self.password,
                "csrfmiddlewaretoken": token,
            },
            timeout=30,
        )
        assert answer.ok
        return session

    def connect(self, session: requests.Session) -> requests.Response:
        """Go through the consent dialog as the shop's owner, ticking everything."""
        address = f"{self.api}/oauth/start/?login=facebook"
        start = session.get(address, timeout=30, allow_redirects=False)
        consent = self.control("consent", url=start.headers["Location"])
        page = session.get(consent["location"], timeout=30)
        if "/oauth/choose/" not in page.url:
            return page
        form = {
            "csrfmiddlewaretoken": re.findall(r'csrfmiddlewaretoken" value="(\w+)"', page.text)[0],
            "account": re.findall(r'name="account" value="(\d+)"', page.text),
            "do": "connect",
        }
        return session.post(page.url, form, timeout=30)

    def manage(self, *arguments: str, **settings: str) -> str:
        """Run a management command with the demo's settings; return what it printed."""
        lines = (self.folder / "env").read_text().splitlines()
        wiring = dict(shlex.split(line)[0].partition("=")[::2] for line in lines)
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=_outside_environment(**(wiring | settings)),
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def hire(self, username: str) -> str:
        """Make another superuser with the same password; return the name."""
        known = {"USERNAME": username, "EMAIL": "x@crm.example", "PASSWORD": self.password}
        settings = {f"DJANGO_SUPERUSER_{name}": value for name, value in known.items()}
        self.manage("createsuperuser", "--noinput", **settings)
        return username

    def access_token(self) -> str:
        """Return a JWT, as a frontend gets it, and keeps it while it is good."""
        minute = int(time.monotonic() // 60)
        return _sign_in(self.app_url, self.username, self.password, minute)

    def status(self) -> Any:
        """Return what the frontend polls."""
        return requests.get(
            f"{self.api}/connection/status/",
            headers={"Authorization": f"Bearer {self.access_token()}"},
            timeout=30,
        ).json()


@lru_cache
def _sign_in(app_url: str, username: str, password: str, _minute: int) -> str:
    """Get a JWT, once a minute: the door is throttled."""
    form = {"username": username, "password": password}
    return str(requests.post(f"{app_url}/api/auth/token/", json=form, timeout=30).json()["access"])


def eventually(look: Callable[[], Any], seconds: float = 60) -> Any:
    """Return what `look` finds as soon as it is true; fail with the last thing it found."""
    deadline = time.monotonic() + seconds
    found = None
    while time.monotonic() < deadline:
        try:
            found = look()
        except requests.RequestException as error:
            found = error
        if found and not isinstance(found, Exception):
            return found
        time.sleep(0.1)
    raise AssertionError(f"never came true; last seen: {found!r}")


def launch(folder: Path, **settings: str) -> tuple[subprocess.Popen[str], Demo]:
    """Start the demo's launcher, with settings of its own, and wait for its links.

    Somebody else may take a port between our look and the launcher's: then with other ports.
    """
    for _ in range(TRIES):
        launcher = _start(folder, **settings)
        deadline = time.monotonic() + START_SECONDS
        while launcher.poll() is None and time.monotonic() < deadline:
            if (folder / "demo.json").exists():
                details = json.loads((folder / "demo.json").read_text())
                return launcher, Demo(**details, folder=folder, launcher=launcher.pid)
            time.sleep(0.1)
        launcher.terminate()
        said = launcher.communicate()[0]
    pytest.fail(f"The demo did not start:\n{said}")


def _start(folder: Path, **settings: str) -> subprocess.Popen[str]:
    (folder / "demo.json").unlink(missing_ok=True)
    ports = {"PORT": str(free_port()), "EMULATOR_PORT": str(free_port())}
    return subprocess.Popen(
        [sys.executable, "scripts/demo.py"],
        cwd=ROOT,
        env=_outside_environment(DEMO_DIR=str(folder), **ports, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def end(launcher: subprocess.Popen[str]) -> str:
    """Press Ctrl-C and return everything the launcher printed."""
    launcher.send_signal(signal.SIGINT)
    return launcher.communicate(timeout=40)[0]


def _outside_environment(**changes: str) -> dict[str, str]:
    """Return the environment without what the test settings put into it."""
    ours = ("INSTAGRAM_", "LEGAL_", "DJANGO_", "DATABASE_", "JWT_", "SECRET_KEY", "DEBUG", "ALLOW")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, **changes}


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One running demo for all tests that look at it."""
    launcher, running = launch(tmp_path_factory.mktemp("demo"))
    yield running
    end(launcher)
