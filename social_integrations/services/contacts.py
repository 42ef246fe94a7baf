"""Fill in who a contact is, from Meta, in the background."""

from datetime import datetime

from django.utils import timezone

from social_integrations.exceptions import GraphRefusedError
from social_integrations.graph.errors import explain
from social_integrations.graph.profiles import fetch_profile
from social_integrations.graph.types import Profile
from social_integrations.models import Contact

from .budget import PROFILES, PacedClient
from .clients import client_for_account
from .guarding import guarded
from .jobs import FETCH_PROFILE, NewJob, enqueue_all
from .receiving import PROFILE_FLOOR

NAME_LENGTH = 255


def is_stale(contact: Contact, now: datetime) -> bool:
    """Return whether the profile was never asked for, or longer than a day ago."""
    asked_at = contact.profile_fetched_at
    return asked_at is None or not now - PROFILE_FLOOR < asked_at <= now


def want_profile(contact: Contact) -> None:
    """Have a contact's profile refreshed in the background, if it is older than a day.

    For whoever shows a contact: pictures die after a few days. At most one call a day.
    """
    now = timezone.now()
    if is_stale(contact, now):
        key = f"{FETCH_PROFILE}:{contact.pk}:{now:%Y-%m-%d}"
        enqueue_all([NewJob(FETCH_PROFILE, {"contact": contact.pk}, key)])


def refresh_profile(*, contact_id: int) -> None:
    """Fetch a contact's profile and keep it, at most once a day.

    Meta refuses profiles of people who closed theirs or blocked the account: the contact is
    marked, its messages stay. Raises GraphError where another try may help, and `AccountOnHold`
    while the account has to be connected again.
    """
    contacts = Contact.objects.select_related("account").defer("account__access_token")
    contact = contacts.filter(pk=contact_id).first()
    if contact is None or not is_stale(contact, timezone.now()):
        return
    account = contact.account
    try:
        with guarded(account):
            if not account.access_token:
                return
            client = PacedClient(
                client_for_account(account), account_id=account.pk, family=PROFILES
            )
            profile = fetch_profile(client, contact.igsid)
    except GraphRefusedError as error:
        _refused(contact, error)
    else:
        _keep(contact, profile)


def _keep(contact: Contact, profile: Profile) -> None:
    Contact.objects.filter(pk=contact.pk).update(
        # Meta leaves fields out at times; what we knew stays better than nothing.
        name=(profile.name or contact.name)[:NAME_LENGTH],
        username=(profile.username or contact.username)[:NAME_LENGTH],
        profile_picture_url=profile.profile_picture_url,
        profile_fetched_at=timezone.now(),
        profile_state=Contact.ProfileState.FETCHED,
    )


def _refused(contact: Contact, error: GraphRefusedError) -> None:
    if explain(error.code, error.subcode).retryable:
        raise error
    Contact.objects.filter(pk=contact.pk).update(
        profile_fetched_at=timezone.now(), profile_state=Contact.ProfileState.UNAVAILABLE
    )
