"""Note that Meta no longer lets us act for an account."""

from social_integrations.models import ConnectedAccount


def require_reconnecting(*, account_id: int, reason: str) -> None:
    """Mark a connected account as needing to be connected again; any other state stays."""
    ConnectedAccount.objects.filter(pk=account_id, status=ConnectedAccount.Status.CONNECTED).update(
        status=ConnectedAccount.Status.REAUTH_REQUIRED, status_reason=reason
    )
