"""The written-out statement of the feed says about every person what the policy says."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone
from pytest_django import Settings

from social_integrations.access import AccessPolicy, access_policy
from social_integrations.selectors.looking import can_look, look
from social_integrations.tests.api.calls import AGENT, make_agent
from social_integrations.tests.factories import (
    make_account,
    make_contact,
    make_conversation,
    make_superuser,
    make_user,
)

pytestmark = pytest.mark.django_db


class OnlyOpen(AccessPolicy):
    """A host's own rule."""

    def conversations_for(self, user: object) -> object:  # type: ignore[override]
        return super().conversations_for(user).filter(status="open")  # type: ignore[arg-type]


def by_group() -> User:
    user, group = make_user(), Group.objects.create(name="Team")
    names = (*AGENT, "view_connectedaccount")
    group.permissions.set(
        Permission.objects.filter(content_type__app_label="social_integrations", codename__in=names)
    )
    user.groups.add(group)
    return user


PEOPLE: dict[str, Callable[[], User]] = {
    "without rights": make_user,
    "agent": make_agent,
    "agent of their own accounts": lambda: make_agent(all_accounts=False),
    "may not read messages": lambda: make_agent(without=("view_message",)),
    "may not read conversations": lambda: make_agent(without=("view_conversation",)),
    "in a group": by_group,
    "superuser": make_superuser,
}


@pytest.mark.parametrize("name", PEOPLE)
def test_it_says_what_the_policy_says(name: str) -> None:
    user = PEOPLE[name]()
    now = timezone.now()
    for owner, moment in ((user, now), (make_user(), now), (user, now - timedelta(hours=1))):
        contact = make_contact(account=make_account(connected_by=owner))
        make_conversation(contact=contact, changed_at=moment)
    since = now - timedelta(minutes=1)
    expected = access_policy().conversations_for(user).filter(changed_at__gt=since)
    found = look(user.pk, since, 100)
    assert found
    assert found.password == user.password
    assert found.may_read == access_policy().may_read(user)
    assert list(found.changes) == list(
        expected.order_by("changed_at", "pk").values_list("pk", "changed_at")
    )
    assert look(user.pk, since, 1) is not None


def test_nobody_active_has_no_look() -> None:
    inactive = make_user(is_active=False)
    assert look(inactive.pk, timezone.now(), 1) is None
    assert look(987654, timezone.now(), 1) is None


def test_a_hosts_own_rule_is_asked(settings: Settings) -> None:
    assert can_look()
    settings.INSTAGRAM_ACCESS_POLICY = f"{__name__}.OnlyOpen"
    assert not can_look()
