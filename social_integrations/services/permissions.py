"""What each permission is for: what does not work without it, and how to grant it."""

from collections.abc import Collection
from dataclasses import dataclass

from social_integrations.models import ConnectedAccount

from .clients import asked_scopes

TICK_ALL = "Connect the account again and leave every permission ticked in Meta's window."


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission in words."""

    scope: str
    without_it: str
    """What does not work while it is missing."""
    next_step: str = TICK_ALL
    only_connecting: bool = False
    """Whether an account that is connected already does not suffer from its absence."""


PERMISSIONS: dict[str, Permission] = {
    row.scope: row
    for row in (
        Permission("instagram_basic", "The Instagram account behind a Page cannot be read."),
        Permission("instagram_manage_messages", "Messages can be neither received nor answered."),
        Permission("instagram_manage_comments", "Comments cannot be answered privately."),
        Permission(
            "pages_show_list",
            "Your Pages are not listed when you connect.",
            only_connecting=True,
        ),
        Permission("pages_read_engagement", "The Page behind the account cannot be read."),
        Permission(
            "pages_manage_metadata",
            "Meta cannot be told to deliver the Page's new messages.",
        ),
        Permission("pages_messaging", "The Page's own Messenger messages do not arrive."),
        Permission(
            "business_management",
            "Pages that belong to a business portfolio stay hidden when you connect.",
            "Connect again, tick the business in Meta's window and leave every permission ticked.",
            only_connecting=True,
        ),
        Permission(
            "instagram_business_basic",
            "The account cannot be read, and access to it cannot be renewed after 60 days.",
        ),
        Permission(
            "instagram_business_manage_messages",
            "Messages can be neither received nor answered.",
        ),
        Permission("instagram_business_manage_comments", "Comments cannot be answered privately."),
    )
}


def explain_permission(scope: str) -> Permission:
    """Return the words for a permission, also for one this version does not know."""
    return PERMISSIONS.get(scope) or Permission(scope, "What it is for does not work.")


def missing_permissions(*, login: str, granted: Collection[str]) -> tuple[Permission, ...]:
    """Return what was asked for and not granted, in the order it was asked."""
    return tuple(explain_permission(s) for s in asked_scopes(login) if s not in granted)


def missing_for(account: ConnectedAccount) -> tuple[Permission, ...]:
    """Return the permissions a connected account suffers from lacking; none where none is known."""
    if not account.granted_scopes:
        return ()
    missing = missing_permissions(login=account.login, granted=account.granted_scopes)
    return tuple(row for row in missing if not row.only_connecting)
