"""Fill in who a contact is, from Meta, in the background."""

from django.utils import timezone

from social_integrations.exceptions import GraphRefusedError
from social_integrations.graph.errors import explain
from social_integrations.graph.profiles import fetch_profile
from social_integrations.graph.types import Profile
from social_integrations.models import Contact

from .clients import client_for_account
from .guarding import guarded

NAME_LENGTH = 255


def refresh_profile(*, contact_id: int) -> None:
    """Fetch a contact's profile and keep it; a contact or token that is gone ends it quietly.

    Meta refuses profiles of people who closed theirs or blocked the account: the contact is
    marked, its messages stay. Raises GraphError where another try may help, and `AccountOnHold`
    while the account has to be connected again.
    """
    contacts = Contact.objects.select_related("account").defer("account__access_token")
    contact = contacts.filter(pk=contact_id).first()
    if contact is None:
        return
    account = contact.account
    try:
        with guarded(account):
            if not account.access_token:
                return
            profile = fetch_profile(client_for_account(account), contact.igsid)
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
