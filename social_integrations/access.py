"""Who may see and manage which accounts: one class, which a host project can replace."""

from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import (
    AbstractUser,
    AnonymousUser,
    Group,
    Permission,
    PermissionsMixin,
)
from django.contrib.contenttypes.models import ContentType
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, Q, QuerySet
from django.utils.module_loading import import_string

from .conf import app_settings
from .models import ConnectedAccount, Conversation

APP, VIEW_CODENAME = "social_integrations", "view_connectedaccount"
VIEW = f"{APP}.{VIEW_CODENAME}"
CHANGE = f"{APP}.change_connectedaccount"
READ = (f"{APP}.view_conversation", f"{APP}.view_message")
SEND = f"{APP}.add_message"
CHANGE_CONVERSATION = f"{APP}.change_conversation"
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
# Whether `person` holds a permission of this app, named by its code.
HOLDS = """
EXISTS (
    SELECT 1 FROM {permission} permission
    JOIN {kind} kind ON kind.id = permission.content_type_id
    WHERE permission.codename = %s AND kind.app_label = %s AND (
        EXISTS (SELECT 1 FROM {granted} granted
            WHERE granted.permission_id = permission.id AND granted.{granted_to} = person.{key})
        OR EXISTS (SELECT 1 FROM {held} held JOIN {member} member ON member.group_id = held.group_id
            WHERE held.permission_id = permission.id AND member.{member_key} = person.{key})))
"""
SEES = f"(account.connected_by_id = person.{{key}} OR person.is_superuser OR {HOLDS})"
POLL = f"""
SELECT {{columns}}, person.password FROM {{person}} person
LEFT JOIN {{account}} account ON {SEES}
WHERE person.{{key}} = %s AND person.is_active
ORDER BY account.username, account.id
"""  # noqa: S608 - made of constants
ALL = ~Q(pk__in=[])
NONE = Q(pk__in=[])


class AccessPolicy:
    """The rule of a CRM with one team; a host with several subclasses it (see `ACCESS_POLICY`)."""

    def accounts_for(self, user: PermissionsMixin | AnonymousUser) -> QuerySet[ConnectedAccount]:
        """Return the accounts the user may see: their own, or all with the view permission."""
        own = Q(connected_by=user.pk) if user.pk else NONE
        return ConnectedAccount.objects.filter(own | permitted(user, VIEW))

    def may_connect(self, user: PermissionsMixin | AnonymousUser) -> bool:
        """Return whether the user may connect accounts."""
        return user.has_perm("social_integrations.add_connectedaccount")

    def may_manage(self, user: PermissionsMixin | AnonymousUser, account: ConnectedAccount) -> bool:
        """Return whether the user may act on an account they see: their own, or by permission."""
        is_own = user.pk is not None and account.connected_by_id == user.pk
        return is_own or user.has_perm("social_integrations.change_connectedaccount")

    def may_replace(
        self, user: PermissionsMixin | AnonymousUser, account: ConnectedAccount
    ) -> bool:
        """Return whether the user may connect an account again that stands in the CRM already."""
        return (
            account.connected_by_id in (None, getattr(user, "pk", None))
            or account.status == ConnectedAccount.Status.DISCONNECTED
            or user.has_perm(CHANGE)
        )

    def conversations_for(self, user: PermissionsMixin | AnonymousUser) -> QuerySet[Conversation]:
        """Return the conversations of the accounts the user may see.

        Whether they may read what is in them is `may_read`.
        """
        return Conversation.objects.filter(contact__account__in=self.accounts_for(user))

    def may_read(
        self,
        user: PermissionsMixin | AnonymousUser,
        conversation: Conversation | None = None,  # noqa: ARG002 - for hosts that look at it
    ) -> bool:
        """Return whether the user may read a conversation they see; without one, any at all."""
        return user.has_perms(READ)

    def may_send(
        self, user: PermissionsMixin | AnonymousUser, conversation: Conversation | None = None
    ) -> bool:
        """Return whether the user may answer in a conversation they see."""
        return self.may_read(user, conversation) and user.has_perm(SEND)

    def may_change(
        self, user: PermissionsMixin | AnonymousUser, conversation: Conversation | None = None
    ) -> bool:
        """Return whether the user may assign, close and annotate a conversation they see."""
        return self.may_read(user, conversation) and user.has_perm(CHANGE_CONVERSATION)

    def may_be_assigned(
        self, user: PermissionsMixin | AnonymousUser, conversation: Conversation
    ) -> bool:
        """Return whether a conversation may be given to the user: they have to see and read it."""
        seen = self.conversations_for(user).filter(pk=conversation.pk)
        return self.may_read(user, conversation) and seen.exists()


