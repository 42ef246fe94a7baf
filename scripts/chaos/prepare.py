"""Migrate the database and connect the account the events belong to; with numbers, more."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - Django must be set up first
from django.utils import timezone  # noqa: E402

from social_integrations.models import ConnectedAccount  # noqa: E402
from social_integrations.tests.payloads import ACCOUNT_ID  # noqa: E402


def prepare(account_ids: list[str]) -> None:
    """Bring the tables up to date, and the accounts into them."""
    call_command("migrate", verbosity=0)
    for account_id in account_ids:
        ConnectedAccount.objects.get_or_create(
            instagram_account_id=account_id, defaults={"connected_at": timezone.now()}
        )
    print("null")


if __name__ == "__main__":
    prepare([ACCOUNT_ID, *sys.argv[1:]])
