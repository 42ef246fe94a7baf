"""What people type: it works, or says in one sentence what to change."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from scripts.run_lint import PRODUCTION
from social_integrations.models import Message, WebhookEvent
from social_integrations.services.intake import store_delivery
from social_integrations.tests.factories import NOON, make_account, make_contact, make_event
from social_integrations.tests.payloads import ACCOUNT_ID, batch_payload, encode, text_payload

OLD = NOON - timedelta(days=30)
ROOT = Path(django_settings.BASE_DIR)


def run(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def environment(**changes: str) -> dict[str, str]:
    """A production set-up on a database of its own, untouched by this machine's variables."""
    return {"PATH": os.environ["PATH"], "DATABASE_URL": "sqlite:///:memory:"} | PRODUCTION | changes


def manage(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py as somebody at a shell does."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def taken_port() -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield str(listener.getsockname()[1])


class TestWorker:
    @pytest.mark.django_db
    def test_once_does_what_is_due_and_says_how_much(self) -> None:
        make_account(instagram_account_id=ACCOUNT_ID, access_token="")
        store_delivery(encode(batch_payload(3)))
        assert run("instagram_worker", "--once") == "Applied 3 events, ran 7 jobs.\n"
        assert Message.objects.count() == 3
        assert run("instagram_worker", "--once") == "Applied 0 events, ran 0 jobs.\n"

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_it_works_until_it_is_told_to_stop(self, number: signal.Signals) -> None:
        make_account(instagram_account_id=ACCOUNT_ID, access_token="")
        store_delivery(encode(text_payload("m-1")))
        with worker() as process:
            end = time.monotonic() + 20
            while not Message.objects.exists():
                assert time.monotonic() < end
                assert process.poll() is None
                time.sleep(0.02)
            process.send_signal(number)
            out, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert out == "Instagram worker is running.\nInstagram worker has stopped.\n"

    @pytest.mark.django_db(transaction=True)
    def test_a_killed_worker_loses_nothing_and_doubles_nothing(self) -> None:
        make_account(instagram_account_id=ACCOUNT_ID, access_token="")
        for start in range(0, 3000, 1000):
            payload = batch_payload(1000)
            for item in payload["entry"][0]["messaging"]:
                item["message"]["mid"] += f"-{start}"
            store_delivery(encode(payload))
        with worker() as process:
            while not Message.objects.exists():
                assert process.poll() is None
                time.sleep(0.005)
            process.kill()
        run("instagram_worker", "--once")
        assert Message.objects.count() == 3000
        assert set(WebhookEvent.objects.values_list("status", flat=True)) == {"applied"}


@contextmanager
def worker() -> Iterator[subprocess.Popen[str]]:
    """Run a worker process on the tests' own database."""
    name = connection.settings_dict["NAME"]
    url = f"sqlite:///{(ROOT / name).resolve()}"
    if connection.vendor == "postgresql":
        host = "{USER}:{PASSWORD}@{HOST}:{PORT}".format(**connection.settings_dict)
        url = f"postgres://{host}/{name}"
    keys = ",".join(django_settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS)
    with subprocess.Popen(
        [sys.executable, "manage.py", "instagram_worker"],
        cwd=ROOT,
        env=environment(DATABASE_URL=url, INSTAGRAM_TOKEN_ENCRYPTION_KEYS=keys),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            process.wait(20)
            _wait_for_its_connections_to_end()


def _wait_for_its_connections_to_end() -> None:
    """Wait until PostgreSQL has noticed that the process is gone."""
    while connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            )
            if cursor.fetchone() == (1,):
                return
        time.sleep(0.02)


class TestEncryptionKey:
    def test_every_call_prints_a_new_usable_key(self) -> None:
        first, second = (run("make_encryption_key") for _ in range(2))
        assert first != second
        for line in (first, second):
            assert line.endswith("\n")
            key = Fernet(line.strip())
            assert key.decrypt(key.encrypt(b"token")) == b"token"

    def test_it_works_before_anything_is_set_up(self) -> None:
        nothing = dict.fromkeys(PRODUCTION, "") | {"SECRET_KEY": "x"}
        done = manage("make_encryption_key", **nothing)
        assert (done.returncode, done.stderr) == (0, "")
        Fernet(done.stdout.strip())


class TestEmulator:
    def test_a_taken_port_is_said_with_the_option_to_change(self, taken_port: str) -> None:
        with pytest.raises(CommandError, match=rf"127\.0\.0\.1:{taken_port}.* --port"):
            run("meta_emulator", "--port", taken_port)

    def test_a_store_that_cannot_be_used_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match=r"Cannot use .* --store"):
            run("meta_emulator", "--port", "0", "--store", str(tmp_path))

    @pytest.mark.parametrize(
        ("name", "option"),
        [
            ("INSTAGRAM_APP_ID", "--app-id"),
            ("INSTAGRAM_APP_SECRET", "--app-secret"),
            ("INSTAGRAM_WEBHOOK_VERIFY_TOKEN", "--verify-token"),
            ("INSTAGRAM_REDIRECT_URI", "--redirect-uri"),
        ],
    )
    @pytest.mark.parametrize("value", ["", []])
    def test_a_missing_value_is_named_with_its_option(
        self, settings: Settings, name: str, option: str, value: Any
    ) -> None:
        setattr(settings, name, value)
        with pytest.raises(CommandError, match=rf"^Set {name} or pass {option}\.$"):
            run("meta_emulator", "--port", "0")

    def test_an_option_stands_in_for_a_missing_setting(
        self, settings: Settings, taken_port: str
    ) -> None:
        settings.INSTAGRAM_APP_ID = ""
        with pytest.raises(CommandError, match="Cannot listen"):
            run("meta_emulator", "--port", taken_port, "--app-id", "7")


