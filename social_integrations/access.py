"""Who may see and manage which accounts: one class, which a host project can replace."""

from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from .conf import app_settings
from .models import ConnectedAccount


class AccessPolicy:
    """The rule of a CRM with one team; a host with several subclasses it (see `ACCESS_POLICY`)."""

    def accounts_for(self, user: PermissionsMixin | AnonymousUser) -> QuerySet[ConnectedAccount]:
        """Return the accounts the user may see: their own, or all with the view permission."""
        accounts = ConnectedAccount.objects.all()
        if user.has_perm("social_integrations.view_connectedaccount"):
            return accounts
        return accounts.filter(connected_by_id=getattr(user, "pk", None) or -1)

    def may_connect(self, user: PermissionsMixin | AnonymousUser) -> bool:
        """Return whether the user may connect accounts."""
        return user.has_perm("social_integrations.add_connectedaccount")

    def may_manage(self, user: PermissionsMixin | AnonymousUser, account: ConnectedAccount) -> bool:
        """Return whether the user may act on an account they see: their own, or by permission."""
        is_own = account.connected_by_id == (getattr(user, "pk", None) or -1)
        return is_own or user.has_perm("social_integrations.change_connectedaccount")

    def may_replace(
        self, user: PermissionsMixin | AnonymousUser, account: ConnectedAccount
    ) -> bool:
        """Return whether the user may connect an account again that stands in the CRM already."""
        return (
            account.connected_by_id in (None, getattr(user, "pk", None))
            or account.status == ConnectedAccount.Status.DISCONNECTED
            or user.has_perm("social_integrations.change_connectedaccount")
        )


def access_policy() -> AccessPolicy:
    """Return the configured policy."""
    policy = import_string(app_settings.ACCESS_POLICY)()
    assert isinstance(policy, AccessPolicy)  # noqa: S101 - a wrong setting must not open doors
    return policy
