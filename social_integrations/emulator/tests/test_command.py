"""The command's options."""

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

BASICS = ("--app-id=1", "--app-secret=s", "--verify-token=v", "--redirect-uri=http://crm.example/")


@override_settings(INSTAGRAM_LOGIN_APP_ID="", INSTAGRAM_LOGIN_APP_SECRET=[])
@pytest.mark.parametrize("option", ["--login-app-id=2", "--login-app-secret=t"])
def test_instagram_login_needs_id_and_secret(option: str) -> None:
    with pytest.raises(CommandError, match="needs both"):
        call_command("meta_emulator", *BASICS, option)


@override_settings(INSTAGRAM_LOGIN_APP_ID="2", INSTAGRAM_LOGIN_APP_SECRET=["t", "older"])
def test_the_settings_are_enough(tmp_path: object) -> None:
    with pytest.raises(CommandError, match="Cannot use"):
        call_command("meta_emulator", *BASICS, "--port=0", f"--store={tmp_path}/missing/x.sqlite3")
