"""Give items of a formerly unknown account to the account once it is connected."""

from django.db.models import Q

from social_integrations.models import ConnectedAccount, WebhookEvent

from .applying import requeue


def adopt_orphans(account: ConnectedAccount) -> int:
    """Put what arrived before the account was connected back in line; return how many."""
    ids = [found for found in (account.instagram_account_id, account.app_scoped_id) if found]
    orphans = WebhookEvent.objects.filter(
        status=WebhookEvent.Status.ORPHANED, instagram_account_id__in=ids
    )
    return requeue(orphans)


def adopt_all_orphans() -> int:
    """Do the same for every account: catches items filed just while an account was connected."""
    accounts = ConnectedAccount.objects.all()
    known = Q(instagram_account_id__in=accounts.values("instagram_account_id"))
    known |= Q(instagram_account_id__in=accounts.exclude(app_scoped_id="").values("app_scoped_id"))
    return requeue(WebhookEvent.objects.filter(known, status=WebhookEvent.Status.ORPHANED))
