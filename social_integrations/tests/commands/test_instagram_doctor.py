"""The doctor on the command line: table, JSON, which account, and exit codes."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from social_integrations.tests.factories import make_account
from social_integrations.tests.graph.answers import FakeMeta
from social_integrations.tests.services.doctor.world import PAGE, SUBSCRIBED

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[str, str, int]:
    """Return standard output, standard error and the exit code."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("instagram_doctor", *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        return out.getvalue(), err.getvalue(), int(end.code or 0)
    return out.getvalue(), err.getvalue(), 0


def test_it_prints_every_row_and_ends_with_the_colour(meta: FakeMeta, settings: Settings) -> None:
    settings.INSTAGRAM_APP_SECRET = []
    out, _err, code = run()
    assert code == 2
    assert out.startswith("  RED  App secret")
    assert "-> Copy the App secret" in out
    assert "Mend first: App secret. Copy the App secret" in out
    assert [call.method for call in meta.calls()] != []


def test_json_stands_alone(meta: FakeMeta) -> None:
    account = make_account(page_id=PAGE, webhook_subscribed_at=None)
    meta.answer("POST", SUBSCRIBED, "subscribed")
    out, err, code = run("--json", "--subscribe")
    report = json.loads(out)
    assert report["level"] == {0: "green", 1: "amber", 2: "red"}[code]
    assert err.strip() == f"{account}: subscribed again."
    account.refresh_from_db()
    assert account.webhook_subscribed_at
    assert account.access_token not in out


@pytest.mark.parametrize("name", ["shop.one", "@Shop.One", "17841400000000042", "pk"])
def test_one_account(meta: FakeMeta, name: str) -> None:
    account = make_account(username="shop.one", instagram_account_id="17841400000000042")
    make_account()
    out, _err, _code = run("--json", "--account", str(account.pk) if name == "pk" else name)
    named = {row["account_id"] for row in json.loads(out)["rows"]}
    assert named == {None, account.pk}
    assert meta.calls()


@pytest.mark.parametrize("name", ["nobody", "9" * 40, "\u0663"])
def test_an_unknown_account_is_an_error_of_its_own(meta: FakeMeta, name: str) -> None:
    make_account()
    with pytest.raises(CommandError) as refused:
        run("--account", name)
    assert refused.value.returncode == 3
    assert meta.calls() == []