class TestServe:
    @pytest.mark.parametrize("arguments", [["--port", "70000"], ["--host", "no such host"]])
    def test_an_address_that_is_none_is_said(self, arguments: list[str]) -> None:
        with pytest.raises(CommandError, match=r"is not a port|cannot be used"):
            call_command("serve", *arguments)

    @pytest.mark.parametrize("more", [[], ["--with-worker"]])
    def test_a_taken_port_is_said(self, taken_port: str, more: list[str]) -> None:
        with pytest.raises(CommandError, match=f"Port {taken_port} on 127.0.0.1 cannot be used"):
            run("serve", "--port", taken_port, *more)

    @pytest.mark.parametrize(
        ("changes", "finding"),
        [
            ({"INSTAGRAM_APP_SECRET": ""}, "social_integrations.E001"),
            ({"INSTAGRAM_APP_SECRET": "changeme"}, "social_integrations.E002"),
            ({"INSTAGRAM_WEBHOOK_VERIFY_TOKEN": PRODUCTION["INSTAGRAM_APP_SECRET"]}, "E005"),
        ],
    )
    def test_it_does_not_start_with_an_unsafe_set_up(
        self, changes: dict[str, str], finding: str
    ) -> None:
        done = manage("serve", "--port", "0", **changes)
        assert done.returncode == 1
        assert finding in done.stderr
        assert "INSTAGRAM_" in done.stderr
        assert "Serving" not in done.stdout
        assert PRODUCTION["INSTAGRAM_APP_SECRET"] not in done.stdout + done.stderr


@pytest.mark.django_db
class TestEraseAccount:
    def test_it_says_what_would_go_and_deletes_only_when_told(self) -> None:
        make_account(instagram_account_id=ACCOUNT_ID, username="shop")
        other = make_account(instagram_account_id="2")
        for payload in (text_payload("m-1"), text_payload("m-2", account="2")):
            store_delivery(encode(payload))
        run("instagram_worker", once=True)
        said = run("erase_account", ACCOUNT_ID)
        assert said == "This would delete @shop, 1 people and 1 messages. Add --yes to do it.\n"
        assert Message.objects.count() == 2
        assert run("erase_account", ACCOUNT_ID, yes=True).startswith("Deleted @shop")
        assert Message.objects.get().account == other
        assert WebhookEvent.objects.get().instagram_account_id == "2"

    def test_an_unknown_account_is_said(self) -> None:
        with pytest.raises(CommandError, match="No connected account has the id 5"):
            run("erase_account", "5")


@pytest.mark.django_db
class TestReplay:
    @pytest.fixture
    def rows(self) -> list[WebhookEvent]:
        return [
            make_event(status="applied", kind="message"),
            make_event(status="failed", kind="reaction", attempts=5, error="X"),
            make_event(status="failed", kind="message", received_at=OLD, attempts=5, error="X"),
            make_event(status="unknown", kind="unknown", payload={"hologram": {}}),
        ]

    @pytest.mark.parametrize(
        ("arguments", "places"),
        [
            ("{0} {3}", [0, 3]),
            ("--from-id={1} --to-id={2}", [1, 2]),
            ("--kind=message", [0, 2]),
            ("--status=unknown", [3]),
            ("--failed-since=2026-11-22", [1]),
            ("--failed-since=2026-01-01T00:00 --kind=message", [2]),
        ],
    )
    def test_it_puts_back_what_was_chosen(
        self, rows: list[WebhookEvent], arguments: str, places: list[int]
    ) -> None:
        chosen = arguments.format(*(row.pk for row in rows)).split()
        assert f"{len(places)} items would" in run("replay_webhook_events", *chosen, "--dry-run")
        assert f"{len(places)} items put back" in run("replay_webhook_events", *chosen)
        back = WebhookEvent.objects.filter(status="received", attempts=0, error="")
        assert sorted(back.values_list("pk", flat=True)) == [rows[place].pk for place in places]

    def test_it_wants_to_know_which(self) -> None:
        with pytest.raises(CommandError, match="Say which"):
            run("replay_webhook_events")

    def test_a_date_nobody_can_read_is_said(self) -> None:
        with pytest.raises(CommandError, match="failed-since"):
            run("replay_webhook_events", "--failed-since=yesterday")


@pytest.mark.django_db
class TestExportContact:
    def test_it_prints_json(self) -> None:
        contact = make_contact(name="ნინო")
        held = json.loads(run("export_contact", str(contact.pk)))["held"]
        assert held["contact"][0]["name"] == "ნინო"

    @pytest.mark.parametrize("number", ["7", str(10**30)])
    def test_an_unknown_contact_is_said(self, number: str) -> None:
        with pytest.raises(CommandError, match=f"There is no contact {number}."):
            run("export_contact", number)