def poll(user_id: Any, fields: tuple[str, ...]) -> list[ConnectedAccount]:
    """Return the accounts `AccessPolicy` shows an active user, by one statement, fields as given.

    Says the same as `accounts_for`, about a user of whom only the key is known. Every row carries
    the user's stored `password`, so that the caller can tell whether a token still stands for them.
    A user without accounts has one row without a key; an unknown or inactive user has none.
    """
    statement = _poll_statement(fields)
    key = stored_key(user_id, connections[router.db_for_read(ConnectedAccount)])
    return list(ConnectedAccount.objects.raw(statement, [VIEW_CODENAME, APP, key]))


def can_poll(*rules: str) -> bool:
    """Return whether `poll` says the same as the policy and the backends in use.

    Statements that also rest on other rules of the policy name them.
    """
    policy = type(access_policy())
    return (
        all(
            getattr(policy, rule) is getattr(AccessPolicy, rule)
            for rule in ("accounts_for", *rules)
        )
        and settings.AUTHENTICATION_BACKENDS == [MODEL_BACKEND]
        and issubclass(get_user_model(), AbstractUser)
    )


def stored_key(user_id: Any, connection: BaseDatabaseWrapper) -> Any:
    """Return a user's key as the database holds it: written-out SQL adapts none, such as a UUID."""
    key: Any = get_user_model()._meta.pk
    return key.get_db_prep_value(user_id, connection)


@cache
def _poll_statement(fields: tuple[str, ...]) -> str:
    """Return the SQL with this project's tables, written out: composing it costs far more."""
    columns = ", ".join(
        f"account.{ConnectedAccount._meta.get_field(field).column}"  # type: ignore[union-attr]
        for field in fields
    )
    return POLL.format(columns=columns, **table_names())


@cache
def table_names() -> dict[str, str]:
    """Return what tables and columns of people and their permissions are called here."""
    user: Any = get_user_model()
    groups, granted = user.groups.through._meta, user.user_permissions.through._meta
    name = user._meta.model_name
    return {
        "person": user._meta.db_table,
        "key": user._meta.pk.column,
        "account": ConnectedAccount._meta.db_table,
        "permission": Permission._meta.db_table,
        "kind": ContentType._meta.db_table,
        "granted": granted.db_table,
        "granted_to": granted.get_field(name).column,
        "held": Group.permissions.through._meta.db_table,
        "member": groups.db_table,
        "member_key": groups.get_field(name).column,
    }


def permitted(user: PermissionsMixin | AnonymousUser, permission: str) -> Q:
    """Return a condition that holds for every row if the user has the permission, else for none.

    With Django's own backend alone the database looks it up along with the rows, which spares two
    queries; any other backend is asked.
    """
    if user.pk is None or user.is_superuser or settings.AUTHENTICATION_BACKENDS != [MODEL_BACKEND]:
        return ALL if user.has_perm(permission) else NONE
    holders = ModelBackend().with_perm(permission, include_superusers=False)
    return Q(Exists(holders.filter(pk=user.pk)))


def access_policy() -> AccessPolicy:
    """Return the configured policy."""
    policy = import_string(app_settings.ACCESS_POLICY)()
    assert isinstance(policy, AccessPolicy)  # noqa: S101 - a wrong setting must not open doors
    return policy
