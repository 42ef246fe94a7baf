"""Fill in who a contact is, from Meta, in the background."""

from django.utils import timezone

from social_integrations.exceptions import GraphRefusedError, TokenDecryptionError
from social_integrations.graph.errors import ErrorKind, explain
from social_integrations.graph.profiles import fetch_profile
from social_integrations.graph.types import Profile
from social_integrations.models import ConnectedAccount, Contact

from .clients import client_for_account

NAME_LENGTH = 255


def refresh_profile(*, contact_id: int) -> None:
    """Fetch a contact's profile and keep it; a contact or token that is gone ends it quietly.

    Meta refuses profiles of people who closed theirs or blocked the account: the contact is
    marked, its messages stay. Raises GraphError where another try may help.
    """
    contacts = Contact.objects.select_related("account").defer("account__access_token")
    contact = contacts.filter(pk=contact_id).first()
    if contact is None:
        return
    try:
        if not contact.account.access_token:
            return
        profile = fetch_profile(client_for_account(contact.account), contact.igsid)
    except GraphRefusedError as error:
        _refused(contact, error)
    except TokenDecryptionError as error:
        _needs_reconnecting(contact.account_id, str(error))
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
        _needs_reconnecting(contact.account_id, f"{row.sentence} {row.next_step}")
        return
    Contact.objects.filter(pk=contact.pk).update(
        profile_fetched_at=timezone.now(), profile_state=Contact.ProfileState.UNAVAILABLE
    )


def _needs_reconnecting(account_id: int, reason: str) -> None:
    ConnectedAccount.objects.filter(pk=account_id, status=ConnectedAccount.Status.CONNECTED).update(
        status=ConnectedAccount.Status.REAUTH_REQUIRED, status_reason=reason
    )
