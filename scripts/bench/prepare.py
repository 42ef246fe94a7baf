"""Make empty tables for both sides, and the account the events belong to."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - Django must be set up first
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from social_integrations.models import ConnectedAccount, WebhookEvent  # noqa: E402
from social_integrations.tests.payloads import ACCOUNT_ID  # noqa: E402


def prepare() -> None:
    """Bring the database to where every measurement starts."""
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS raw_delivery (id bigserial PRIMARY KEY, body text NOT NULL)"
        )
        cursor.execute(f'TRUNCATE "{WebhookEvent._meta.db_table}"')
    ConnectedAccount.objects.get_or_create(
        instagram_account_id=ACCOUNT_ID, defaults={"connected_at": timezone.now()}
    )


if __name__ == "__main__":
    prepare()
