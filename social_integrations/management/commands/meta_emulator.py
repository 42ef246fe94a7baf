"""Run the stand-in for Meta on this machine."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from social_integrations.emulator.config import EmulatorConfig, default_webhook_url
from social_integrations.emulator.server import CannotStartError, serve

DEFAULTS = {
    "app_id": "INSTAGRAM_APP_ID",
    "app_secret": "INSTAGRAM_APP_SECRET",
    "verify_token": "INSTAGRAM_WEBHOOK_VERIFY_TOKEN",
    "redirect_uri": "INSTAGRAM_REDIRECT_URI",
}
# Without these the emulator knows Facebook Login only.
OPTIONAL = {
    "login_app_id": "INSTAGRAM_LOGIN_APP_ID",
    "login_app_secret": "INSTAGRAM_LOGIN_APP_SECRET",
}


class Command(BaseCommand):
    """Serves the emulator until interrupted."""

    help = "Run a stand-in for Meta, so that the CRM can be tried without a Meta account."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer an option for everything the emulator is told."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=9009, help="port to listen on")
        parser.add_argument("--store", default="", help="SQLite file; default: in memory")
        parser.add_argument("--webhook-url", default="", help="default: beside the redirect URI")
        for option, setting in {**DEFAULTS, **OPTIONAL}.items():
            flag = f"--{option.replace('_', '-')}"
            parser.add_argument(flag, default="", help=f"default: {setting}")

    def handle(self, *_args: object, **options: Any) -> None:
        """Serve."""
        if not 0 <= options["port"] < 65536:
            raise CommandError(f"{options['port']} is not a port: they end at 65535.")
        values = {name: _value(options[name], setting) for name, setting in DEFAULTS.items()}
        login = {name: _known(options[name], setting) for name, setting in OPTIONAL.items()}
        if bool(login["login_app_id"]) != bool(login["login_app_secret"]):
            raise CommandError("Instagram Login needs both --login-app-id and --login-app-secret.")
        webhook_url = options["webhook_url"] or default_webhook_url(values["redirect_uri"])
        config = EmulatorConfig(
            app_id=values["app_id"],
            app_secret=values["app_secret"],
            verify_token=values["verify_token"],
            redirect_uri=values["redirect_uri"],
            login_app_id=login["login_app_id"],
            login_app_secret=login["login_app_secret"],
            webhook_url=webhook_url,
            store_path=options["store"],
        )
        try:
            serve(config, options["host"], options["port"], on_ready=self._announce)
        except CannotStartError as error:
            raise CommandError(f"{error} Choose another --port or --store.") from error

    def _announce(self, url: str) -> None:
        self.stdout.write(f"The Meta emulator is at {url}/ (stop it with Ctrl+C).")


def _known(given: str, setting: str) -> str:
    """Take the option, else the setting; of a list of secrets the first signs."""
    configured = getattr(settings, setting, "") or ""
    if isinstance(configured, list | tuple):
        configured = next(iter(configured), "")
    return given or str(configured)


def _value(given: str, setting: str) -> str:
    """Take the option or the setting, and insist on one."""
    value = _known(given, setting)
    if not value:
        option = next(name for name, key in DEFAULTS.items() if key == setting)
        raise CommandError(f"Set {setting} or pass --{option.replace('_', '-')}.")
    return value
