"""Fill in who a contact is, from Meta, in the background."""

from datetime import datetime

from django.utils import timezone

from social_integrations.exceptions import GraphRefusedError, TokenDecryptionError
from social_integrations.graph.errors import ErrorKind, explain
from social_integrations.graph.profiles import fetch_profile
from social_integrations.graph.types import Profile
from social_integrations.models import Contact

from .budget import PROFILES, PacedClient
from .clients import client_for_account
from .jobs import FETCH_PROFILE, NewJob, enqueue_all
from .reauth import require_reconnecting
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

    A contact or token that is gone ends it quietly. Meta refuses profiles of people who closed
    theirs or blocked the account: the contact is marked, its messages stay. Raises GraphError
    where another try may help.
    """
    contacts = Contact.objects.select_related("account").defer("account__access_token")
    contact = contacts.filter(pk=contact_id).first()
    if contact is None or not is_stale(contact, timezone.now()):
        return
    try:
        if not contact.account.access_token:
            return
        client = PacedClient(
            client_for_account(contact.account), account_id=contact.account_id, family=PROFILES
        )
        profile = fetch_profile(client, contact.igsid)
    except GraphRefusedError as error:
        _refused(contact, error)
    except TokenDecryptionError as error:
        require_reconnecting(account_id=contact.account_id, reason=str(error))
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
    row = explain(error.code, error.subcode)
    if row.retryable:
        raise error
    if row.kind == ErrorKind.AUTH:
        require_reconnecting(
            account_id=contact.account_id, reason=f"{row.sentence} {row.next_step}"
        )
        return
    Contact.objects.filter(pk=contact.pk).update(
        profile_fetched_at=timezone.now(), profile_state=Contact.ProfileState.UNAVAILABLE
    )
