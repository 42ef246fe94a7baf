"""Polling the connection status, measured with and without the ETag of the answer before."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django

django.setup()

from datetime import timedelta  # noqa: E402 - Django must be set up first

from django.contrib.auth import get_user_model  # noqa: E402
from django.utils import timezone  # noqa: E402

from social_integrations.api.tokens import AccessToken  # noqa: E402
from social_integrations.models import ConnectedAccount  # noqa: E402


def prepare(accounts: int) -> str:
    """Make a user with this many accounts; return a token that lasts for the measurement."""
    user, _ = get_user_model().objects.get_or_create(username=f"owner-of-{accounts}")
    now = timezone.now()
    ConnectedAccount.objects.bulk_create(
        ConnectedAccount(
            instagram_account_id=f"1784140{accounts:05}{number:05}",
            username=f"shop.{number}",
            name=f"Shop number {number}",
            profile_picture_url="https://scontent.example/" + "p" * 200,
            connected_at=now,
            webhook_subscribed_at=now,
            last_event_at=now,
            connected_by=user,
        )
        for number in range(accounts)
    )
    token = AccessToken.for_user(user)
    token.set_exp(lifetime=timedelta(hours=1))
    return str(token)


if __name__ == "__main__":
    print(prepare(int(sys.argv[1])))
